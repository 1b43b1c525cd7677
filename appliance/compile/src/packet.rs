//! A packet as the policy sees it.

use std::net::IpAddr;

use ravelin_model::{ZoneNumber, protocol};

/// The first packet of a connection, after destination and before source translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PolicyPacket {
    /// Zone it came in from.
    pub from: ZoneNumber,
    /// Zone it would leave by.
    pub to: ZoneNumber,
    /// From.
    pub source: IpAddr,
    /// To, of the same family.
    pub destination: IpAddr,
    /// IANA number of the header behind the IP headers.
    pub protocol: u8,
    /// 0 where the protocol has none.
    pub source_port: u16,
    /// 0 where the protocol has none.
    pub destination_port: u16,
    /// Type and code; 0 unless it is ICMP or ICMPv6.
    pub icmp: (u8, u8),
}

impl PolicyPacket {
    /// Whether it is an ICMP message of its own family. ICMP in IPv6 and ICMPv6 in IPv4 are just numbers.
    pub fn is_icmp(&self) -> bool {
        match self.source {
            IpAddr::V4(_) => self.protocol == protocol::ICMP,
            IpAddr::V6(_) => self.protocol == protocol::ICMPV6,
        }
    }
}
