//! What the settings of one interface may say.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use ravelin_model::{
    DhcpClient, DhcpRange, InterfaceSettingsSpec, LanServices, NetworkSettings, VirtualLink,
    is_plain_interface_name,
};

use super::{Checked, Problems, Surroundings, is_interface_name};

/// Least MTU of a link IPv4 runs on (RFC 791).
const LEAST_MTU: u32 = 68;

/// Least MTU of a link IPv6 runs on (RFC 8200, section 5).
const LEAST_MTU_IPV6: u32 = 1280;

/// Largest IP packet there is.
const LARGEST_MTU: u32 = 65_535;

/// The length of prefixes hosts make their addresses from (RFC 4862, RFC 2464).
const SLAAC_PREFIX: u8 = 64;

/// Seconds a lease may hold.
const LEASES: std::ops::RangeInclusive<u32> = 120..=31_536_000;

impl Checked for InterfaceSettingsSpec {
    /// What the card can do is for the commit to ask it.
    fn check(&self, _: &Surroundings<'_>, problems: &mut Problems) {
        if !is_interface_name(&self.interface) {
            let detail = format!("'{}' cannot be the name of an interface", self.interface);
            problems.invalid("/interface", detail);
        } else if self.interface == "lo" {
            problems.invalid("/interface", "is the loopback, which has no card");
        }
        let NetworkSettings {
            dhcp_client,
            lan_services,
            ..
        } = &self.network;
        let served = *dhcp_client != DhcpClient::default() || *lan_services != LanServices::default();
        if served && !is_plain_interface_name(&self.interface) {
            problems.invalid(
                "/interface",
                "is to be served by daemons: then it begins with a letter, and is letters, digits, '.', '-' and '_'",
            );
        }
        check_network(&self.network, problems);
        let settings = &self.hardware;
        let rings = [
            ("rx_ring_descriptors", settings.rx_ring_descriptors),
            ("tx_ring_descriptors", settings.tx_ring_descriptors),
        ];
        for (name, descriptors) in rings {
            if descriptors == Some(0) {
                problems.invalid(
                    format!("/hardware/{name}"),
                    "is 0: nothing could be received or sent",
                );
            }
        }
    }
}

fn check_network(network: &NetworkSettings, problems: &mut Problems) {
    for (place, address) in network.addresses.iter().enumerate() {
        let pointer = format!("/addresses/{place}");
        if let Some(why) = no_host_address(*address) {
            problems.invalid(pointer, format!("{address} {why}"));
        } else if network.addresses[..place]
            .iter()
            .any(|earlier| earlier.addr() == address.addr())
        {
            problems.invalid(pointer, format!("{} is there twice", address.addr()));
        }
    }
    if let Some(mtu) = network.mtu_bytes {
        let ipv6 = network.dhcp_client.ipv6
            || network.lan_services.router_advertisements
            || network.addresses.iter().any(|address| address.addr().is_ipv6());
        let (least, of) = if ipv6 {
            (LEAST_MTU_IPV6, "IPv6")
        } else {
            (LEAST_MTU, "IPv4")
        };
        if !(least..=LARGEST_MTU).contains(&mtu) {
            problems.invalid(
                "/mtu_bytes",
                format!("is not {least} to {LARGEST_MTU}, as {of} wants"),
            );
        }
    }
    check_services(network, problems);
    if let Some(link) = &network.virtual_link {
        check_virtual(link, problems);
        if !network.identity.is_empty() {
            problems.invalid("/identity", "is for cards; the link is made by this box");
        }
    }
}

fn check_services(network: &NetworkSettings, problems: &mut Problems) {
    let services = &network.lan_services;
    if let Some(range) = services.dhcp_range {
        if network.dhcp_client.ipv4 {
            let detail = "cannot be served where the box itself asks others by DHCPv4";
            problems.invalid("/lan_services/dhcp_range", detail);
        }
        check_range(range, &network.addresses, problems);
    }
    if services.router_advertisements {
        let pointer = "/lan_services/router_advertisements";
        if network.dhcp_client.ipv6 {
            let detail = "cannot be sent where the box itself follows those of others";
            problems.invalid(pointer, detail);
        }
        let advertised = |address: &IpNet| match address.addr() {
            IpAddr::V4(_) => false,
            IpAddr::V6(own) => address.prefix_len() == SLAAC_PREFIX && !own.is_unicast_link_local(),
        };
        if !network.addresses.iter().any(advertised) {
            problems.invalid(
                pointer,
                "has no prefix to advertise: no address of IPv6 with a prefix length of 64",
            );
        }
    }
    if services.dns && network.addresses.is_empty() {
        problems.invalid(
            "/lan_services/dns",
            "is asked for at an interface without addresses",
        );
    }
}

