//! What routes, policy routes and DNS servers may say.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{
    DnsServerSpec, PolicyRouteSpec, RouteSpec, RouteTarget, is_link_local, routing_table::RESERVED,
};

use super::{Checked, Problems, Surroundings, check_address, is_interface_name};

/// Smallest MTU of IPv4 (RFC 791) and of IPv6 (RFC 8200).
const LEAST_MTU: [u32; 2] = [68, 1280];

/// Largest packet there is.
const LARGEST_MTU: u32 = 65_535;

impl Checked for RouteSpec {
    /// Whether the gateway can be reached is for the kernel to say: DHCP may bring what leads to it.
    fn check(&self, _: &Surroundings<'_>, problems: &mut Problems) {
        check_network(self.destination, "/destination", problems);
        if is_of_no_route(self.destination) {
            problems.invalid("/destination", "is not where a route can lead");
        }
        if self.metric == 0 {
            problems.invalid("/metric", "is not at least 1");
        }
        check_table(self.table, problems);
        let ipv6 = self.destination.addr().is_ipv6();
        let least = LEAST_MTU[usize::from(ipv6)];
        match (&self.target, self.mtu_bytes) {
            (RouteTarget::Blackhole | RouteTarget::Unreachable, Some(_)) => {
                problems.invalid("/mtu_bytes", "is for routes that lead somewhere only");
            }
            (_, Some(mtu)) if !(least..=LARGEST_MTU).contains(&mtu) => {
                problems.invalid("/mtu_bytes", format!("is not {least} to {LARGEST_MTU}"));
            }
            _ => {}
        }
        match &self.target {
            RouteTarget::Gateway { gateway, interface } => {
                check_host(*gateway, "/gateway", problems);
                if gateway.is_ipv6() != ipv6 {
                    problems.invalid("/gateway", "is not of the family of the destination");
                }
                match interface {
                    Some(interface) => check_link(interface, problems),
                    None if is_link_local(*gateway) => {
                        problems.invalid("/interface", "is missing: the gateway is known on its link only");
                    }
                    None => {}
                }
            }
            RouteTarget::Interface(interface) => check_link(interface, problems),
            RouteTarget::Blackhole | RouteTarget::Unreachable => {}
        }
    }
}

impl Checked for PolicyRouteSpec {
    fn check(&self, _: &Surroundings<'_>, problems: &mut Problems) {
        if !(1..=Self::LAST_PRIORITY).contains(&self.priority) {
            let detail = format!("is not 1 to {}: the others are the kernel's", Self::LAST_PRIORITY);
            problems.invalid("/priority", detail);
        }
        for (pointer, network) in [("/source", self.source), ("/destination", self.destination)] {
            if let Some(network) = network {
                check_network(network, pointer, problems);
            }
        }
        if let (Some(source), Some(destination)) = (self.source, self.destination)
            && source.addr().is_ipv4() != destination.addr().is_ipv4()
        {
            problems.invalid("/destination", "is not of the family of the source");
        }
        if let Some(interface) = &self.input_interface
            && !is_interface_name(interface)
        {
            let detail = format!("'{interface}' cannot be the name of an interface");
            problems.invalid("/input_interface", detail);
        }
        check_table(self.table, problems);
    }
}

impl Checked for DnsServerSpec {
    fn check(&self, _: &Surroundings<'_>, problems: &mut Problems) {
        check_host(self.address, "/address", problems);
        if is_link_local(self.address) {
            problems.invalid("/address", "is known on its link only");
        }
    }
}

fn check_network(network: IpNet, pointer: &str, problems: &mut Problems) {
    if network.trunc() != network {
        problems.invalid(pointer, "has bits set behind the prefix length");
    }
}

/// Multicast, loopback, and the like.
fn is_of_no_route(destination: IpNet) -> bool {
    let address = destination.addr();
    let everything = destination.prefix_len() == 0;
    !everything && (address.is_multicast() || address.is_loopback() || address.is_unspecified())
}

fn check_table(table: u32, problems: &mut Problems) {
    if RESERVED.contains(&table) {
        problems.invalid("/table", "is a table of the kernel's own");
    }
}

fn check_link(interface: &str, problems: &mut Problems) {
    if !is_interface_name(interface) {
        let detail = format!("'{interface}' cannot be the name of an interface");
        problems.invalid("/interface", detail);
    } else if interface == "lo" {
        problems.invalid("/interface", "is the loopback, which leads nowhere");
    }
}

/// Another host than this one.
fn check_host(address: IpAddr, pointer: &str, problems: &mut Problems) {
    check_address(address, pointer, problems);
    if address.is_loopback() {
        problems.invalid(pointer, "is this box itself");
    }
}
