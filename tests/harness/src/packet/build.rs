//! A packet as a value, and its bytes.

use std::net::IpAddr;

use super::checksum::checksum;
use super::transport::{Tcp, Transport, Udp};
use super::{ACK, CLIENT_MAC, PSH, ROUTER_MAC};

/// A VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// 0x8100 (802.1Q) or 0x88a8 (802.1ad).
    pub ethertype: u16,
    /// Priority, drop eligibility and VLAN id.
    pub tci: u16,
}

/// An IPv6 extension header. `units` are of 8 bytes beyond the first 8; of 4 for [`Self::Authentication`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// Next header 0.
    HopByHop(u8),
    /// Next header 43.
    Routing(u8),
    /// Next header 60.
    Destination(u8),
    /// Next header 44: offset in bytes, a multiple of 8, and whether more fragments follow.
    Fragment(u16, bool),
    /// Next header 51.
    Authentication(u8),
}

/// An Ethernet frame with an IP packet. Start with one of the makers and change what matters.
#[derive(Debug, Clone)]
pub struct Packet {
    /// VLAN tags, outermost first.
    pub tags: Vec<Tag>,
    /// Both addresses are of one family.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Names the fragments of one packet.
    pub id: u16,
    /// IPv4: it must not be fragmented on its way.
    pub dont_fragment: bool,
    /// IPv4 options, a multiple of four bytes.
    pub options: Vec<u8>,
    /// IPv4: offset in bytes, a multiple of 8, and whether more fragments follow.
    pub fragment: Option<(u16, bool)>,
    /// IPv6 extension headers, first one first.
    pub extensions: Vec<Extension>,
    /// What it carries.
    pub transport: Transport,
    /// Bytes behind the IP packet, as Ethernet pads.
    pub padding: usize,
}

impl Packet {
    /// A packet of the family from a client to a server, both of the documentation prefixes.
    pub fn new(family: u8, transport: Transport) -> Self {
        let (source, destination) = match family {
            4 => ("192.0.2.10", "198.51.100.53"),
            6 => ("2001:db8:1::10", "2001:db8:2::53"),
            other => panic!("no IP version {other}"),
        };
        Self {
            tags: Vec::new(),
            source: source.parse().expect("address"),
            destination: destination.parse().expect("address"),
            ttl: 61,
            id: 0x1234,
            dont_fragment: false,
            options: Vec::new(),
            fragment: None,
            extensions: Vec::new(),
            transport,
            padding: 0,
        }
    }

    /// A datagram.
    pub fn udp(family: u8, source: u16, destination: u16, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(
            family,
            Transport::Udp(Udp {
                source,
                destination,
                payload: payload.into(),
            }),
        )
    }

    /// A segment with PSH and ACK, sequence number 1000 and acknowledgement number 5000.
    pub fn tcp(family: u8, source: u16, destination: u16, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(
            family,
            Transport::Tcp(Tcp {
                source,
                destination,
                sequence: 1000,
                acknowledgement: 5000,
                flags: PSH | ACK,
                options: Vec::new(),
                payload: payload.into(),
            }),
        )
    }

    /// With the extension headers.
    #[must_use]
    pub fn extended(mut self, extensions: &[Extension]) -> Self {
        self.extensions = extensions.to_vec();
        self
    }

    /// With the tags, given by their ethertypes.
    #[must_use]
    pub fn tagged(mut self, ethertypes: &[u16]) -> Self {
        self.tags = (100..)
            .zip(ethertypes)
            .map(|(tci, &ethertype)| Tag { ethertype, tci })
            .collect();
        self
    }

    /// With another source address.
    #[must_use]
    pub fn from(mut self, source: &str) -> Self {
        self.source = source.parse().expect("address");
        self
    }

