//! Destination translation in front of the policy.

use std::net::IpAddr;

use ravelin_datapath::Datapath as _;
use ravelin_model::{Action, protocol};
use ravelin_test_harness::packet::{Packet, Transport};

use super::ground::Ground;
use super::judging::routes;
use super::rules::{INTERFACES, addresses, dnat, images, line, ruleset};

const TCP: u8 = protocol::TCP;

/// Where packets go that come in by `gen0`: their new address and port.
fn check(ground: &Ground, to: &str, number: u8, port: u16, target: &str, target_port: u16) {
    let family = if to.contains(':') { 6 } else { 4 };
    let mut packet = match number {
        protocol::TCP => super::judging::opening(family, port),
        protocol::UDP => Packet::udp(family, 1, port, Vec::new()),
        other => Packet::new(family, Transport::Raw(other, vec![0; 12])),
    };
    packet.destination = to.parse().unwrap();
    let probe = ground
        .parts
        .datapath
        .probe(&packet.build(), INTERFACES[0])
        .unwrap();
    let expected: IpAddr = target.parse().unwrap();
    assert_eq!(
        (probe.destination, probe.destination_port),
        (Some(expected), target_port),
        "{to} {number} {port}"
    );
}

#[test]
fn rows_are_found_by_zone_protocol_address_and_port() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let mut rules = ruleset(Vec::new());
        let all = (0, u16::MAX);
        rules.dnat = vec![
            dnat("203.0.113.1/32", Some(TCP), (8888, 8888), "198.51.1.1", Some(80)),
            dnat("203.0.113.1/32", Some(TCP), (9000, 9009), "198.51.1.2", Some(100)),
            dnat("203.0.113.1/32", Some(TCP), (9010, 9019), "198.51.1.3", None),
            dnat("203.0.113.1/32", Some(protocol::UDP), all, "198.51.1.4", None),
            dnat("203.0.113.1/32", Some(protocol::GRE), all, "198.51.1.5", None),
            dnat("203.0.113.1/32", None, all, "198.51.1.6", None),
            dnat("203.0.113.128/26", None, all, "198.51.2.64", None),
            dnat(
                "2001:db8:f::1/128",
                Some(TCP),
                (8888, 8888),
                "2001:db8:2::a",
                Some(80),
            ),
            dnat("2001:db8:f::1/128", None, all, "2001:db8:2::b", None),
            dnat("2001:db8:e::/48", None, all, "2001:db8:2::", None),
            dnat("2001:db8:e:5::/96", None, all, "2001:db8:2:5::", None),
        ];
        // Many others, for the search to have somewhere to go.
        for n in 0..500 {
            rules.dnat.push(dnat(
                &format!("100.{}.{}.1/32", n / 250, n % 250),
                Some(TCP),
                (n, n + 7),
                &format!("198.51.3.{}", n % 250),
                Some(1000 + n),
            ));
            rules.dnat.push(dnat(
                &format!("2001:db8:aaaa::{n:x}/128"),
                Some(TCP),
                (n, n + 7),
                &format!("2001:db8:2::c:{n:x}"),
                Some(1000 + n),
            ));
        }
        ground.parts.datapath.load_policy(&images(&rules)).unwrap();
        let check = |to: &str, number: u8, port: u16, target: &str, target_port: u16| {
            check(&ground, to, number, port, target, target_port)
        };
        check("203.0.113.1", TCP, 8888, "198.51.1.1", 80);
        check("203.0.113.1", TCP, 9000, "198.51.1.2", 100);
        check("203.0.113.1", TCP, 9009, "198.51.1.2", 109);
        check("203.0.113.1", TCP, 9010, "198.51.1.3", 9010);
        check("203.0.113.1", TCP, 9019, "198.51.1.3", 9019);
        check("203.0.113.1", TCP, 9020, "198.51.1.6", 9020);
        check("203.0.113.1", TCP, 8887, "198.51.1.6", 8887);
        check("203.0.113.1", protocol::UDP, 65535, "198.51.1.4", 65535);
        check("203.0.113.1", protocol::GRE, 0, "198.51.1.5", 0);
        check("203.0.113.1", protocol::ESP, 0, "198.51.1.6", 0);
        check("203.0.113.127", TCP, 80, "203.0.113.127", 80);
        check("203.0.113.128", TCP, 80, "198.51.2.64", 80);
        check("203.0.113.191", TCP, 80, "198.51.2.127", 80);
        check("203.0.113.192", TCP, 80, "203.0.113.192", 80);
        check("2001:db8:f::1", TCP, 8888, "2001:db8:2::a", 80);
        check("2001:db8:f::1", TCP, 8889, "2001:db8:2::b", 8889);
        check("2001:db8:e:ffff::1", TCP, 1, "2001:db8:2:ffff::1", 1);
        check("2001:db8:e:5::7", TCP, 1, "2001:db8:2:5::7", 1);
        check("2001:db8:f::2", TCP, 1, "2001:db8:f::2", 1);
        for n in [0, 1, 137, 249, 250, 498, 499] {
            for port in [n, n + 7] {
                let target = format!("198.51.3.{}", n % 250);
                check(
                    &format!("100.{}.{}.1", n / 250, n % 250),
                    TCP,
                    port,
                    &target,
                    1000 + port,
                );
                let target = format!("2001:db8:2::c:{n:x}");
                check(&format!("2001:db8:aaaa::{n:x}"), TCP, port, &target, 1000 + port);
            }
            let beside = format!("100.{}.{}.1", n / 250, n % 250);
            check(&beside, TCP, n + 8, &beside, n + 8);
        }
    });
}

#[test]
fn rules_and_routes_see_what_is_behind_the_translation() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let mut published = line(20, Action::Accept);
        published.to = Some(super::ground::zone(super::rules::WAN));
        published.destination = addresses(&["198.51.1.1", "2001:db8:2::a"]);
        let mut rules = ruleset(vec![published]);
        rules.dnat = vec![
            dnat("192.0.2.1/32", Some(TCP), (8888, 8888), "198.51.1.1", Some(80)),
            dnat(
                "2001:db8:1::1/128",
                Some(TCP),
                (8888, 8888),
                "2001:db8:2::a",
                Some(80),
            ),
        ];
        ground.parts.datapath.load_policy(&images(&rules)).unwrap();
        for (family, own) in [(4, "192.0.2.1"), (6, "2001:db8:1::1")] {
            for (port, mark) in [
                (8888, 1 << 30 | super::rules::WAN << 24 | 20),
                (8889, 3 << 30 | 1 << 24 | super::rules::LAN_TO_LOCAL),
            ] {
                let mut packet = super::judging::opening(family, port);
                packet.destination = own.parse().unwrap();
                let probe = ground
                    .parts
                    .datapath
                    .probe(&packet.build(), INTERFACES[0])
                    .unwrap();
                assert_eq!(probe.mark, mark, "{own} {port}");
            }
            // Another zone has no such translation.
            let mut packet = super::judging::opening(family, 8888);
            packet.destination = own.parse().unwrap();
            let probe = ground
                .parts
                .datapath
                .probe(&packet.build(), INTERFACES[1])
                .unwrap();
            assert_eq!(probe.to, Some(ravelin_model::ZoneNumber::LOCAL), "{own}");
        }
    });
}
