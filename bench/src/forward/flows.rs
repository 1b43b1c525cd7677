//! The connections of the cases, the same for everybody, and their packets: small datagrams with whole checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::{FlowTuple, protocol};

use crate::lists::Family;

/// Bytes of a packet from the IP header on.
const PACKET_BYTES: u16 = 60;

/// A connection as who began it sees it.
#[derive(Clone, Copy)]
pub struct Flow {
    pub tuple: FlowTuple,
}

/// So many, at random addresses of a /16 (IPv6: /64) to random ones of another; a power of two. No two are alike.
pub fn flows(family: Family, count: usize) -> Vec<Flow> {
    let mut number = 0x5eed_u64;
    (0..count)
        .map(|index| {
            number = number
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            let index = u16::try_from(index).expect("no more than there are ports of two bytes");
            let [a, b, c, d, ..] = number.to_be_bytes();
            // An odd factor: all hosts are different, in no order that memory has.
            let [host_high, host_low] = index.wrapping_mul(40_503).to_be_bytes();
            let (source, destination): (IpAddr, IpAddr) = match family {
                Family::Ipv4 => (
                    Ipv4Addr::new(10, 64, host_high, host_low).into(),
                    Ipv4Addr::new(10, 80, a, b).into(),
                ),
                Family::Ipv6 => (
                    Ipv6Addr::new(
                        0xfd64,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        u16::from_be_bytes([host_high, host_low]),
                    )
                    .into(),
                    Ipv6Addr::new(0xfd80, 0, 0, 0, 0, 0, 0, u16::from_be_bytes([a, b])).into(),
                ),
            };
            Flow {
                tuple: FlowTuple {
                    source,
                    destination,
                    protocol: protocol::UDP,
                    source_port: 1024 + u16::from_be_bytes([c, d]) % 60_000,
                    destination_port: 443,
                },
            }
        })
        .collect()
}

impl Flow {
    /// The other way round.
    pub fn answer(&self) -> Self {
        Self {
            tuple: self.tuple.inverted(),
        }
    }

    /// What follows the Ethernet header.
    pub fn headers(&self) -> [u8; 60] {
        let mut packet = [0; PACKET_BYTES as usize];
        let transport = match (self.tuple.source, self.tuple.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                packet[..10].copy_from_slice(&[0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 17]);
                packet[12..16].copy_from_slice(&source.octets());
                packet[16..20].copy_from_slice(&destination.octets());
                let checksum = !sum(&packet[..20]);
                packet[10..12].copy_from_slice(&checksum.to_be_bytes());
                20
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                packet[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 20, 17, 64]);
                packet[8..24].copy_from_slice(&source.octets());
                packet[24..40].copy_from_slice(&destination.octets());
                40
            }
            _ => unreachable!("both addresses are of one family"),
        };
        let length = PACKET_BYTES - u16::try_from(transport).expect("a header is short");
        let (header, datagram) = packet.split_at_mut(transport);
        for (at, word) in [self.tuple.source_port, self.tuple.destination_port, length]
            .into_iter()
            .enumerate()
        {
            datagram[2 * at..2 * at + 2].copy_from_slice(&word.to_be_bytes());
        }
        let addresses = if transport == 20 {
            &header[12..]
        } else {
            &header[8..]
        };
        let pseudo = [addresses, &[0, 17], &length.to_be_bytes(), datagram].concat();
        // RFC 768: a sum of zero is told as all ones.
        let checksum = match !sum(&pseudo) {
            0 => 0xffff,
            checksum => checksum,
        };
        datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
        packet
    }
}

fn sum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks_exact(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).expect("16 bits")
}
