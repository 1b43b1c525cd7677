//! The first packet of a connection as a frame.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::{HardwareAddress, protocol};

use crate::SimulationQuery;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const HOP_LIMIT: u8 = 64;
const TCP_SYN: u8 = 0x02;

/// The frame, to the interface with that address. Checksums behind the IP header are 0: the programs do not look at
/// them.
pub(super) fn of(query: &SimulationQuery, to: Option<HardwareAddress>) -> Vec<u8> {
    let payload = payload(query);
    let mut frame = Vec::with_capacity(128);
    frame.extend(to.map_or([0; 6], |address| address.0));
    // Somebody's, locally administered.
    frame.extend([2, 0, 0, 0, 0, 1]);
    match (query.source, query.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            frame.extend(ETHERTYPE_IPV4.to_be_bytes());
            frame.extend(ipv4(source, destination, query.protocol, payload.len()));
        }
        (source, destination) => {
            frame.extend(ETHERTYPE_IPV6.to_be_bytes());
            frame.extend(ipv6(v6(source), v6(destination), query.protocol, payload.len()));
        }
    }
    frame.extend(payload);
    // The least a test run takes, and Ethernet too.
    if frame.len() < 60 {
        frame.resize(60, 0);
    }
    frame
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: usize) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&length(20 + payload));
    header[8] = HOP_LIMIT;
    header[9] = protocol;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    let sum: u32 = header
        .chunks_exact(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or_default();
    header[10..12].copy_from_slice(&(!folded).to_be_bytes());
    header
}

fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, payload: usize) -> [u8; 40] {
    let mut header = [0; 40];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&length(payload));
    header[6] = protocol;
    header[7] = HOP_LIMIT;
    header[8..24].copy_from_slice(&source.octets());
    header[24..40].copy_from_slice(&destination.octets());
    header
}

fn payload(query: &SimulationQuery) -> Vec<u8> {
    let ports = [
        query.source_port.to_be_bytes(),
        query.destination_port.to_be_bytes(),
    ]
    .concat();
    match query.protocol {
        protocol::TCP => {
            let mut header = ports;
            header.extend([0; 8]);
            // Five words of header.
            header.extend([0x50, TCP_SYN]);
            header.extend(u16::MAX.to_be_bytes());
            header.extend([0; 4]);
            header
        }
        protocol::UDP => {
            let mut header = ports;
            header.extend(length(8));
            header.extend([0; 2]);
            header
        }
        protocol::SCTP => {
            let mut header = ports;
            header.extend([0; 8]);
            header
        }
        protocol::ICMP | protocol::ICMPV6 => {
            let (kind, code) = query.icmp;
            vec![kind, code, 0, 0, 0, 0, 0, 0]
        }
        _ => vec![0; 8],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_ipv4_has_the_checksum_of_the_rfc() {
        // RFC 1071: the sum over a header with its checksum is all ones.
        let header = ipv4(Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(203, 0, 113, 9), 6, 20);
        let sum: u32 = header
            .chunks_exact(2)
            .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
            .sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}
