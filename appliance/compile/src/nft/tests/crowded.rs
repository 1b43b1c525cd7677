//! Rulesets over 16 addresses of each family and 12 ports.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use ravelin_model::{
    Action, AddressRange, IcmpType, NatRuleId, PortRange, RateLimit, RateLimitScope, Revision, ServiceEntry,
    ZoneNumber, protocol,
};

use crate::generate::Random;
use crate::{
    AddressSet, AddressTerm, DnatEntry, Line, NatOrigin, Origin, PolicyPacket, ResolvedZone, Ruleset,
    fixed_counter,
};

const ADDRESSES: usize = 16;
const PUBLISHED: usize = 2;
const PORTS: usize = 12;
const PROTOCOLS: [u8; 6] = [
    protocol::TCP,
    protocol::UDP,
    protocol::SCTP,
    protocol::ICMP,
    protocol::ICMPV6,
    47,
];
/// The last one is too long for chains to depend on it.
const LISTS: u32 = 4;

const LAN: u32 = 2;
const WAN: u32 = 3;

/// So many lines from one zone to another, and a few for any.
pub(super) fn ruleset(random: &mut Random, lines: usize) -> Ruleset {
    let zone = |number: u32, name: &str, interfaces: &[&str]| {
        let number = ZoneNumber::new(number).expect("a zone");
        let zone = ResolvedZone {
            number,
            id: format!("zon_{name}").parse().expect("an id"),
            name: name.to_owned(),
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
        };
        (number, zone)
    };
    let lists = (1..=LISTS).map(|number| (number, Arc::new(list(random, number == LISTS))));
    let lists = lists.collect();
    Ruleset {
        revision: Revision(1),
        zones: [
            zone(1, "local", &[]),
            zone(LAN, "lan", &["lan0", "lan1"]),
            zone(WAN, "wan", &["wan0"]),
        ]
        .into(),
        lines: (0..lines).map(|at| Arc::new(line(random, at))).collect(),
        left_out: Vec::new(),
        defaults: BTreeMap::new(),
        lists,
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::new(),
        pinned: BTreeMap::new(),
    }
}

/// The same with lines that are for TCP and SCTP alike and for nothing between them.
pub(super) fn gappy(random: &mut Random, lines: usize) -> Ruleset {
    let mut ruleset = ruleset(random, lines);
    for line in &mut ruleset.lines {
        let line = Arc::make_mut(line);
        let destination_ports = vec![ports(random)];
        let entry = |number| ServiceEntry {
            protocol: Some(number),
            source_ports: Vec::new(),
            destination_ports: destination_ports.clone(),
            icmp_types: Vec::new(),
        };
        line.services = [protocol::TCP, protocol::SCTP].map(entry).into();
        line.rate_limit = None;
    }
    ruleset
}

/// Any of the packets those lines can tell apart.
pub(super) fn packet(random: &mut Random) -> PolicyPacket {
    let zone = |number| ZoneNumber::new(number).expect("a zone");
    let v6 = random.once_in(2);
    let number = *random.of(&PROTOCOLS);
    let mut packet = PolicyPacket {
        from: zone(if random.once_in(8) { WAN } else { LAN }),
        to: zone(if random.once_in(8) { LAN } else { WAN }),
        source: address(random.below(ADDRESSES), v6),
        destination: address(random.below(ADDRESSES), v6),
        protocol: number,
        source_port: 0,
        destination_port: 0,
        icmp: (0, 0),
    };
    if protocol::has_ports(number) {
        packet.source_port = port(random);
        packet.destination_port = port(random);
    }
    if packet.is_icmp() {
        packet.icmp = (
            8 + u8::try_from(random.below(3)).expect("few"),
            u8::try_from(random.below(3)).expect("few"),
        );
    }
    packet
}

/// One of those that go to the first addresses.
pub(super) fn packet_to_published(random: &mut Random) -> PolicyPacket {
    let packet = packet(random);
    PolicyPacket {
        destination: address(random.below(PUBLISHED), packet.destination.is_ipv6()),
        ..packet
    }
}

