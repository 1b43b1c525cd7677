//! A packet looked at, whatever it is.

use std::net::IpAddr;

use super::checksum::{checksum, transport_checksum};

/// An IP packet with its transport header, or the part of one that an ICMP error quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// The header behind the IP headers.
    pub protocol: u8,
    /// IPv4: neither may it be fragmented on its way.
    pub dont_fragment: bool,
    /// Offset in bytes and whether more fragments follow, where it is a fragment.
    pub fragment: Option<(u16, bool)>,
    /// That header and what follows.
    pub transport: Vec<u8>,
}

impl View {
    /// Looks at a frame without tags; None where it carries no IP packet.
    pub fn of_frame(frame: &[u8]) -> Option<Self> {
        match frame.get(12..14)? {
            [0x08, 0x00] | [0x86, 0xdd] => Self::of_packet(&frame[14..]),
            _ => None,
        }
    }

    /// Looks at an IP packet.
    pub fn of_packet(ip: &[u8]) -> Option<Self> {
        match ip.first()? >> 4 {
            4 => Self::of_ipv4(ip),
            6 => Self::of_ipv6(ip),
            _ => None,
        }
    }

    fn of_ipv4(ip: &[u8]) -> Option<Self> {
        let header = usize::from(ip[0] & 15) * 4;
        let total = usize::from(word(ip, 2)?);
        let flags = word(ip, 6)?;
        let fragment = ((flags & 0x1fff) * 8, flags & 0x2000 != 0);
        Some(Self {
            source: <[u8; 4]>::try_from(ip.get(12..16)?).ok()?.into(),
            destination: <[u8; 4]>::try_from(ip.get(16..20)?).ok()?.into(),
            ttl: ip[8],
            protocol: ip[9],
            dont_fragment: flags & 0x4000 != 0,
            fragment: (fragment != (0, false)).then_some(fragment),
            // A quote is shorter than the packet was; a frame may be padded.
            transport: ip.get(header..total.min(ip.len()))?.to_vec(),
        })
    }

    fn of_ipv6(ip: &[u8]) -> Option<Self> {
        let end = (40 + usize::from(word(ip, 4)?)).min(ip.len());
        let (mut protocol, mut at, mut fragment) = (*ip.get(6)?, 40, None);
        loop {
            let length = match protocol {
                0 | 43 | 60 => 8 + 8 * usize::from(*ip.get(at + 1)?),
                51 => 8 + 4 * usize::from(*ip.get(at + 1)?),
                44 => {
                    let field = word(ip, at + 2)?;
                    fragment = Some((field & 0xfff8, field & 1 == 1));
                    8
                }
                _ => break,
            };
            protocol = ip[at];
            at += length;
        }
        Some(Self {
            source: <[u8; 16]>::try_from(ip.get(8..24)?).ok()?.into(),
            destination: <[u8; 16]>::try_from(ip.get(24..40)?).ok()?.into(),
            ttl: ip[7],
            protocol,
            dont_fragment: true,
            fragment,
            transport: ip.get(at..end)?.to_vec(),
        })
    }

    /// Source and destination port of TCP, UDP and SCTP.
    pub fn ports(&self) -> Option<(u16, u16)> {
        matches!(self.protocol, 6 | 17 | 132)
            .then(|| Some((word(&self.transport, 0)?, word(&self.transport, 2)?)))
            .flatten()
    }

    /// Flags of a TCP segment.
    pub fn tcp_flags(&self) -> Option<u8> {
        (self.protocol == 6)
            .then(|| self.transport.get(13).copied())
            .flatten()
    }

    /// Type and code of an ICMP message of its own family.
    pub fn icmp(&self) -> Option<(u8, u8)> {
        let own = if self.source.is_ipv4() { 1 } else { 58 };
        match self.transport[..] {
            [kind, code, ..] if self.protocol == own => Some((kind, code)),
            _ => None,
        }
    }

    /// The packet an ICMP error is about.
    pub fn quoted(&self) -> Option<Self> {
        let (kind, _) = self.icmp()?;
        let error = match self.source {
            IpAddr::V4(_) => matches!(kind, 3 | 4 | 5 | 11 | 12),
            IpAddr::V6(_) => kind < 128,
        };
        error.then(|| Self::of_packet(self.transport.get(8..)?)).flatten()
    }

    /// Whether the checksum of TCP, UDP or ICMP is right. Not for quotes and fragments.
    pub fn checksum_is_right(&self) -> bool {
        match (self.protocol, self.source) {
            (1, IpAddr::V4(_)) => checksum(&self.transport) == 0,
            _ => transport_checksum(self.source, self.destination, self.protocol, &self.transport) == 0,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use crate::packet::{Extension, Packet};

    use super::*;

    #[test]
    fn a_packet_is_seen_behind_its_headers() {
        let frame = Packet::udp(6, 1, 2, b"abc".to_vec())
            .extended(&[Extension::HopByHop(0), Extension::Fragment(0, true)])
            .build();
        let view = View::of_frame(&frame).expect("a packet");
        assert_eq!(view.ports(), Some((1, 2)));
        assert_eq!(view.fragment, Some((0, true)));
        let view = View::of_frame(&Packet::tcp(4, 3, 4, vec![]).build()).expect("a packet");
        assert_eq!((view.ports(), view.fragment), (Some((3, 4)), None));
        assert!(view.checksum_is_right());
    }
}
