//! A frame taken apart. Panics, and says why, where it is not a right frame: lengths and checksums included.

use std::net::IpAddr;

use super::build::Tag;
use super::checksum::{checksum, transport_checksum};

/// An IP packet without options or extension headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Destination hardware address.
    pub destination_mac: [u8; 6],
    /// Source hardware address.
    pub source_mac: [u8; 6],
    /// VLAN tags, outermost first.
    pub tags: Vec<Tag>,
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Protocol behind the IP header.
    pub protocol: u8,
    /// Transport header and payload, to the end of the frame.
    pub transport: Vec<u8>,
}

/// A UDP datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A TCP segment without options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
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
    /// What it carries.
    pub payload: Vec<u8>,
}

/// Takes a frame apart.
pub fn read(frame: &[u8]) -> Read {
    let mut at = 12;
    let mut tags = Vec::new();
    while matches!(word(frame, at), 0x8100 | 0x88a8) {
        tags.push(Tag {
            ethertype: word(frame, at),
            tci: word(frame, at + 2),
        });
        at += 4;
    }
    let ip = &frame[at + 2..];
    let (source, destination, ttl, protocol, header) = match word(frame, at) {
        0x0800 => {
            assert_eq!(ip[0], 0x45, "IPv4 without options");
            assert_eq!(usize::from(word(ip, 2)), ip.len(), "total length");
            assert_eq!(checksum(&ip[..20]), 0, "IPv4 header checksum");
            (address(&ip[12..16]), address(&ip[16..20]), ip[8], ip[9], 20)
        }
        0x86dd => {
            assert_eq!(ip[0] >> 4, 6, "IPv6");
            assert_eq!(usize::from(word(ip, 4)) + 40, ip.len(), "payload length");
            (address(&ip[8..24]), address(&ip[24..40]), ip[7], ip[6], 40)
        }
        other => panic!("ethertype {other:#06x}"),
    };
    Read {
        destination_mac: frame[..6].try_into().expect("six bytes"),
        source_mac: frame[6..12].try_into().expect("six bytes"),
        tags,
        source,
        destination,
        ttl,
        protocol,
        transport: ip[header..].to_vec(),
    }
}

impl Read {
    /// The datagram in it.
    pub fn udp(&self) -> Datagram {
        assert_eq!(self.protocol, 17, "UDP");
        let bytes = &self.transport;
        assert_eq!(usize::from(word(bytes, 4)), bytes.len(), "UDP length");
        assert_ne!(word(bytes, 6), 0, "UDP checksum is there");
        self.assert_checksum();
        Datagram {
            source: word(bytes, 0),
            destination: word(bytes, 2),
            payload: bytes[8..].to_vec(),
        }
    }

    /// The segment in it.
    pub fn tcp(&self) -> Segment {
        assert_eq!(self.protocol, 6, "TCP");
        let bytes = &self.transport;
        assert_eq!(bytes[12], 5 << 4, "TCP without options");
        self.assert_checksum();
        Segment {
            source: word(bytes, 0),
            destination: word(bytes, 2),
            sequence: (u32::from(word(bytes, 4)) << 16) | u32::from(word(bytes, 6)),
            acknowledgement: (u32::from(word(bytes, 8)) << 16) | u32::from(word(bytes, 10)),
            flags: bytes[13],
            payload: bytes[20..].to_vec(),
        }
    }

    fn assert_checksum(&self) {
        let sum = transport_checksum(self.source, self.destination, self.protocol, &self.transport);
        assert_eq!(sum, 0, "transport checksum");
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn address(bytes: &[u8]) -> IpAddr {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).expect("four bytes").into(),
        _ => <[u8; 16]>::try_from(bytes).expect("sixteen bytes").into(),
    }
}