/// A translation of what is sent to the first addresses.
pub(super) fn dnat(random: &mut Random) -> DnatEntry {
    let v6 = random.once_in(2);
    let from = ZoneNumber::new(LAN).expect("a zone");
    let origin = NatOrigin::NatRule("nat_1".parse::<NatRuleId>().expect("an id"));
    let target = address(64 + random.below(4) * 4, v6);
    if random.once_in(4) {
        let host = if v6 { 128 } else { 32 };
        let bits = u8::try_from(random.below(3)).expect("few");
        return DnatEntry {
            origin,
            from,
            network: IpNet::new(address(random.below(PUBLISHED), v6), host - bits)
                .expect("a prefix")
                .trunc(),
            protocol: None,
            ports: PortRange::ALL,
            target,
            target_port: None,
        };
    }
    let number = *random.of(&PROTOCOLS);
    let ports = match protocol::has_ports(number) && !random.once_in(3) {
        true => ports(random),
        false => PortRange::ALL,
    };
    DnatEntry {
        origin,
        from,
        network: IpNet::from(address(random.below(PUBLISHED), v6)),
        protocol: Some(number),
        ports,
        target,
        target_port: (ports != PortRange::ALL && random.once_in(2)).then(|| 8_000 + port(random)),
    }
}

fn line(random: &mut Random, at: usize) -> Line {
    let counter = fixed_counter::FIRST_FREE + u32::try_from(at).expect("few");
    let zone =
        |random: &mut Random, number: u32| (!random.once_in(6)).then(|| ZoneNumber::new(number)).flatten();
    let services = match random.below(8) {
        0 => 0,
        1..=5 => 1,
        _ => 2,
    };
    Line {
        origin: Origin::UnwrittenPair,
        counter,
        from: zone(random, LAN),
        to: zone(random, WAN),
        source: term(random),
        destination: term(random),
        services: (0..services).map(|_| service(random)).collect(),
        action: *random.of(&Action::ALL),
        log: random.once_in(3),
        rate_limit: random.once_in(4).then(|| RateLimit {
            rate: 1 + u32::from(random.byte()),
            per: *random.of(&[RateLimitScope::Rule, RateLimitScope::Source]),
            burst: 1 + u32::from(random.byte()),
        }),
    }
}

fn term(random: &mut Random) -> AddressTerm {
    let mut term = AddressTerm::default();
    if random.once_in(12) {
        return term;
    }
    let count = 1 + random.below(3);
    term.addresses = AddressSet::new((0..count).map(|_| range(random)));
    if random.once_in(5) {
        if random.once_in(2) {
            term.addresses = AddressSet::default();
        }
        term.lists = vec![1 + u32::from(random.byte()) % LISTS];
    }
    term.negate = random.once_in(6);
    term
}

fn service(random: &mut Random) -> ServiceEntry {
    let protocol = (!random.once_in(8)).then(|| *random.of(&PROTOCOLS));
    let mut entry = ServiceEntry {
        protocol,
        source_ports: Vec::new(),
        destination_ports: Vec::new(),
        icmp_types: Vec::new(),
    };
    if protocol.is_none_or(protocol::has_ports) {
        let count = random.below(3);
        entry.destination_ports = (0..count).map(|_| ports(random)).collect();
        if random.once_in(4) {
            entry.source_ports = vec![ports(random)];
        }
    } else if protocol.is_some_and(|number| number != 47) {
        let count = random.below(3);
        entry.icmp_types = (0..count)
            .map(|_| IcmpType {
                kind: 8 + random.byte() % 3,
                code: random.once_in(2).then(|| random.byte() % 3),
            })
            .collect();
    }
    entry
}

fn list(random: &mut Random, long: bool) -> AddressSet {
    // Every other address far from those of packets.
    let far = (0..100)
        .filter(|_| long)
        .map(|number| AddressRange::from(address(1_000 + number * 2, false)));
    let near = (0..3).map(|_| range(random)).collect::<Vec<_>>();
    AddressSet::new(near.into_iter().chain(far))
}

fn range(random: &mut Random) -> AddressRange {
    let v6 = random.once_in(2);
    let first = random.below(ADDRESSES);
    let last = if random.once_in(2) {
        first
    } else {
        first + random.below(ADDRESSES - first)
    };
    AddressRange::new(address(first, v6), address(last, v6)).expect("in order")
}

fn address(number: usize, v6: bool) -> IpAddr {
    let number = u32::try_from(number).expect("small");
    match v6 {
        false => Ipv4Addr::from(0x0a00_0000 + number).into(),
        true => Ipv6Addr::from((0xfd00_u128 << 112) + u128::from(number)).into(),
    }
}

fn ports(random: &mut Random) -> PortRange {
    let [first, second] = [port(random), port(random)];
    let last = if random.once_in(2) {
        first
    } else {
        first.max(second)
    };
    PortRange::new(first, last).expect("in order")
}

fn port(random: &mut Random) -> u16 {
    u16::try_from(random.below(PORTS)).expect("small")
}