fn check_range(range: DhcpRange, addresses: &[IpNet], problems: &mut Problems) {
    let DhcpRange {
        first,
        last,
        lease_seconds,
    } = range;
    let own = addresses.iter().filter_map(|address| match address {
        IpNet::V4(address) => Some(*address),
        IpNet::V6(_) => None,
    });
    let own: Vec<Ipv4Net> = own.collect();
    let at = |end: &str| format!("/lan_services/dhcp_range/{end}");
    if !LEASES.contains(&lease_seconds) {
        let detail = format!("is not {} to {}", LEASES.start(), LEASES.end());
        problems.invalid(at("lease_seconds"), detail);
    }
    if last < first {
        problems.invalid(at("last"), format!("is before {first}"));
        return;
    }
    let Some(network) = own.iter().find(|network| network.contains(&first)) else {
        let detail = format!("{first} is in no network of the interface's addresses");
        problems.invalid(at("first"), detail);
        return;
    };
    if !network.contains(&last) {
        let detail = format!("{last} is not in {}, as {first} is", network.trunc());
        problems.invalid(at("last"), detail);
        return;
    }
    let is_end = |address: Ipv4Addr| address == network.network() || address == network.broadcast();
    for (end, address) in [("first", first), ("last", last)] {
        if is_end(address) {
            let detail = format!("{address} is no host's address in {}", network.trunc());
            problems.invalid(at(end), detail);
        }
    }
    if let Some(own) = own.iter().find(|own| (first..=last).contains(&own.addr())) {
        let detail = format!("the range has the box's own address {}", own.addr());
        problems.invalid(at("first"), detail);
    }
}

fn check_virtual(link: &VirtualLink, problems: &mut Problems) {
    for (place, member) in link.members().iter().enumerate() {
        let pointer = member_pointer(link, place);
        if !is_interface_name(member) {
            problems.invalid(pointer, format!("'{member}' cannot be the name of an interface"));
        } else if member == "lo" {
            problems.invalid(pointer, "is the loopback, which carries nothing");
        } else if link.members()[..place].contains(member) {
            problems.invalid(pointer, format!("{member} is there twice"));
        }
    }
    if let VirtualLink::Vlan { id, .. } = link
        && id.get() > 4094
    {
        problems.invalid("/vlan/id", "is not 1 to 4094");
    }
}

/// Where a link names what it is made of.
pub(super) fn member_pointer(link: &VirtualLink, place: usize) -> String {
    match link {
        VirtualLink::Vlan { .. } => "/vlan/parent".to_owned(),
        VirtualLink::Bridge { .. } => format!("/bridge/ports/{place}"),
        VirtualLink::Bond { .. } => format!("/bond/ports/{place}"),
    }
}

/// Why it is not the address of a host on a link.
fn no_host_address(address: IpNet) -> Option<&'static str> {
    let host = address.addr();
    let whole = address.prefix_len() + 1 >= address.max_prefix_len();
    let reserved = match host {
        IpAddr::V4(host) => host.octets()[0] == 0 || host.octets()[0] >= 240,
        IpAddr::V6(host) => host.to_ipv4_mapped().is_some(),
    };
    if host.is_loopback() {
        Some("is a loopback address")
    } else if host.is_multicast() {
        Some("is a multicast address")
    } else if host.is_unspecified() || reserved {
        Some("is not the address of one host")
    } else if address.prefix_len() == 0 {
        Some("has a prefix length of 0: everything would be on the link")
    } else if !whole && host == address.network() {
        Some("is the address of the network, not of a host in it")
    } else if !whole && host.is_ipv4() && host == address.broadcast() {
        Some("is the broadcast address of its network")
    } else {
        None
    }
}
