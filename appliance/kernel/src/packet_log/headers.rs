//! Headers of a logged packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::protocol;

use crate::netlink::array;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

const IPV6_HEADER: usize = 40;

/// What the headers say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) packet_bytes: u32,
}

/// Reads an IPv4 (RFC 791) or IPv6 (RFC 8200) packet that may be cut off behind its headers; None: before.
pub(super) fn parse(packet: &[u8]) -> Option<Headers> {
    match packet.first()? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<Headers> {
    let first_fragment = u16::from_be_bytes(array(packet, 6)?) & 0x1fff == 0;
    let number = *packet.get(9)?;
    let behind = usize::from(packet.first()? & 0x0f) * 4;
    let (source_port, destination_port) = ports(packet, behind, number, first_fragment);
    Some(Headers {
        source: Ipv4Addr::from(array::<4>(packet, 12)?).into(),
        destination: Ipv4Addr::from(array::<4>(packet, 16)?).into(),
        protocol: number,
        source_port,
        destination_port,
        packet_bytes: u16::from_be_bytes(array(packet, 2)?).into(),
    })
}

fn ipv6(packet: &[u8]) -> Option<Headers> {
    let source = Ipv6Addr::from(array::<16>(packet, 8)?).into();
    let destination = Ipv6Addr::from(array::<16>(packet, 24)?).into();
    let payload = u16::from_be_bytes(array(packet, 4)?);
    let (mut number, mut at, mut first_fragment) = (*packet.get(6)?, IPV6_HEADER, true);
    while let Some(header) = array::<4>(packet, at) {
        let length = match number {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => (usize::from(header[1]) + 1) * 8,
            AUTHENTICATION => (usize::from(header[1]) + 2) * 4,
            FRAGMENT => {
                first_fragment &= u16::from_be_bytes([header[2], header[3]]) & 0xfff8 == 0;
                8
            }
            _ => break,
        };
        number = header[0];
        at += length;
        if !first_fragment {
            break;
        }
    }
    let (source_port, destination_port) = ports(packet, at, number, first_fragment);
    Some(Headers {
        source,
        destination,
        protocol: number,
        source_port,
        destination_port,
        packet_bytes: u32::from(payload) + 40,
    })
}

fn ports(packet: &[u8], at: usize, number: u8, first_fragment: bool) -> (u16, u16) {
    let there = first_fragment && protocol::has_ports(number);
    let port = |at| array(packet, at).filter(|_| there).map_or(0, u16::from_be_bytes);
    (port(at), port(at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(packet: &[u8], expected: Option<(&str, &str, u8, u16, u16, u32)>) {
        let found = parse(packet);
        let expected = expected.map(
            |(source, destination, protocol, source_port, destination_port, packet_bytes)| Headers {
                source: source.parse().expect("address"),
                destination: destination.parse().expect("address"),
                protocol,
                source_port,
                destination_port,
                packet_bytes,
            },
        );
        assert_eq!(found, expected);
    }

    fn v4(protocol: u8, offset: u16, options: usize) -> Vec<u8> {
        let words = u8::try_from(5 + options).expect("short");
        let mut packet = vec![0x40 | words, 0, 0x05, 0xdc, 0, 0];
        packet.extend(offset.to_be_bytes());
        packet.extend([64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        packet.extend(vec![1; options * 4]);
        packet.extend([0x12, 0x34, 0, 80, 0, 0, 0, 0]);
        packet
    }

    fn v6(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 100, next, 64];
        packet.extend(Ipv6Addr::from(1).octets());
        packet.extend(Ipv6Addr::from(2).octets());
        packet.extend(rest);
        packet
    }

    #[test]
    fn ipv4_headers_are_read() {
        let (from, to) = ("192.0.2.1", "192.0.2.2");
        check(&v4(6, 0, 0), Some((from, to, 6, 0x1234, 80, 1500)));
        check(&v4(17, 0x4000, 2), Some((from, to, 17, 0x1234, 80, 1500)));
        check(&v4(17, 100, 0), Some((from, to, 17, 0, 0, 1500)));
        check(&v4(1, 0, 0), Some((from, to, 1, 0, 0, 1500)));
        check(&v4(6, 0, 0)[..20], Some((from, to, 6, 0, 0, 1500)));
    }

    #[test]
    fn ipv6_headers_are_read_behind_extensions() {
        let ports = [0x12, 0x34, 0, 80];
        let options = [17, 0, 0, 0, 0, 0, 0, 0];
        let first = [17, 0, 0, 1, 0, 0, 0, 0];
        let later = [17, 0, 0, 8, 0, 0, 0, 0];
        check(&v6(6, &ports), Some(("::1", "::2", 6, 0x1234, 80, 140)));
        check(
            &v6(0, &[&options[..], &ports].concat()),
            Some(("::1", "::2", 17, 0x1234, 80, 140)),
        );
        check(
            &v6(44, &[&first[..], &ports].concat()),
            Some(("::1", "::2", 17, 0x1234, 80, 140)),
        );
        check(
            &v6(44, &[&later[..], &ports].concat()),
            Some(("::1", "::2", 17, 0, 0, 140)),
        );
        check(&v6(58, &ports), Some(("::1", "::2", 58, 0, 0, 140)));
    }

    #[test]
    fn what_is_cut_off_or_no_ip_is_nothing() {
        check(&[], None);
        check(&[0x10; 40], None);
        for length in 0..20 {
            check(&v4(6, 0, 0)[..length], None);
        }
        for length in 0..40 {
            check(&v6(6, &[])[..length], None);
        }
    }
}
