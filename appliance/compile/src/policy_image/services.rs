//! What a line asks of protocol and ports, as boxes.

use ravelin_model::{IcmpType, PortRange, ServiceEntry, protocol};

/// A protocol and one range of ports on each side; ICMP has its type and code for destination ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ServiceBox {
    /// None: every protocol.
    pub(super) protocol: Option<u8>,
    /// First and last, both included.
    pub(super) source_port: (u16, u16),
    /// The same.
    pub(super) destination_port: (u16, u16),
}

const ALL_PORTS: (u16, u16) = (0, u16::MAX);
const EVERYTHING: ServiceBox = ServiceBox {
    protocol: None,
    source_port: ALL_PORTS,
    destination_port: ALL_PORTS,
};

/// The boxes of services in a family; `icmp` is the protocol number of its ICMP and `other_icmp` that of the other
/// family's, which no packet of this one matches. Empty services are everything.
pub(super) fn service_boxes(
    services: &[ServiceEntry],
    icmp: u8,
    other_icmp: u8,
    boxes: &mut Vec<ServiceBox>,
) {
    boxes.clear();
    if services.is_empty() {
        boxes.push(EVERYTHING);
        return;
    }
    for service in services {
        entry_boxes(service, icmp, other_icmp, boxes);
    }
    boxes.sort_unstable();
    boxes.dedup();
    if boxes.contains(&EVERYTHING) {
        boxes.clear();
        boxes.push(EVERYTHING);
    }
}

fn entry_boxes(service: &ServiceEntry, icmp: u8, other_icmp: u8, boxes: &mut Vec<ServiceBox>) {
    let ServiceEntry {
        protocol: wanted,
        source_ports,
        destination_ports,
        icmp_types,
    } = service;
    let is_wanted = |number: &u8| wanted.is_none_or(|wanted| wanted == *number);
    let asks_ports = !(source_ports.is_empty() && destination_ports.is_empty());
    match (asks_ports, icmp_types.is_empty()) {
        // No packet has both.
        (true, false) => {}
        (true, true) => {
            let with_ports = [protocol::TCP, protocol::UDP, protocol::SCTP];
            for number in with_ports.iter().filter(|number| is_wanted(number)) {
                for source_port in port_ranges(source_ports) {
                    for destination_port in port_ranges(destination_ports) {
                        boxes.push(ServiceBox {
                            protocol: Some(*number),
                            source_port,
                            destination_port,
                        });
                    }
                }
            }
        }
        (false, false) => {
            if is_wanted(&icmp) {
                boxes.extend(
                    merge(icmp_types.iter().map(type_range))
                        .into_iter()
                        .map(|range| ServiceBox {
                            protocol: Some(icmp),
                            destination_port: range,
                            ..EVERYTHING
                        }),
                );
            }
        }
        (false, true) => {
            if *wanted != Some(other_icmp) {
                boxes.push(ServiceBox {
                    protocol: *wanted,
                    ..EVERYTHING
                });
            }
        }
    }
}

fn port_ranges(ranges: &[PortRange]) -> Vec<(u16, u16)> {
    if ranges.is_empty() {
        vec![ALL_PORTS]
    } else {
        merge(ranges.iter().map(|range| (range.first(), range.last())))
    }
}

fn type_range(icmp: &IcmpType) -> (u16, u16) {
    let first = u16::from(icmp.kind) << 8;
    match icmp.code {
        Some(code) => (first | u16::from(code), first | u16::from(code)),
        None => (first, first | 0xff),
    }
}

/// The fewest ranges with the same values.
fn merge(ranges: impl Iterator<Item = (u16, u16)>) -> Vec<(u16, u16)> {
    let mut ranges: Vec<_> = ranges.collect();
    ranges.sort_unstable();
    ranges.dedup_by(|next, open| {
        let touches = next.0 <= open.1.saturating_add(1);
        if touches {
            open.1 = open.1.max(next.1);
        }
        touches
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protocol, source ports, destination ports.
    type Ranges = (Option<u8>, (u16, u16), (u16, u16));

    fn check(service: ServiceEntry, v4: &[Ranges]) {
        let mut boxes = Vec::new();
        service_boxes(&[service], protocol::ICMP, protocol::ICMPV6, &mut boxes);
        let found: Vec<_> = boxes
            .iter()
            .map(|entry| (entry.protocol, entry.source_port, entry.destination_port))
            .collect();
        assert_eq!(found, v4);
    }

    fn entry(protocol: Option<u8>, destination: &[(u16, u16)], types: &[(u8, Option<u8>)]) -> ServiceEntry {
        ServiceEntry {
            protocol,
            source_ports: vec![],
            destination_ports: destination
                .iter()
                .map(|(first, last)| PortRange::new(*first, *last).expect("in order"))
                .collect(),
            icmp_types: types
                .iter()
                .map(|(kind, code)| IcmpType {
                    kind: *kind,
                    code: *code,
                })
                .collect(),
        }
    }

    #[test]
    fn ports_that_touch_are_one_box() {
        check(
            entry(Some(6), &[(81, 90), (80, 80), (443, 443)], &[]),
            &[(Some(6), ALL_PORTS, (80, 90)), (Some(6), ALL_PORTS, (443, 443))],
        );
        check(
            entry(Some(17), &[(0, 65535), (5, 5)], &[]),
            &[(Some(17), ALL_PORTS, ALL_PORTS)],
        );
    }

    #[test]
    fn icmp_types_are_ranges_of_type_and_code() {
        check(
            entry(Some(1), &[], &[(3, Some(4)), (8, None)]),
            &[
                (Some(1), ALL_PORTS, (0x0304, 0x0304)),
                (Some(1), ALL_PORTS, (0x0800, 0x08ff)),
            ],
        );
        check(entry(Some(58), &[], &[(128, None)]), &[]);
        check(entry(Some(58), &[], &[]), &[]);
        check(entry(Some(1), &[], &[]), &[(Some(1), ALL_PORTS, ALL_PORTS)]);
    }

    #[test]
    fn ports_of_every_protocol_are_those_of_protocols_with_ports() {
        let boxes = [6, 17, 132].map(|number| (Some(number), ALL_PORTS, (53, 53)));
        check(entry(None, &[(53, 53)], &[]), &boxes);
        check(entry(Some(47), &[(53, 53)], &[]), &[]);
        check(entry(None, &[], &[]), &[(None, ALL_PORTS, ALL_PORTS)]);
    }
}
