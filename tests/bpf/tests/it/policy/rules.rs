//! Rulesets by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_compile::{
    AddressSet, AddressTerm, CounterId, DnatEntry, Line, NatOrigin, Origin, PairDefault, PolicyImages,
    Ruleset,
};
use ravelin_model::{Action, PortRange, Revision, ServiceEntry, ZoneNumber};

use super::ground::zone;

/// Interfaces of these tests: `gen0` in zone [`LAN`], `gen1` in zone [`WAN`], `gen2` in none.
pub const INTERFACES: [u32; 3] = [100, 101, 102];
pub const LAN: u32 = 2;
pub const WAN: u32 = 63;
/// What the default of LAN to WAN counts on; its action is drop.
pub const LAN_TO_WAN: CounterId = 16;
/// What the default of LAN to the box counts on; its action is reject.
pub const LAN_TO_LOCAL: CounterId = 17;

/// A ruleset of these lines.
pub fn ruleset(lines: Vec<Line>) -> Ruleset {
    let default = |counter, action| PairDefault {
        origin: Origin::UnwrittenPair,
        counter,
        action,
        log: false,
    };
    Ruleset {
        revision: Revision(7),
        zones: BTreeMap::new(),
        lines: lines.into_iter().map(Arc::new).collect(),
        left_out: Vec::new(),
        defaults: BTreeMap::from([
            ((zone(LAN), zone(WAN)), default(LAN_TO_WAN, Action::Drop)),
            (
                (zone(LAN), ZoneNumber::LOCAL),
                default(LAN_TO_LOCAL, Action::Reject),
            ),
        ]),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::from([(INTERFACES[0], zone(LAN)), (INTERFACES[1], zone(WAN))]),
        pinned: BTreeMap::new(),
    }
}

/// The images of a ruleset.
pub fn images(ruleset: &Ruleset) -> PolicyImages {
    PolicyImages::build(ruleset, None).unwrap()
}

/// A line that matches everything. Change what matters.
pub fn line(counter: CounterId, action: Action) -> Line {
    Line {
        origin: Origin::AntiLockout,
        counter,
        from: None,
        to: None,
        source: AddressTerm::default(),
        destination: AddressTerm::default(),
        services: Vec::new(),
        action,
        log: false,
        rate_limit: None,
    }
}

/// One side of a rule.
pub fn addresses(ranges: &[&str]) -> AddressTerm {
    AddressTerm {
        addresses: set(ranges),
        ..AddressTerm::default()
    }
}

pub fn set(ranges: &[&str]) -> AddressSet {
    AddressSet::new(ranges.iter().map(|range| range.parse().unwrap()))
}

/// A protocol with any ports.
pub fn service(protocol: u8) -> ServiceEntry {
    ServiceEntry {
        protocol: Some(protocol),
        source_ports: Vec::new(),
        destination_ports: Vec::new(),
        icmp_types: Vec::new(),
    }
}

/// A translation of what comes in from [`LAN`]: network, protocol, first and last port, target, its first port.
pub fn dnat(
    network: &str,
    protocol: Option<u8>,
    ports: (u16, u16),
    target: &str,
    target_port: Option<u16>,
) -> DnatEntry {
    DnatEntry {
        origin: NatOrigin::NatRule("nat_1".parse().unwrap()),
        from: zone(LAN),
        network: network.parse().unwrap(),
        protocol,
        ports: PortRange::new(ports.0, ports.1).unwrap(),
        target: target.parse().unwrap(),
        target_port,
    }
}
