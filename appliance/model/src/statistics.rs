//! Packet statistics.

use crate::Reason;

/// Protocol class a packet is counted under, numbered as in `ebpf/include/ravelin/statistics.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl Protocol {
    /// Every class in number order.
    pub const ALL: [Self; 9] = [
        Self::Other,
        Self::Ipv4Tcp,
        Self::Ipv4Udp,
        Self::Ipv4Icmp,
        Self::Ipv4Other,
        Self::Ipv6Tcp,
        Self::Ipv6Udp,
        Self::Ipv6Icmp,
        Self::Ipv6Other,
    ];

    /// Its row in `rv_statistics`.
    pub fn row(self) -> usize {
        self as usize
    }

    /// Its name in metrics and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Ipv4Tcp => "ipv4_tcp",
            Self::Ipv4Udp => "ipv4_udp",
            Self::Ipv4Icmp => "ipv4_icmp",
            Self::Ipv4Other => "ipv4_other",
            Self::Ipv6Tcp => "ipv6_tcp",
            Self::Ipv6Udp => "ipv6_udp",
            Self::Ipv6Icmp => "ipv6_icmp",
            Self::Ipv6Other => "ipv6_other",
        }
    }
}

/// Direction of a packet as the interface sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Coming in.
    Ingress,
    /// Going out.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// Its name in metrics and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// Packets and bytes of one protocol class with one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Which way.
    pub direction: Direction,
    /// What kind of packet.
    pub protocol: Protocol,
    /// What became of it.
    pub reason: Reason,
    /// Packets, summed over CPUs.
    pub packets: u64,
    /// Bytes, Ethernet header included.
    pub bytes: u64,
}

/// Statistics of one interface. Each packet is in exactly one cell; cells of zero are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// Kernel name of the interface.
    pub interface: String,
    /// Kernel index.
    pub interface_index: u32,
    /// The cells.
    pub cells: Vec<Cell>,
}
