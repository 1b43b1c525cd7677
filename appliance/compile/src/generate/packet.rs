//! Random packets at the edges of a ruleset.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ravelin_model::{PortRange, ServiceEntry, ZoneNumber, protocol};

use super::Random;
use super::address::{about, anywhere};
use crate::{AddressSet, AddressTerm, PolicyPacket, Ruleset};

/// A packet aimed at one of the lines, at its edges or one beside them; sometimes at none.
///
/// # Panics
/// The ruleset has no zones; one that was resolved has `local` at least.
pub fn packet(random: &mut Random, ruleset: &Ruleset) -> PolicyPacket {
    let line = match ruleset.lines.len() {
        0 => None,
        _ if random.once_in(10) => None,
        _ => Some(random.of(&ruleset.lines)),
    };
    let any = AddressTerm::default();
    let (source, destination) = line.map_or((&any, &any), |line| (&line.source, &line.destination));
    let service = line
        .filter(|line| !line.services.is_empty())
        .map(|line| random.of(&line.services));
    let v6 = family(random, ruleset, [source, destination], service);
    let from = line.and_then(|line| line.from);
    let to = line.and_then(|line| line.to);
    let mut packet = PolicyPacket {
        from: from.unwrap_or_else(|| zone(random, ruleset)),
        to: to.unwrap_or_else(|| zone(random, ruleset)),
        source: address(random, source, &ruleset.lists, v6),
        destination: address(random, destination, &ruleset.lists, v6),
        protocol: 0,
        source_port: 0,
        destination_port: 0,
        icmp: (0, 0),
    };
    serve(random, service, &mut packet);
    match random.below(12) {
        0 => packet.from = zone(random, ruleset),
        1 => packet.to = zone(random, ruleset),
        2 => packet.source = anywhere(random, v6),
        3 => packet.destination = anywhere(random, v6),
        4 => serve(random, None, &mut packet),
        _ => {}
    }
    packet
}

/// A packet to a published address or one beside it, before translation; None: nothing is published. The zone it
/// leaves by is for the caller to find: `to` is any.
pub fn packet_to_published(random: &mut Random, ruleset: &Ruleset) -> Option<PolicyPacket> {
    if ruleset.dnat.is_empty() {
        return None;
    }
    let entry = random.of(&ruleset.dnat);
    let destination = match (entry.network.network(), entry.network.broadcast()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => v4(about(random, (u32::from(first), u32::from(last)))),
        (IpAddr::V6(first), IpAddr::V6(last)) => v6_of(about(random, (u128::from(first), u128::from(last)))),
        _ => unreachable!("both ends of a network are of one family"),
    };
    let mut packet = PolicyPacket {
        from: if random.once_in(4) {
            zone(random, ruleset)
        } else {
            entry.from
        },
        to: zone(random, ruleset),
        source: anywhere(random, destination.is_ipv6()),
        destination,
        protocol: 0,
        source_port: 0,
        destination_port: 0,
        icmp: (0, 0),
    };
    let service = ServiceEntry {
        protocol: entry.protocol,
        source_ports: Vec::new(),
        destination_ports: vec![entry.ports],
        icmp_types: Vec::new(),
    };
    serve(random, Some(&service), &mut packet);
    Some(packet)
}

fn zone(random: &mut Random, ruleset: &Ruleset) -> ZoneNumber {
    let zones: Vec<ZoneNumber> = ruleset.zones.keys().copied().collect();
    *random.of(&zones)
}

/// Whether the packet shall be IPv6: mostly a family the line can match.
fn family(
    random: &mut Random,
    ruleset: &Ruleset,
    terms: [&AddressTerm; 2],
    service: Option<&ServiceEntry>,
) -> bool {
    let either = random.once_in(2);
    if random.once_in(12) {
        return either;
    }
    let only = |v6: bool| {
        let named = |term: &&AddressTerm| {
            !term.negate && !term.is_any() && {
                let mut sets = sets(term, &ruleset.lists);
                sets.all(|set| {
                    if v6 {
                        set.v4().is_empty()
                    } else {
                        set.v6().is_empty()
                    }
                })
            }
        };
        let icmp = if v6 { protocol::ICMPV6 } else { protocol::ICMP };
        terms.iter().any(named) || service.is_some_and(|service| service.protocol == Some(icmp))
    };
    match (only(false), only(true)) {
        (true, false) => false,
        (false, true) => true,
        _ => either,
    }
}

fn sets<'a>(
    term: &'a AddressTerm,
    lists: &'a BTreeMap<u32, Arc<AddressSet>>,
) -> impl Iterator<Item = &'a AddressSet> {
    let listed = term.lists.iter().filter_map(|number| lists.get(number));
    std::iter::once(&term.addresses).chain(listed.map(Arc::as_ref))
}

fn address(
    random: &mut Random,
    term: &AddressTerm,
    lists: &BTreeMap<u32, Arc<AddressSet>>,
    v6: bool,
) -> IpAddr {
    let sets: Vec<&AddressSet> = sets(term, lists)
        .filter(|set| {
            if v6 {
                !set.v6().is_empty()
            } else {
                !set.v4().is_empty()
            }
        })
        .collect();
    if sets.is_empty() || term.negate && random.once_in(2) {
        return anywhere(random, v6);
    }
    let set = *random.of(&sets);
    if v6 {
        let range = *random.of(set.v6());
        v6_of(about(random, range))
    } else {
        let range = *random.of(set.v4());
        v4(about(random, range))
    }
}

fn v4(address: u32) -> IpAddr {
    Ipv4Addr::from(address).into()
}

fn v6_of(address: u128) -> IpAddr {
    Ipv6Addr::from(address).into()
}

/// Gives the packet a protocol and what goes with it.
fn serve(random: &mut Random, service: Option<&ServiceEntry>, packet: &mut PolicyPacket) {
    let v6 = packet.destination.is_ipv6();
    let icmp = if v6 { protocol::ICMPV6 } else { protocol::ICMP };
    let usual = [protocol::TCP, protocol::UDP, icmp, protocol::SCTP, random.byte()];
    packet.protocol = match service.and_then(|service| service.protocol) {
        Some(number) if !random.once_in(12) => number,
        _ => *random.of(&usual),
    };
    (packet.source_port, packet.destination_port, packet.icmp) = (0, 0, (0, 0));
    if protocol::has_ports(packet.protocol) {
        packet.source_port = port(random, service.map_or(&[], |service| &service.source_ports));
        packet.destination_port = port(random, service.map_or(&[], |service| &service.destination_ports));
    } else if packet.is_icmp() {
        packet.icmp = (*random.of(&[0, 3, 8, 128, 255]), *random.of(&[0, 1, 2, 255]));
        if let Some(service) = service.filter(|service| !service.icmp_types.is_empty()) {
            let wanted = random.of(&service.icmp_types);
            let code = wanted.code.unwrap_or(packet.icmp.1);
            packet.icmp = match random.below(6) {
                0 => (wanted.kind.wrapping_add(1), code),
                1 => (wanted.kind, code.wrapping_add(1)),
                _ => (wanted.kind, code),
            };
        }
    }
}

fn port(random: &mut Random, ranges: &[PortRange]) -> u16 {
    if ranges.is_empty() {
        return *random.of(&[0, 1, 22, 53, 80, 443, 1024, 8080, 32768, u16::MAX]);
    }
    let range = *random.of(ranges);
    about(random, (range.first(), range.last()))
}