    /// The packet in two fragments, the first with `at` bytes, a multiple of 8.
    pub fn fragments(&self, at: u16) -> [Self; 2] {
        let whole = self.transport.bytes(self.source, self.destination);
        let (first, second) = whole.split_at(at.into());
        [(0, true, first), (at, false, second)].map(|(offset, more, bytes)| {
            let mut part = self.clone();
            part.transport = Transport::Raw(self.transport.protocol(), bytes.to_vec());
            match self.source {
                IpAddr::V4(_) => part.fragment = Some((offset, more)),
                IpAddr::V6(_) => part.extensions.push(Extension::Fragment(offset, more)),
            }
            part
        })
    }

    /// Bytes from the start of the frame to the IP header.
    pub fn network_offset(&self) -> usize {
        14 + 4 * self.tags.len()
    }

    /// The frame, all lengths and checksums right.
    pub fn build(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.extend(ROUTER_MAC);
        frame.extend(CLIENT_MAC);
        for tag in &self.tags {
            frame.extend(tag.ethertype.to_be_bytes());
            frame.extend(tag.tci.to_be_bytes());
        }
        let transport = self.transport.bytes(self.source, self.destination);
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                frame.extend(0x0800u16.to_be_bytes());
                frame.extend(self.header4(&source.octets(), &destination.octets(), transport.len()));
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                frame.extend(0x86ddu16.to_be_bytes());
                frame.extend(self.header6(&source.octets(), &destination.octets(), transport.len()));
            }
            _ => panic!("addresses of two families"),
        }
        frame.extend(transport);
        frame.resize(frame.len() + self.padding, 0);
        frame
    }

    fn header4(&self, source: &[u8], destination: &[u8], transport: usize) -> Vec<u8> {
        let length = 20 + self.options.len();
        let total = u16::try_from(length + transport).expect("a packet is short");
        let (offset, more) = self.fragment.unwrap_or_default();
        let fragment = (offset / 8) | (u16::from(more) << 13) | (u16::from(self.dont_fragment) << 14);
        let mut header = vec![0x40 | u8::try_from(length / 4).expect("options are short"), 0];
        header.extend(total.to_be_bytes());
        header.extend(self.id.to_be_bytes());
        header.extend(fragment.to_be_bytes());
        header.extend([self.ttl, self.transport.protocol(), 0, 0]);
        header.extend(source);
        header.extend(destination);
        header.extend(&self.options);
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header
    }

    fn header6(&self, source: &[u8], destination: &[u8], transport: usize) -> Vec<u8> {
        let mut next = self.transport.protocol();
        let mut chain = Vec::new();
        for extension in self.extensions.iter().rev() {
            let mut bytes = extension.bytes(next, self.id);
            bytes.extend(chain);
            chain = bytes;
            next = extension.number();
        }
        let length = u16::try_from(chain.len() + transport).expect("a packet is short");
        let mut header = vec![0x60, 0, 0, 0];
        header.extend(length.to_be_bytes());
        header.extend([next, self.ttl]);
        header.extend(source);
        header.extend(destination);
        header.extend(chain);
        header
    }
}

impl Extension {
    fn number(self) -> u8 {
        match self {
            Self::HopByHop(_) => 0,
            Self::Routing(_) => 43,
            Self::Destination(_) => 60,
            Self::Fragment(..) => 44,
            Self::Authentication(_) => 51,
        }
    }

    fn bytes(self, next: u8, id: u16) -> Vec<u8> {
        let (units, length) = match self {
            Self::HopByHop(units) | Self::Routing(units) | Self::Destination(units) => {
                (units, 8 + 8 * usize::from(units))
            }
            Self::Authentication(units) => (units, 8 + 4 * usize::from(units)),
            Self::Fragment(offset, more) => {
                let [high, low] = (offset | u16::from(more)).to_be_bytes();
                let [id_high, id_low] = id.to_be_bytes();
                return vec![next, 0, high, low, 0, 0, id_high, id_low];
            }
        };
        let mut bytes = vec![0; length];
        bytes[0] = next;
        bytes[1] = units;
        bytes
    }
}
