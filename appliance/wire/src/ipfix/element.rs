//! Information elements (<https://www.iana.org/assignments/ipfix>).

use std::net::IpAddr;

use ravelin_model::{EndReason, FlowRecord};

/// Private enterprise number of elements of the other direction (RFC 5103 section 6.1).
pub(super) const REVERSE: u32 = 29305;

/// Bit of an element's number that says an enterprise number follows (RFC 7011 section 3.2).
const ENTERPRISE: u16 = 1 << 15;

/// `biflowDirection`: the source of the record is who began the connection (RFC 5103 section 6.3).
const INITIATOR: u8 = 1;

/// A field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    FlowStartMilliseconds,
    FlowEndMilliseconds,
    SourceIpv4Address,
    DestinationIpv4Address,
    SourceIpv6Address,
    DestinationIpv6Address,
    SourceTransportPort,
    DestinationTransportPort,
    IcmpTypeCodeIpv4,
    IcmpTypeCodeIpv6,
    ProtocolIdentifier,
    FlowEndReason,
    BiflowDirection,
    OctetDeltaCount,
    PacketDeltaCount,
    ReverseOctetDeltaCount,
    ReversePacketDeltaCount,
    PostNatSourceIpv4Address,
    PostNatDestinationIpv4Address,
    PostNatSourceIpv6Address,
    PostNatDestinationIpv6Address,
    PostNaptSourceTransportPort,
    PostNaptDestinationTransportPort,
}

impl Element {
    /// Its number, its length in bytes, and whether it is of the other direction.
    fn definition(self) -> (u16, u16, bool) {
        match self {
            Self::FlowStartMilliseconds => (152, 8, false),
            Self::FlowEndMilliseconds => (153, 8, false),
            Self::SourceIpv4Address => (8, 4, false),
            Self::DestinationIpv4Address => (12, 4, false),
            Self::SourceIpv6Address => (27, 16, false),
            Self::DestinationIpv6Address => (28, 16, false),
            Self::SourceTransportPort => (7, 2, false),
            Self::DestinationTransportPort => (11, 2, false),
            Self::IcmpTypeCodeIpv4 => (32, 2, false),
            Self::IcmpTypeCodeIpv6 => (139, 2, false),
            Self::ProtocolIdentifier => (4, 1, false),
            Self::FlowEndReason => (136, 1, false),
            Self::BiflowDirection => (239, 1, false),
            Self::OctetDeltaCount => (1, 8, false),
            Self::PacketDeltaCount => (2, 8, false),
            Self::ReverseOctetDeltaCount => (1, 8, true),
            Self::ReversePacketDeltaCount => (2, 8, true),
            Self::PostNatSourceIpv4Address => (225, 4, false),
            Self::PostNatDestinationIpv4Address => (226, 4, false),
            Self::PostNatSourceIpv6Address => (281, 16, false),
            Self::PostNatDestinationIpv6Address => (282, 16, false),
            Self::PostNaptSourceTransportPort => (227, 2, false),
            Self::PostNaptDestinationTransportPort => (228, 2, false),
        }
    }

    /// Bytes of it in a record.
    pub(super) fn bytes(self) -> u16 {
        self.definition().1
    }

    /// Its field specifier (RFC 7011 section 3.2).
    pub(super) fn specify(self, out: &mut Vec<u8>) {
        let (number, bytes, reverse) = self.definition();
        let number = if reverse { number | ENTERPRISE } else { number };
        out.extend(number.to_be_bytes());
        out.extend(bytes.to_be_bytes());
        if reverse {
            out.extend(REVERSE.to_be_bytes());
        }
    }

    /// Its value.
    pub(super) fn write(self, record: &FlowRecord, out: &mut Vec<u8>) {
        // Behind the translation the source is where the reply goes to, and the destination where it comes from.
        let FlowRecord {
            original,
            reply,
            counts: [sent, received],
            ..
        } = record;
        match self {
            Self::FlowStartMilliseconds => {
                let started_at = record.started_at.unwrap_or(record.ended_at);
                out.extend(milliseconds(started_at).to_be_bytes());
            }
            Self::FlowEndMilliseconds => out.extend(milliseconds(record.ended_at).to_be_bytes()),
            Self::SourceIpv4Address | Self::SourceIpv6Address => address(original.source, out),
            Self::DestinationIpv4Address | Self::DestinationIpv6Address => address(original.destination, out),
            Self::SourceTransportPort => out.extend(original.source_port.to_be_bytes()),
            Self::DestinationTransportPort | Self::IcmpTypeCodeIpv4 | Self::IcmpTypeCodeIpv6 => {
                out.extend(original.destination_port.to_be_bytes());
            }
            Self::ProtocolIdentifier => out.push(original.protocol),
            Self::FlowEndReason => out.push(end_reason(record.end_reason)),
            Self::BiflowDirection => out.push(INITIATOR),
            Self::OctetDeltaCount => out.extend(sent.bytes.to_be_bytes()),
            Self::PacketDeltaCount => out.extend(sent.packets.to_be_bytes()),
            Self::ReverseOctetDeltaCount => out.extend(received.bytes.to_be_bytes()),
            Self::ReversePacketDeltaCount => out.extend(received.packets.to_be_bytes()),
            Self::PostNatSourceIpv4Address | Self::PostNatSourceIpv6Address => {
                address(reply.destination, out);
            }
            Self::PostNatDestinationIpv4Address | Self::PostNatDestinationIpv6Address => {
                address(reply.source, out);
            }
            Self::PostNaptSourceTransportPort => out.extend(reply.destination_port.to_be_bytes()),
            Self::PostNaptDestinationTransportPort => out.extend(reply.source_port.to_be_bytes()),
        }
    }
}

fn address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => out.extend(address.octets()),
        IpAddr::V6(address) => out.extend(address.octets()),
    }
}

/// Since 1970; before, 0.
fn milliseconds(at: time::OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(0)
}

/// `flowEndReason` (RFC 5102 section 5.11.3).
fn end_reason(reason: EndReason) -> u8 {
    match reason {
        EndReason::Timeout => 1,
        EndReason::Closed | EndReason::Reset => 3,
        EndReason::Killed | EndReason::Policy | EndReason::Removed => 4,
    }
}
