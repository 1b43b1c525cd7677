//! What daemons of others do for the network: DHCP clients (systemd-networkd), services for LANs (dnsmasq) and the
//! servers names are asked of (systemd-resolved).
//!
//! The engine sends all of it at once, by `PUT /network-services`; what it leaves out ends.

mod apply;

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

pub use apply::{ApplyError, apply};

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

/// A server that is asked for names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsServer {
    /// Its address; a link-local one needs an interface.
    pub address: IpAddr,
    /// Its port, 53 unless told.
    #[serde(default = "dns_port")]
    pub port: u16,
    /// The interface it is asked by; None: the way routes say.
    #[serde(default)]
    pub interface: Option<String>,
    /// Domains it alone is asked for; none: everything.
    #[serde(default)]
    pub domains: Vec<String>,
}

fn dns_port() -> u16 {
    53
}

/// Where an interface takes its address from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpClient {
    /// Its name in the kernel.
    pub interface: String,
    /// DHCP for IPv4, if asked for.
    #[serde(default)]
    pub ipv4: Option<Ipv4Client>,
    /// Router advertisements and DHCP for IPv6, if asked for.
    #[serde(default)]
    pub ipv6: Option<Ipv6Client>,
}

/// DHCP for IPv4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ipv4Client {
    /// Takes the default route and the other routes that are offered.
    pub use_routes: bool,
    /// Takes the servers for names.
    pub use_dns: bool,
    /// Takes the servers for time.
    pub use_ntp: bool,
    /// Metric of the routes; None: networkd's own.
    #[serde(default)]
    pub route_metric: Option<u32>,
    /// Name that is sent to the server; None: no name is sent.
    #[serde(default)]
    pub hostname: Option<String>,
}

/// Router advertisements and DHCP for IPv6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ipv6Client {
    /// Makes addresses from the prefixes that routers advertise.
    pub autoconfiguration: bool,
    /// Asks a DHCP server for an address where the router says that there is one.
    pub dhcp: bool,
    /// Takes the default route and the other routes that are offered.
    pub use_routes: bool,
    /// Takes the servers for names.
    pub use_dns: bool,
    /// Metric of the routes; None: networkd's own.
    #[serde(default)]
    pub route_metric: Option<u32>,
}

/// What an interface serves to those who are connected to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanServices {
    /// Its name in the kernel.
    pub interface: String,
    /// DHCP for IPv4, if served.
    #[serde(default)]
    pub dhcp: Option<DhcpServer>,
    /// Router advertisements, if sent.
    #[serde(default)]
    pub router_advertisements: Option<RouterAdvertisements>,
    /// Answers queries for names, and hands them on to the servers above.
    #[serde(default)]
    pub dns: bool,
}

/// DHCP for IPv4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpServer {
    /// The network; the interface has an address in it.
    pub network: Ipv4Net,
    /// First address that is given away.
    pub first: Ipv4Addr,
    /// Last address that is given away.
    pub last: Ipv4Addr,
    /// How long an address is given away for.
    pub lease_seconds: u32,
    /// The router clients are told; None: this machine.
    #[serde(default)]
    pub router: Option<Ipv4Addr>,
    /// The servers for names clients are told; none: this machine, if it answers queries there.
    #[serde(default)]
    pub dns_servers: Vec<Ipv4Addr>,
    /// The domain clients are told.
    #[serde(default)]
    pub domain: Option<String>,
}

/// Router advertisements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterAdvertisements {
    /// Prefixes clients make addresses of; none: those the interface has addresses in.
    #[serde(default)]
    pub prefixes: Vec<Ipv6Net>,
    /// How long this machine is a default router for; 0: it is none.
    pub router_lifetime_seconds: u32,
    /// Tells this machine as the server for names, if it answers queries there.
    pub dns: bool,
    /// Clients are told to ask DHCP for other settings and addresses (flags M and O).
    #[serde(default)]
    pub dhcp: bool,
}
