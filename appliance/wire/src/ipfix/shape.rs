//! Which fields a record has.

use ravelin_model::{FlowRecord, protocol};

use super::element::Element;

/// Ids below are those of sets of templates (RFC 7011 section 3.3.2).
const FIRST_TEMPLATE: u16 = 256;

/// Which fields a record has. Each has a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    /// Addresses of IPv6.
    ipv6: bool,
    /// Addresses or ports are others behind the translation.
    translated: bool,
    /// Type and code instead of ports.
    icmp: bool,
    /// When it began is known.
    started: bool,
}

impl Shape {
    pub(super) fn of(record: &FlowRecord) -> Self {
        let FlowRecord { original, reply, .. } = record;
        let straight = original.inverted();
        let addresses = (reply.source, reply.destination) != (straight.source, straight.destination);
        let ports =
            (reply.source_port, reply.destination_port) != (straight.source_port, straight.destination_port);
        Self {
            ipv6: original.is_ipv6(),
            translated: addresses || (original.has_ports() && ports),
            icmp: matches!(original.protocol, protocol::ICMP | protocol::ICMPV6),
            started: record.started_at.is_some(),
        }
    }

    /// Every one.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..16_u16).map(|bits| Self {
            ipv6: bits & 1 != 0,
            translated: bits & 2 != 0,
            icmp: bits & 4 != 0,
            started: bits & 8 != 0,
        })
    }

    /// Id of its template.
    pub(super) fn template(self) -> u16 {
        let Self {
            ipv6,
            translated,
            icmp,
            started,
        } = self;
        FIRST_TEMPLATE
            + u16::from(ipv6)
            + (u16::from(translated) << 1)
            + (u16::from(icmp) << 2)
            + (u16::from(started) << 3)
    }

    /// Its fields, in the order of its template.
    pub(super) fn elements(self) -> impl Iterator<Item = Element> {
        let either = |four, six| if self.ipv6 { six } else { four };
        let times: &[Element] = if self.started {
            &[Element::FlowStartMilliseconds, Element::FlowEndMilliseconds]
        } else {
            &[Element::FlowEndMilliseconds]
        };
        let addresses: &[Element] = either(
            &[Element::SourceIpv4Address, Element::DestinationIpv4Address],
            &[Element::SourceIpv6Address, Element::DestinationIpv6Address],
        );
        let ports: &[Element] = match (self.icmp, self.ipv6) {
            (false, _) => &[Element::SourceTransportPort, Element::DestinationTransportPort],
            (true, false) => &[Element::IcmpTypeCodeIpv4],
            (true, true) => &[Element::IcmpTypeCodeIpv6],
        };
        let always: &[Element] = &[
            Element::ProtocolIdentifier,
            Element::FlowEndReason,
            Element::BiflowDirection,
            Element::OctetDeltaCount,
            Element::PacketDeltaCount,
            Element::ReverseOctetDeltaCount,
            Element::ReversePacketDeltaCount,
        ];
        let translated: &[Element] = match (self.translated, self.ipv6) {
            (false, _) => &[],
            (true, false) => &[
                Element::PostNatSourceIpv4Address,
                Element::PostNatDestinationIpv4Address,
            ],
            (true, true) => &[
                Element::PostNatSourceIpv6Address,
                Element::PostNatDestinationIpv6Address,
            ],
        };
        let translated_ports: &[Element] = if self.translated && !self.icmp {
            &[
                Element::PostNaptSourceTransportPort,
                Element::PostNaptDestinationTransportPort,
            ]
        } else {
            &[]
        };
        [times, addresses, ports, always, translated, translated_ports]
            .into_iter()
            .flatten()
            .copied()
    }

    /// Bytes of a record.
    pub(super) fn bytes(self) -> usize {
        self.elements().map(|element| usize::from(element.bytes())).sum()
    }
}
