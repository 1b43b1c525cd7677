//! The rules of the cases, the same for everybody, and the headers that meet them: ordered rules of overlapping
//! prefixes and ports, all of which drop.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ravelin_compile::{AddressSet, AddressTerm, Line, Origin, PairDefault, Ruleset, fixed_counter};
use ravelin_model::{Action, AddressRange, PortRange, Revision, ServiceEntry, ZoneNumber, protocol};

use crate::lab::Lab;
use crate::lists::Family;

/// Frames of their own before the first comes again: more than fit the caches of a core with what they meet.
const HEADERS: usize = 1 << 15;

/// A rule: any of the ports, from here to there.
#[derive(Clone)]
pub struct Rule {
    pub source: IpNet,
    pub destination: IpNet,
    pub ports: (u16, u16),
}

/// Splitmix64: the same rules in every run.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).expect("an index")]
    }
}

/// So many rules. One in twenty has no source, one in twenty no destination.
pub fn rules(family: Family, count: usize) -> Vec<Rule> {
    let mut random = Random(count as u64);
    (0..count)
        .map(|_| {
            let wide = random.below(20);
            Rule {
                source: network(&mut random, family, Side::Source, wide == 0),
                destination: network(&mut random, family, Side::Destination, wide == 1),
                ports: ports(&mut random),
            }
        })
        .collect()
}

#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// Sources lie in 10.0.0.0/8 and 2001:db8::/32, destinations in 20.0.0.0/8 and fd00::/8: the route out.
fn network(random: &mut Random, family: Family, side: Side, is_any: bool) -> IpNet {
    match family {
        Family::Ipv4 => {
            let first = match side {
                Side::Source => 10 << 24,
                Side::Destination => 20 << 24,
            };
            let bits = u32::try_from(random.below(1 << 24)).expect("24 bits");
            let length = if is_any {
                0
            } else {
                random.of(&[16, 20, 24, 24, 24, 28, 32, 32])
            };
            let net = Ipv4Net::new((first | bits).into(), length).expect("a length of the family");
            net.trunc().into()
        }
        Family::Ipv6 => {
            let (first, shift) = match side {
                Side::Source => (0x2001_0db8 << 96, 32),
                Side::Destination => (0xfd << 120, 56),
            };
            // Crowded in the bits a site has for its networks.
            let bits = u128::from(random.below(1 << 24)) << shift | u128::from(random.below(1 << 16));
            let length = if is_any {
                0
            } else {
                random.of(&[48, 56, 64, 64, 64, 96, 128, 128])
            };
            let net = Ipv6Net::new((first | bits << 32).into(), length).expect("a length of the family");
            net.trunc().into()
        }
    }
}

fn ports(random: &mut Random) -> (u16, u16) {
    let first = random.of(&[22, 25, 53, 80, 123, 443, 993, 3306, 5432, 8080]);
    match random.below(10) {
        0 => (0, u16::MAX),
        1 | 2 => (first, first + 100),
        _ => (first, first),
    }
}

/// What follows the Ethernet header: TCP segments that open connections. Seven in eight are aimed at a rule.
pub fn headers(family: Family, rules: &[Rule]) -> Vec<[u8; 60]> {
    let mut random = Random(1);
    (0..HEADERS)
        .map(|_| {
            let any = Rule {
                source: network(&mut random, family, Side::Source, false),
                destination: network(&mut random, family, Side::Destination, false),
                ports: (0, u16::MAX),
            };
            let rule = match rules.len() {
                0 => any,
                _ if random.below(8) == 0 => any,
                count => {
                    let index = random.below(count as u64);
                    rules[usize::try_from(index).expect("an index")].clone()
                }
            };
            let source = inside(&mut random, rule.source, family, Side::Source);
            let destination = inside(&mut random, rule.destination, family, Side::Destination);
            let span = u64::from(rule.ports.1 - rule.ports.0) + 1;
            let port = rule.ports.0 + u16::try_from(random.below(span)).expect("a port");
            segment(source, destination, port)
        })
        .collect()
}

fn inside(random: &mut Random, net: IpNet, family: Family, side: Side) -> IpAddr {
    let net = if net.prefix_len() == 0 {
        network(random, family, side, false)
    } else {
        net
    };
    let bits = u128::from(random.number()) << 64 | u128::from(random.number());
    match net {
        IpNet::V4(net) => {
            let host = u32::from(net.hostmask());
            let bits = u32::try_from(bits & u128::from(u32::MAX)).expect("32 bits");
            IpAddr::V4((u32::from(net.network()) | (bits & host)).into())
        }
        IpNet::V6(net) => {
            IpAddr::V6((u128::from(net.network()) | (bits & u128::from(net.hostmask()))).into())
        }
    }
}

/// An IP header and a TCP header with SYN. Nobody here looks at their checksums.
fn segment(source: IpAddr, destination: IpAddr, port: u16) -> [u8; 60] {
    let mut bytes = Vec::with_capacity(60);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, protocol::TCP, 0, 0]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            bytes.extend([0x60, 0, 0, 0, 0, 20, protocol::TCP, 64]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        _ => unreachable!("one family"),
    }
    bytes.extend([0x9c, 0x40]);
    bytes.extend(port.to_be_bytes());
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x10, 0, 0, 0, 0, 0]);
    bytes.resize(60, 0);
    bytes.try_into().expect("resized")
}

/// The rules as our compiler takes them: from the zone of the receiver to that of the sender.
pub fn ruleset(lab: &Lab, rules: &[Rule]) -> Ruleset {
    let zone = |number| ZoneNumber::new(number).expect("a zone");
    let (from, to) = (zone(2), zone(3));
    let term = |net: IpNet| AddressTerm {
        addresses: if net.prefix_len() == 0 {
            AddressSet::default()
        } else {
            AddressSet::new([AddressRange::from(net)])
        },
        ..AddressTerm::default()
    };
    let line = |(counter, rule): (u32, &Rule)| {
        let service = ServiceEntry {
            protocol: Some(protocol::TCP),
            source_ports: Vec::new(),
            destination_ports: vec![PortRange::new(rule.ports.0, rule.ports.1).expect("in order")],
            icmp_types: Vec::new(),
        };
        Arc::new(Line {
            origin: Origin::AntiLockout,
            counter,
            from: Some(from),
            to: Some(to),
            source: term(rule.source),
            destination: term(rule.destination),
            services: vec![service],
            action: Action::Drop,
            log: false,
            rate_limit: None,
        })
    };
    let default = PairDefault {
        origin: Origin::UnwrittenPair,
        counter: fixed_counter::UNWRITTEN_PAIR,
        action: Action::Drop,
        log: false,
    };
    Ruleset {
        revision: Revision(1),
        zones: BTreeMap::new(),
        lines: (fixed_counter::FIRST_FREE..).zip(rules).map(line).collect(),
        left_out: Vec::new(),
        defaults: BTreeMap::from([((from, to), default)]),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::from([(lab.receiver_index, from), (lab.sender_index, to)]),
        pinned: BTreeMap::new(),
    }
}
