//! The reference: a packet against the ruleset, line by line, as the words of the model say. Both back-ends are held
//! to it, so it is written to be read, not to be fast.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ravelin_model::{Action, IcmpType, PortRange, ServiceEntry, ZoneNumber, protocol};

use crate::resolve::unwritten_pair;
use crate::{
    AddressSet, AddressTerm, CounterId, DnatEntry, Line, Origin, PairDefault, PolicyPacket, Ruleset,
};

/// What becomes of a packet, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The line, or the default of the zone pair.
    pub origin: Origin,
    /// What it counts on.
    pub counter: CounterId,
    /// What becomes of it.
    pub action: Action,
    /// Whether it is logged.
    pub log: bool,
    /// The line has a rate limit and is taken to be within it. The reference has no state: eBPF, which has none
    /// either, leaves such a packet to nftables, and over the limit [`Ruleset::evaluate_over_limits`] holds.
    pub rate_limited: bool,
}

/// The first thing of a line a packet does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// It came in from another zone.
    FromZone,
    /// It would leave by another zone.
    ToZone,
    /// Its source address is not meant.
    Source,
    /// Its destination address is not meant.
    Destination,
    /// Its protocol, ports or ICMP type are not meant.
    Service,
}

impl Ruleset {
    /// What becomes of the packet: the first line that matches decides, else the default of the zone pair. Rate
    /// limits are taken not to be reached.
    pub fn evaluate(&self, packet: &PolicyPacket) -> Decision {
        self.first(packet, |_| true)
    }

    /// The same with every rate limit reached, so that lines with one match nothing.
    pub fn evaluate_over_limits(&self, packet: &PolicyPacket) -> Decision {
        self.first(packet, |line| line.rate_limit.is_none())
    }

    fn first(&self, packet: &PolicyPacket, asked: impl Fn(&Line) -> bool) -> Decision {
        let mut lines = self.lines.iter().filter(|line| asked(line));
        match lines.find(|line| line.mismatch(packet, &self.lists).is_none()) {
            Some(line) => Decision {
                origin: line.origin.clone(),
                counter: line.counter,
                action: line.action,
                log: line.log,
                rate_limited: line.rate_limit.is_some(),
            },
            None => self.default_for(packet.from, packet.to).into(),
        }
    }

    /// What happens between two zones where no line says. A zone that is not there has no pairs written.
    pub fn default_for(&self, from: ZoneNumber, to: ZoneNumber) -> PairDefault {
        self.defaults
            .get(&(from, to))
            .cloned()
            .unwrap_or_else(|| unwritten_pair(from))
    }

    /// Where a packet goes that comes in from `from` and was sent to `destination` and `port` (0 where the protocol
    /// has none): the first translation that matches, and the new destination and port.
    pub fn translate(
        &self,
        from: ZoneNumber,
        destination: IpAddr,
        protocol: u8,
        port: u16,
    ) -> Option<(&DnatEntry, IpAddr, u16)> {
        let entry = self
            .dnat
            .iter()
            .find(|entry| entry.matches(from, destination, protocol, port))?;
        let target_port = match entry.target_port {
            Some(first) => first.wrapping_add(port.wrapping_sub(entry.ports.first())),
            None => port,
        };
        Some((entry, entry.target_of(destination), target_port))
    }
}

impl From<PairDefault> for Decision {
    fn from(pair: PairDefault) -> Self {
        let PairDefault {
            origin,
            counter,
            action,
            log,
        } = pair;
        Self {
            origin,
            counter,
            action,
            log,
            rate_limited: false,
        }
    }
}

impl Line {
    /// Why the line does not match the packet; None: it does. `lists` are those of its ruleset.
    pub fn mismatch(
        &self,
        packet: &PolicyPacket,
        lists: &BTreeMap<u32, Arc<AddressSet>>,
    ) -> Option<Mismatch> {
        if self.from.is_some_and(|zone| zone != packet.from) {
            Some(Mismatch::FromZone)
        } else if self.to.is_some_and(|zone| zone != packet.to) {
            Some(Mismatch::ToZone)
        } else if !self.source.matches(packet.source, lists) {
            Some(Mismatch::Source)
        } else if !self.destination.matches(packet.destination, lists) {
            Some(Mismatch::Destination)
        } else if !self.services.is_empty() && !self.services.iter().any(|service| serves(service, packet)) {
            Some(Mismatch::Service)
        } else {
            None
        }
    }
}

impl AddressTerm {
    /// Whether the address is meant. `lists` are those of the ruleset.
    pub fn matches(&self, address: IpAddr, lists: &BTreeMap<u32, Arc<AddressSet>>) -> bool {
        if self.is_any() {
            return true;
        }
        let listed = |number| {
            lists
                .get(number)
                .is_some_and(|list: &Arc<AddressSet>| list.contains(address))
        };
        let named = self.addresses.contains(address) || self.lists.iter().any(listed);
        named != self.negate
    }
}

impl DnatEntry {
    fn matches(&self, from: ZoneNumber, destination: IpAddr, protocol: u8, port: u16) -> bool {
        self.from == from
            && self.network.contains(&destination)
            && self
                .protocol
                .is_none_or(|wanted| wanted == protocol && self.ports.contains(port))
    }

    /// The address that stands where `destination` does in the network.
    fn target_of(&self, destination: IpAddr) -> IpAddr {
        match (destination, self.network.network(), self.target) {
            (IpAddr::V4(destination), IpAddr::V4(first), IpAddr::V4(target)) => {
                let distance = u32::from(destination) - u32::from(first);
                Ipv4Addr::from(u32::from(target).wrapping_add(distance)).into()
            }
            (IpAddr::V6(destination), IpAddr::V6(first), IpAddr::V6(target)) => {
                let distance = u128::from(destination) - u128::from(first);
                Ipv6Addr::from(u128::from(target).wrapping_add(distance)).into()
            }
            _ => unreachable!("network and target are of one family, and the network has the destination"),
        }
    }
}

fn serves(service: &ServiceEntry, packet: &PolicyPacket) -> bool {
    let ServiceEntry {
        protocol: wanted,
        source_ports,
        destination_ports,
        icmp_types,
    } = service;
    let of_protocol = match *wanted {
        None => true,
        Some(protocol::ICMP | protocol::ICMPV6) => *wanted == Some(packet.protocol) && packet.is_icmp(),
        Some(number) => number == packet.protocol,
    };
    of_protocol
        && has_port(source_ports, packet.protocol, packet.source_port)
        && has_port(destination_ports, packet.protocol, packet.destination_port)
        && (icmp_types.is_empty()
            || packet.is_icmp() && icmp_types.iter().any(|icmp| is_type(*icmp, packet.icmp)))
}

fn has_port(ranges: &[PortRange], protocol: u8, port: u16) -> bool {
    ranges.is_empty() || protocol::has_ports(protocol) && ranges.iter().any(|range| range.contains(port))
}

fn is_type(wanted: IcmpType, (kind, code): (u8, u8)) -> bool {
    wanted.kind == kind && wanted.code.is_none_or(|wanted| wanted == code)
}
