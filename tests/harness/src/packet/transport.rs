//! Transport headers.

use std::net::IpAddr;

use super::checksum::{checksum, crc32c, transport_checksum};

/// A UDP datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A TCP segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Byte 13 of the header.
    pub flags: u8,
    /// A multiple of four bytes.
    pub options: Vec<u8>,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// An ICMP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icmp {
    /// 1, or 58 for ICMPv6.
    pub protocol: u8,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Bytes 4 to 7: id and sequence number, or what the type says.
    pub rest: [u8; 4],
    /// What follows.
    pub payload: Vec<u8>,
}

/// An SCTP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sctp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Verification tag.
    pub tag: u32,
    /// Chunks, each padded to a multiple of four bytes.
    pub chunks: Vec<u8>,
}

/// What an IP packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Protocol 17.
    Udp(Udp),
    /// Protocol 6.
    Tcp(Tcp),
    /// Protocol 1 or 58.
    Icmp(Icmp),
    /// Protocol 132.
    Sctp(Sctp),
    /// Any protocol: its number and bytes.
    Raw(u8, Vec<u8>),
}

impl Transport {
    /// An echo request of the family.
    pub fn echo(family: u8) -> Self {
        match family {
            4 => Self::Raw(1, vec![8, 0, 0xf7, 0xfd, 0, 1, 0, 1]),
            _ => Self::Raw(58, vec![128, 0, 0, 0, 0, 1, 0, 1]),
        }
    }

    pub(super) fn protocol(&self) -> u8 {
        match self {
            Self::Udp(_) => 17,
            Self::Tcp(_) => 6,
            Self::Icmp(icmp) => icmp.protocol,
            Self::Sctp(_) => 132,
            Self::Raw(protocol, _) => *protocol,
        }
    }

    pub(super) fn bytes(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let (mut bytes, at) = match self {
            Self::Raw(_, bytes) => return bytes.clone(),
            Self::Sctp(sctp) => return sctp.bytes(),
            Self::Icmp(icmp) if icmp.protocol == 1 => return icmp.bytes4(),
            Self::Icmp(icmp) => (icmp.bytes(), 2),
            Self::Udp(udp) => (udp.bytes(), 6),
            Self::Tcp(tcp) => (tcp.bytes(), 16),
        };
        let sum = transport_checksum(source, destination, self.protocol(), &bytes);
        bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

impl Udp {
    fn bytes(&self) -> Vec<u8> {
        let length = u16::try_from(8 + self.payload.len()).expect("a datagram is short");
        let mut bytes = Vec::new();
        for word in [self.source, self.destination, length, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(&self.payload);
        bytes
    }
}

impl Icmp {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind, self.code, 0, 0];
        bytes.extend(self.rest);
        bytes.extend(&self.payload);
        bytes
    }

    /// ICMP for IPv4 has no pseudo header.
    fn bytes4(&self) -> Vec<u8> {
        let mut bytes = self.bytes();
        let sum = checksum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

impl Sctp {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.source.to_be_bytes());
        bytes.extend(self.destination.to_be_bytes());
        bytes.extend(self.tag.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.chunks);
        let sum = crc32c(&bytes);
        bytes[8..12].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

impl Tcp {
    fn bytes(&self) -> Vec<u8> {
        let words = u8::try_from(5 + self.options.len() / 4).expect("options are short");
        let mut bytes = Vec::new();
        bytes.extend(self.source.to_be_bytes());
        bytes.extend(self.destination.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledgement.to_be_bytes());
        bytes.extend([words << 4, self.flags, 0x10, 0, 0, 0, 0, 0]);
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        bytes
    }
}
