//! Services of a line against those of another.

use ravelin_model::{PortRange, ServiceEntry, protocol};

use super::extent::Family;

/// Whether a packet of the family can have one of the services.
pub(super) fn exist(services: &[ServiceEntry], family: Family) -> bool {
    services.is_empty() || services.iter().any(|service| exists(service, family))
}

/// Whether every packet of the family that has one of `inner` has one of `outer`. Says no where it is several of
/// `outer` together that have all of one of `inner`.
pub(super) fn cover(outer: &[ServiceEntry], inner: &[ServiceEntry], family: Family) -> bool {
    let inner = if inner.is_empty() { &[EVERYTHING] } else { inner };
    outer.is_empty()
        || inner
            .iter()
            .filter(|inner| exists(inner, family))
            .all(|inner| outer.iter().any(|outer| covers(outer, inner)))
}

/// What no services are.
const EVERYTHING: ServiceEntry = ServiceEntry {
    protocol: None,
    source_ports: Vec::new(),
    destination_ports: Vec::new(),
    icmp_types: Vec::new(),
};

/// What can be told of services at a glance: where [`Fit::allows`] says no, [`cover`] does too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    /// Of all services; None: several or any.
    protocol: Option<u8>,
    /// Around all of them.
    source_ports: (u16, u16),
    destination_ports: (u16, u16),
}

impl Fit {
    pub(super) fn of(services: &[ServiceEntry], family: Family) -> Self {
        let mut there = services.iter().filter(|service| exists(service, family));
        let around = |ports: &[PortRange]| match ports.iter().map(|range| range.first()).min() {
            Some(first) => (
                first,
                ports.iter().map(|range| range.last()).max().unwrap_or(first),
            ),
            None => (0, u16::MAX),
        };
        let fit = |service: &ServiceEntry| Self {
            protocol: service.protocol,
            source_ports: around(&service.source_ports),
            destination_ports: around(&service.destination_ports),
        };
        let both = |a: (u16, u16), b: (u16, u16)| (a.0.min(b.0), a.1.max(b.1));
        let first = fit(there.next().unwrap_or(&EVERYTHING));
        there.map(fit).fold(first, |all, service| Self {
            protocol: all.protocol.filter(|number| Some(*number) == service.protocol),
            source_ports: both(all.source_ports, service.source_ports),
            destination_ports: both(all.destination_ports, service.destination_ports),
        })
    }

    /// Whether these services may cover those of another line.
    pub(super) fn allows(&self, inner: &Self) -> bool {
        let around = |outer: (u16, u16), inner: (u16, u16)| outer.0 <= inner.0 && inner.1 <= outer.1;
        (self.protocol.is_none() || self.protocol == inner.protocol)
            && around(self.destination_ports, inner.destination_ports)
            && around(self.source_ports, inner.source_ports)
    }
}

fn exists(service: &ServiceEntry, family: Family) -> bool {
    match service.protocol {
        Some(protocol::ICMP) => family == Family::V4,
        Some(protocol::ICMPV6) => family == Family::V6,
        _ => true,
    }
}

fn covers(outer: &ServiceEntry, inner: &ServiceEntry) -> bool {
    let icmp = || {
        inner.icmp_types.iter().all(|inner| {
            outer.icmp_types.iter().any(|outer| {
                outer.kind == inner.kind && outer.code.is_none_or(|code| Some(code) == inner.code)
            })
        })
    };
    (outer.protocol.is_none() || outer.protocol == inner.protocol)
        && ports_cover(&outer.source_ports, &inner.source_ports)
        && ports_cover(&outer.destination_ports, &inner.destination_ports)
        && (outer.icmp_types.is_empty() || !inner.icmp_types.is_empty() && icmp())
}

/// No ports are all of them, and packets that have none.
fn ports_cover(outer: &[PortRange], inner: &[PortRange]) -> bool {
    outer.is_empty() || !inner.is_empty() && inner.iter().all(|inner| within(outer, *inner))
}

fn within(ranges: &[PortRange], inner: PortRange) -> bool {
    let mut from = inner.first();
    loop {
        let reached = ranges.iter().filter(|range| range.contains(from));
        match reached.map(|range| range.last()).max() {
            None => return false,
            Some(last) if inner.last() <= last => return true,
            Some(last) => from = last + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use ravelin_model::IcmpType;

    use super::*;

    fn tcp(ports: &[(u16, u16)]) -> ServiceEntry {
        ServiceEntry {
            protocol: Some(protocol::TCP),
            source_ports: Vec::new(),
            destination_ports: ports
                .iter()
                .map(|(first, last)| PortRange::new(*first, *last).expect("in order"))
                .collect(),
            icmp_types: Vec::new(),
        }
    }

    fn icmp(number: u8, types: &[(u8, Option<u8>)]) -> ServiceEntry {
        ServiceEntry {
            protocol: Some(number),
            icmp_types: types
                .iter()
                .map(|(kind, code)| IcmpType {
                    kind: *kind,
                    code: *code,
                })
                .collect(),
            ..tcp(&[])
        }
    }

    #[test]
    fn a_service_covers_what_each_of_its_packets_has() {
        let check = |outer: &[ServiceEntry], inner: &[ServiceEntry], covered: bool| {
            assert_eq!(cover(outer, inner, Family::V4), covered, "{outer:?} {inner:?}");
            let [outer, inner] = [outer, inner].map(|services| Fit::of(services, Family::V4));
            assert!(!covered || outer.allows(&inner), "{outer:?} {inner:?}");
        };
        check(&[], &[], true);
        check(&[], &[tcp(&[])], true);
        check(&[tcp(&[])], &[], false);
        check(&[EVERYTHING], &[], true);
        check(&[EVERYTHING], &[tcp(&[(80, 80)]), icmp(1, &[(8, None)])], true);
        check(&[tcp(&[])], &[tcp(&[(80, 80)])], true);
        check(&[tcp(&[(80, 80)])], &[tcp(&[])], false);
        check(&[tcp(&[(1, 10), (11, 20)])], &[tcp(&[(5, 15)])], true);
        check(&[tcp(&[(1, 10), (12, 20)])], &[tcp(&[(5, 15)])], false);
        check(&[tcp(&[(1, 65535)])], &[tcp(&[(65535, 65535)])], true);
        check(
            &[tcp(&[(80, 80)]), tcp(&[(443, 443)])],
            &[tcp(&[(443, 443)]), tcp(&[(80, 80)])],
            true,
        );
        check(&[tcp(&[(80, 80)])], &[tcp(&[(80, 80)]), icmp(1, &[])], false);
        // ICMPv6 is nothing in IPv4.
        check(&[tcp(&[(80, 80)])], &[tcp(&[(80, 80)]), icmp(58, &[])], true);
        check(&[icmp(1, &[(8, None)])], &[icmp(1, &[(8, Some(0))])], true);
        check(&[icmp(1, &[(8, Some(0))])], &[icmp(1, &[(8, None)])], false);
        check(&[icmp(1, &[])], &[icmp(1, &[(8, None)])], true);
        check(&[icmp(1, &[(8, None)])], &[icmp(1, &[])], false);
    }
}
