//! The files that say all of it, by daemon. Pure: who writes them is `apply`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use thiserror::Error;

use super::{DhcpRange, InterfaceName, LanServices, NetworkServices, dnsmasq, networkd, resolved};

/// Times a lease may hold, in seconds; dnsmasq takes none below two minutes.
const LEASE_SECONDS: std::ops::RangeInclusive<u32> = 120..=31_536_000;

/// What the files must not be made of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidServices {
    /// Two of a kind for one interface.
    #[error("'{0}' comes twice")]
    Twice(InterfaceName),
    /// The interface has no address to give others from.
    #[error("'{0}' has no IPv4 address, so that none of its network can be given away")]
    NoAddress(InterfaceName),
    /// Not within the network, or the wrong way round.
    #[error("{first} to {last} is no range of hosts in {network} on '{interface}'")]
    Range {
        /// Where.
        interface: InterfaceName,
        /// What it should be in.
        network: Ipv4Net,
        /// Its first address.
        first: Ipv4Addr,
        /// Its last address.
        last: Ipv4Addr,
    },
    /// A time nobody takes.
    #[error("leases on '{0}' do not hold for 120 to 31536000 seconds")]
    LeaseTime(InterfaceName),
    /// An address nobody answers at.
    #[error("{0} is not the address of a server")]
    Server(std::net::IpAddr),
}

/// What the files of each daemon say. None: it has nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceFiles {
    /// Files of systemd-networkd by name.
    pub networkd: BTreeMap<String, String>,
    /// Drop-in of systemd-resolved.
    pub resolved: Option<String>,
    /// Of the dnsmasq that serves DHCP and router advertisements.
    pub dhcp: Option<String>,
    /// Of the dnsmasq that answers questions for names.
    pub dns: Option<String>,
}

/// Says it in the daemons' words.
pub fn render(services: &NetworkServices) -> Result<ServiceFiles, InvalidServices> {
    check(services)?;
    Ok(ServiceFiles {
        networkd: networkd::files(services),
        resolved: resolved::drop_in(&services.dns_servers),
        dhcp: dnsmasq::dhcp(services),
        dns: dnsmasq::dns(services),
    })
}

fn check(services: &NetworkServices) -> Result<(), InvalidServices> {
    let clients = services.dhcp_clients.iter().map(|client| &client.interface);
    once(clients)?;
    once(services.lan_services.iter().map(|lan| &lan.interface))?;
    for lan in &services.lan_services {
        if let Some(range) = lan.dhcp {
            check_range(lan, range)?;
        }
    }
    for server in &services.dns_servers {
        let address = server.address;
        if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
            return Err(InvalidServices::Server(address));
        }
    }
    Ok(())
}

fn once<'a>(interfaces: impl Iterator<Item = &'a InterfaceName>) -> Result<(), InvalidServices> {
    let mut seen = BTreeSet::new();
    for interface in interfaces {
        if !seen.insert(interface) {
            return Err(InvalidServices::Twice(interface.clone()));
        }
    }
    Ok(())
}

fn check_range(lan: &LanServices, range: DhcpRange) -> Result<(), InvalidServices> {
    let interface = || lan.interface.clone();
    let Some(network) = lan.address else {
        return Err(InvalidServices::NoAddress(interface()));
    };
    let DhcpRange {
        first,
        last,
        lease_seconds,
    } = range;
    let within = [first, last]
        .iter()
        .all(|address| network.contains(address) && is_host(network, *address));
    if !within || first > last {
        return Err(InvalidServices::Range {
            interface: interface(),
            network,
            first,
            last,
        });
    }
    if !LEASE_SECONDS.contains(&lease_seconds) {
        return Err(InvalidServices::LeaseTime(interface()));
    }
    Ok(())
}

/// Neither the network itself nor its broadcast address, where it has those.
fn is_host(network: Ipv4Net, address: Ipv4Addr) -> bool {
    network.prefix_len() > 30 || (address != network.network() && address != network.broadcast())
}

#[cfg(test)]
mod tests;
