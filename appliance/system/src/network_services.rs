//! What daemons of others do for the network: DHCP clients (systemd-networkd), services for LANs (dnsmasq) and the
//! servers names are asked of (systemd-resolved).
//!
//! The engine sends all of it at once, by `PUT /network-services`; what it leaves out ends. Nothing of it is text that
//! could break out of a line of a file: addresses, numbers, switches, and names of interfaces, see [`InterfaceName`].

mod apply;
mod dnsmasq;
mod files;
mod interface_name;
mod leases;
mod networkd;
mod resolved;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

use ipnet::Ipv4Net;
use ravelin_model as model;
use serde::{Deserialize, Serialize};

pub use apply::{Daemon, Daemons, Places, SystemDaemons, apply, apply_with};
pub use files::{InvalidServices, ServiceFiles, render};
pub use interface_name::{InterfaceName, InvalidInterfaceName};
pub use leases::{Lease, LeaseHolder, Leases, leases, read_leases};

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkServices {
    /// At most one for each interface.
    #[serde(default)]
    pub dhcp_clients: Vec<DhcpClient>,
    /// At most one for each interface.
    #[serde(default)]
    pub lan_services: Vec<LanServices>,
    /// Servers this machine and the LANs ask for names, in this order. None: those that DHCP tells.
    #[serde(default)]
    pub dns_servers: Vec<DnsServer>,
}

/// Where an interface takes addresses, routes and servers for names and time from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpClient {
    /// Its name in the kernel.
    pub interface: InterfaceName,
    /// DHCP for IPv4.
    #[serde(default)]
    pub ipv4: bool,
    /// Router advertisements, and DHCP for IPv6 where they tell of it.
    #[serde(default)]
    pub ipv6: bool,
}

/// What an interface serves to those who are connected to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanServices {
    /// Its name in the kernel.
    pub interface: InterfaceName,
    /// The address of this machine on it, with the network; DHCP needs it.
    #[serde(default)]
    pub address: Option<Ipv4Net>,
    /// DHCP for IPv4, if served.
    #[serde(default)]
    pub dhcp: Option<DhcpRange>,
    /// Router advertisements of the networks the interface has IPv6 addresses in.
    #[serde(default)]
    pub router_advertisements: bool,
    /// Questions for names are answered, by asking the servers above. Clients are told so.
    #[serde(default)]
    pub dns: bool,
}

/// Addresses that are given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpRange {
    /// First.
    pub first: Ipv4Addr,
    /// Last.
    pub last: Ipv4Addr,
    /// How long one is given away for.
    pub lease_seconds: u32,
}

/// A server that is asked for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsServer {
    /// Its address.
    pub address: IpAddr,
    /// UDP and TCP port.
    pub port: NonZeroU16,
}

impl TryFrom<&model::NetworkServices> for NetworkServices {
    type Error = InvalidInterfaceName;

    fn try_from(services: &model::NetworkServices) -> Result<Self, InvalidInterfaceName> {
        let model::NetworkServices {
            dhcp_clients,
            lan_services,
            dns_servers,
        } = services;
        let client = |(interface, client): &(String, model::DhcpClient)| {
            let model::DhcpClient { ipv4, ipv6 } = *client;
            Ok(DhcpClient {
                interface: interface.parse()?,
                ipv4,
                ipv6,
            })
        };
        let server = |server: &model::DnsServerAddress| {
            let model::DnsServerAddress { address, port } = *server;
            DnsServer { address, port }
        };
        Ok(Self {
            dhcp_clients: dhcp_clients.iter().map(client).collect::<Result<_, _>>()?,
            lan_services: lan_services
                .iter()
                .map(LanServices::try_from)
                .collect::<Result<_, _>>()?,
            dns_servers: dns_servers.iter().map(server).collect(),
        })
    }
}

impl TryFrom<&model::LanLink> for LanServices {
    type Error = InvalidInterfaceName;

    fn try_from(link: &model::LanLink) -> Result<Self, InvalidInterfaceName> {
        let model::LanLink {
            interface,
            services,
            ipv4,
        } = link;
        let model::LanServices {
            dhcp_range,
            router_advertisements,
            dns,
        } = services;
        let range = |range: &model::DhcpRange| {
            let model::DhcpRange {
                first,
                last,
                lease_seconds,
            } = *range;
            DhcpRange {
                first,
                last,
                lease_seconds,
            }
        };
        Ok(Self {
            interface: interface.parse()?,
            address: *ipv4,
            dhcp: dhcp_range.as_ref().map(range),
            router_advertisements: *router_advertisements,
            dns: *dns,
        })
    }
}
