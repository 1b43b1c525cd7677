//! Packet statistics.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Direction of a packet as the interface sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Coming in.
    Ingress,
    /// Going out.
    Egress,
}

impl From<model::Direction> for Direction {
    fn from(direction: model::Direction) -> Self {
        match direction {
            model::Direction::Ingress => Self::Ingress,
            model::Direction::Egress => Self::Egress,
        }
    }
}

/// Protocol class a packet is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Not IP, or a header that could not be read.
    Other,
    /// TCP over IPv4.
    Ipv4Tcp,
    /// UDP over IPv4.
    Ipv4Udp,
    /// ICMP.
    Ipv4Icmp,
    /// Anything else over IPv4.
    Ipv4Other,
    /// TCP over IPv6.
    Ipv6Tcp,
    /// UDP over IPv6.
    Ipv6Udp,
    /// ICMPv6.
    Ipv6Icmp,
    /// Anything else over IPv6.
    Ipv6Other,
}

impl From<model::Protocol> for Protocol {
    fn from(protocol: model::Protocol) -> Self {
        match protocol {
            model::Protocol::Other => Self::Other,
            model::Protocol::Ipv4Tcp => Self::Ipv4Tcp,
            model::Protocol::Ipv4Udp => Self::Ipv4Udp,
            model::Protocol::Ipv4Icmp => Self::Ipv4Icmp,
            model::Protocol::Ipv4Other => Self::Ipv4Other,
            model::Protocol::Ipv6Tcp => Self::Ipv6Tcp,
            model::Protocol::Ipv6Udp => Self::Ipv6Udp,
            model::Protocol::Ipv6Icmp => Self::Ipv6Icmp,
            model::Protocol::Ipv6Other => Self::Ipv6Other,
        }
    }
}

/// What became of a packet, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Went on.
    Pass,
    /// Source is on an address list of `ddos_protection`.
    SourceListed,
    /// DNS query for a listed name, dropped.
    DnsDropped,
    /// DNS query for a listed name, answered by us.
    DnsAnswered,
    /// A rule of the policy drops or rejects it.
    PolicyRule,
    /// No rule matches, and the zone pair drops or rejects.
    PolicyDefault,
    /// It belongs to no connection and cannot begin one.
    InvalidState,
    /// Its interface is in no zone.
    NoZone,
    /// Went on: XDP forwarded it from the flow cache.
    Forwarded,
}

impl From<model::Reason> for Reason {
    fn from(reason: model::Reason) -> Self {
        match reason {
            model::Reason::Pass => Self::Pass,
            model::Reason::SourceListed => Self::SourceListed,
            model::Reason::DnsDropped => Self::DnsDropped,
            model::Reason::DnsAnswered => Self::DnsAnswered,
            model::Reason::PolicyRule => Self::PolicyRule,
            model::Reason::PolicyDefault => Self::PolicyDefault,
            model::Reason::InvalidState => Self::InvalidState,
            model::Reason::NoZone => Self::NoZone,
            model::Reason::Forwarded => Self::Forwarded,
        }
    }
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Went on.
    Pass,
    /// Ended here.
    Drop,
    /// Ended here and an answer went back.
    Answer,
}

impl From<model::Verdict> for Verdict {
    fn from(verdict: model::Verdict) -> Self {
        match verdict {
            model::Verdict::Pass => Self::Pass,
            model::Verdict::Drop => Self::Drop,
            model::Verdict::Answer => Self::Answer,
        }
    }
}

/// Packets and bytes of one protocol class with one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cell {
    /// Which way.
    pub direction: Direction,
    /// What kind of packet.
    pub protocol: Protocol,
    /// Why it ended as it did.
    pub reason: Reason,
    /// How it ended.
    pub verdict: Verdict,
    /// Packets.
    pub packets: u64,
    /// Bytes, Ethernet header included.
    pub bytes: u64,
}

impl From<model::Cell> for Cell {
    fn from(cell: model::Cell) -> Self {
        let model::Cell {
            direction,
            protocol,
            reason,
            packets,
            bytes,
        } = cell;
        Self {
            direction: direction.into(),
            protocol: protocol.into(),
            reason: reason.into(),
            verdict: reason.verdict().into(),
            packets,
            bytes,
        }
    }
}

/// Statistics of one interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceStatistics {
    /// Kernel name.
    pub interface: String,
    /// Kernel index.
    pub interface_index: u32,
    /// Each packet is in exactly one cell; cells of zero are left out.
    pub cells: Vec<Cell>,
}

impl From<model::InterfaceStatistics> for InterfaceStatistics {
    fn from(statistics: model::InterfaceStatistics) -> Self {
        let model::InterfaceStatistics {
            interface,
            interface_index,
            cells,
        } = statistics;
        Self {
            interface,
            interface_index,
            cells: cells.into_iter().map(Into::into).collect(),
        }
    }
}

/// Events that never reached the stream, since the maps were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventLosses {
    /// Over the budget of the data plane.
    pub suppressed: u64,
    /// The ring buffer or the queue behind it was full.
    pub lost: u64,
}

/// What the data plane counted since its maps were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// By interface.
    pub interfaces: Vec<InterfaceStatistics>,
    /// Of events.
    pub event_losses: EventLosses,
}
