//! Community ID v1: one name for a flow in every tool that looks at traffic
//! (<https://github.com/corelight/community-id-spec>). Seed 0.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ravelin_model::{FlowTuple, protocol};
use sha1::{Digest, Sha1};

/// Types of ICMP messages that are answered by another type, both ways.
const ICMP_PAIRS: [(u8, u8); 5] = [(8, 0), (10, 9), (13, 14), (15, 16), (17, 18)];

/// The same of ICMPv6.
const ICMPV6_PAIRS: [(u8, u8); 6] = [
    (128, 129),
    (130, 131),
    (133, 134),
    (135, 136),
    (139, 140),
    (144, 145),
];

/// What follows the two bytes of the version in text: a digest of SHA-1.
pub const DIGEST_BYTES: usize = 20;

/// The digest that identifies the flow; the same for both directions, but for messages of ICMP nobody answers.
pub fn digest(tuple: &FlowTuple) -> [u8; DIGEST_BYTES] {
    let ports = ports(tuple);
    let forward = (tuple.source, tuple.destination, ports.map(Ports::numbers));
    let (source, destination, numbers) = if ports.is_some_and(|ports| ports.one_way) || is_ordered(forward) {
        forward
    } else {
        (
            tuple.destination,
            tuple.source,
            forward.2.map(|(source, destination)| (destination, source)),
        )
    };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for address in [source, destination] {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([tuple.protocol, 0]);
    if let Some((source, destination)) = numbers {
        hash.update(source.to_be_bytes());
        hash.update(destination.to_be_bytes());
    }
    hash.finalize().into()
}

/// A digest as people see it: `1:` and base64.
pub fn text(digest: &[u8; DIGEST_BYTES]) -> String {
    format!("1:{}", BASE64_STANDARD.encode(digest))
}

/// The digest a text stands for; None: it is no Community ID v1.
pub fn parse(text: &str) -> Option<[u8; DIGEST_BYTES]> {
    let digest = BASE64_STANDARD.decode(text.strip_prefix("1:")?).ok()?;
    digest.try_into().ok()
}

/// What stands for ports in the hash.
#[derive(Debug, Clone, Copy)]
struct Ports {
    source: u16,
    destination: u16,
    /// There is no other direction.
    one_way: bool,
}

impl Ports {
    fn numbers(self) -> (u16, u16) {
        (self.source, self.destination)
    }
}

/// None: the protocol is hashed without.
fn ports(tuple: &FlowTuple) -> Option<Ports> {
    match tuple.protocol {
        protocol::TCP | protocol::UDP | protocol::SCTP => Some(Ports {
            source: tuple.source_port,
            destination: tuple.destination_port,
            one_way: false,
        }),
        protocol::ICMP => Some(icmp_ports(tuple.destination_port, &ICMP_PAIRS)),
        protocol::ICMPV6 => Some(icmp_ports(tuple.destination_port, &ICMPV6_PAIRS)),
        _ => None,
    }
}

fn icmp_ports(type_and_code: u16, pairs: &[(u8, u8)]) -> Ports {
    let [kind, code] = type_and_code.to_be_bytes();
    let answer = pairs.iter().find_map(|&(one, other)| match kind {
        _ if kind == one => Some(other),
        _ if kind == other => Some(one),
        _ => None,
    });
    Ports {
        source: kind.into(),
        destination: answer.unwrap_or(code).into(),
        one_way: answer.is_none(),
    }
}

/// Whether the smaller end comes first.
fn is_ordered((source, destination, ports): (IpAddr, IpAddr, Option<(u16, u16)>)) -> bool {
    let by_ports = ports.is_some_and(|(source, destination)| source < destination);
    source < destination || (source == destination && by_ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        protocol: u8,
        source: &str,
        source_port: u16,
        destination: &str,
        destination_port: u16,
        expected: &str,
    ) {
        let tuple = FlowTuple {
            source: source.parse().expect("address"),
            destination: destination.parse().expect("address"),
            protocol,
            source_port,
            destination_port,
        };
        let digest = digest(&tuple);
        assert_eq!(text(&digest), expected, "{tuple:?}");
        assert_eq!(parse(expected), Some(digest), "{expected}");
    }

    /// A message of ICMP with some identifier, which does not matter.
    fn check_icmp(protocol: u8, source: &str, destination: &str, kind: u8, code: u8, expected: &str) {
        let destination_port = u16::from_be_bytes([kind, code]);
        check(protocol, source, 4711, destination, destination_port, expected);
    }

    // The values are those of the specification (baseline/baseline_deflt.json) and of the tests of its reference
    // implementation, pycommunityid.

    #[test]
    fn ports_are_part_of_it_and_directions_are_not() {
        let (one, other) = ("128.232.110.120", "66.35.250.204");
        check(6, one, 34855, other, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        check(6, other, 80, one, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        check(
            6,
            "10.0.0.1",
            10,
            "10.0.0.2",
            11569,
            "1:SXBGMX1lBOwhhoDrZynfROxnhnM=",
        );
        let (one, other) = ("2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a");
        check(6, one, 63943, other, 25, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
        check(6, other, 25, one, 63943, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
        let (one, other) = ("192.168.1.52", "8.8.8.8");
        check(17, one, 54585, other, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        check(17, other, 53, one, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        let (one, other) = ("192.168.170.8", "192.168.170.56");
        check(132, one, 7, other, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
        check(132, other, 7, one, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
        check(132, one, 7, other, 80, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
        check(132, other, 80, one, 7, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
    }

    #[test]
    fn messages_that_are_answered_are_one_flow_with_their_answer() {
        let (one, other) = ("192.168.0.89", "192.168.0.1");
        check_icmp(1, one, other, 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        check_icmp(1, other, one, 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        check_icmp(1, other, one, 0, 20, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        let (one, other) = ("fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea");
        check_icmp(58, one, other, 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
        check_icmp(58, other, one, 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
        check_icmp(58, other, one, 135, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck=");
        check_icmp(58, one, other, 136, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck=");
        let (one, other) = ("3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2");
        check_icmp(58, one, other, 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=");
        check_icmp(58, other, one, 129, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=");
        let source = "fe80::200:86ff:fe05:80da";
        check_icmp(58, source, "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=");
        let source = "fe80::260:97ff:fe07:69ea";
        check_icmp(58, source, "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00=");
    }

    #[test]
    fn messages_nobody_answers_go_one_way() {
        let (one, other) = ("192.168.0.89", "192.168.0.1");
        check_icmp(1, one, other, 20, 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI=");
        check_icmp(1, one, other, 20, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I=");
        check_icmp(1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM=");
        let (one, other) = (
            "3ffe:507:0:1:260:97ff:fe07:69ea",
            "3ffe:507:0:1:200:86ff:fe05:80da",
        );
        check_icmp(58, one, other, 3, 0, "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=");
        check_icmp(58, other, one, 3, 0, "1:/OGBt9BN1ofenrmSPWYicpij2Vc=");
        let (one, other) = ("3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da");
        check_icmp(58, one, other, 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ=");
        let one = "3ffe:501:410:0:2c0:dfff:fe47:33e";
        check_icmp(58, one, other, 1, 4, "1:hLZd0XGWojozrvxqE0dWB1iM6R0=");
    }

    #[test]
    fn other_protocols_have_no_ports_in_it() {
        check(
            46,
            "10.1.12.1",
            1,
            "10.1.12.2",
            2,
            "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=",
        );
        check(
            46,
            "10.1.12.2",
            3,
            "10.1.12.1",
            4,
            "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=",
        );
        check(
            46,
            "10.1.24.4",
            0,
            "10.1.12.1",
            0,
            "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4=",
        );
    }

    #[test]
    fn what_is_no_community_id_is_not_taken_for_one() {
        for text in [
            "",
            "1:",
            "LQU9qZlK+B5F3KDmev6m5PMibrg=",
            "2:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg",
            "1:LQU9qZlK+B5F3KDmev6m5PMibg==",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
