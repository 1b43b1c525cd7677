//! What is judged, and what is left to nftables.

use std::sync::Arc;

use ravelin_compile::AddressTerm;
use ravelin_datapath::{Classification, Datapath as _, Probe};
use ravelin_model::{Action, Hook, IcmpType, PortRange, RateLimit, RateLimitScope, ZoneNumber, protocol};
use ravelin_test_harness::packet::{ACK, Extension, FIN, Icmp, Packet, RST, SYN, Sctp, Transport};

use super::ground::{Ground, zone};
use super::rules::{
    INTERFACES, LAN, LAN_TO_LOCAL, LAN_TO_WAN, WAN, addresses, images, line, ruleset, service, set,
};
use crate::datapath::rig::ip;

const ACCEPT: u32 = 1 << 30;
const DROP: u32 = 2 << 30;
const REJECT: u32 = 3 << 30;

/// A segment that opens a connection.
pub fn opening(family: u8, port: u16) -> Packet {
    with_flags(family, port, SYN)
}

fn with_flags(family: u8, port: u16, flags: u8) -> Packet {
    let mut packet = Packet::tcp(family, 40_000, port, Vec::new());
    let Transport::Tcp(tcp) = &mut packet.transport else {
        unreachable!("it is TCP");
    };
    tcp.flags = flags;
    packet
}

/// Everything goes out by `gen1`, but for the addresses of the box.
pub fn routes() {
    for (family, gateway) in [("-4", "198.51.0.0/16"), ("-6", "2001:db8:2::/48")] {
        ip(&format!("{family} route add {gateway} dev gen1"));
    }
    ip("addr add 192.0.2.1/24 dev gen0");
    ip("addr add 2001:db8:1::1/64 dev gen0 nodad");
}

fn probe(ground: &Ground, packet: &Packet) -> Probe {
    ground
        .parts
        .datapath
        .probe(&packet.build(), INTERFACES[0])
        .unwrap()
}

/// What tc makes of the mark, where XDP does not run.
fn mark_of_tc(ground: &Ground, packet: &Packet) -> u32 {
    let outcome = ground
        .parts
        .datapath
        .test_run(Hook::TcIngress, &packet.build(), INTERFACES[0]);
    outcome.unwrap().mark
}

fn decided(action: Action, counter: u32) -> Classification {
    Classification::Decided { action, counter }
}

#[test]
fn a_packet_that_both_read_alike_is_judged_and_no_other() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let accept = line(20, Action::Accept);
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(vec![accept])))
            .unwrap();
        for family in [4, 6] {
            let udp = Packet::udp(family, 5000, 6000, b"x".as_slice());
            let echo = Packet::new(family, Transport::echo(family));
            let sctp = Packet::new(
                family,
                Transport::Sctp(Sctp {
                    source: 1,
                    destination: 2,
                    tag: 0,
                    chunks: vec![1, 0, 0, 4],
                }),
            );
            let padded = Packet {
                padding: 30,
                ..udp.clone()
            };
            let judged = [
                ("udp", udp.clone()),
                ("padded", padded),
                ("echo", echo.clone()),
                ("sctp", sctp),
                ("gre", Packet::new(family, Transport::Raw(47, vec![0; 4]))),
                ("esp", Packet::new(family, Transport::Raw(50, vec![0; 8]))),
                (
                    "icmp of the other family",
                    Packet::new(
                        family,
                        Transport::Raw(if family == 4 { 58 } else { 1 }, vec![0; 8]),
                    ),
                ),
                ("syn", opening(family, 80)),
                ("syn and more", with_flags(family, 80, SYN | FIN | RST)),
            ];
            for (what, packet) in judged {
                let what = format!("IPv{family} {what}");
                let probe = probe(&ground, &packet);
                assert_eq!(probe.classification, decided(Action::Accept, 20), "{what}");
                assert_eq!(probe.mark, ACCEPT | WAN << 24 | 20, "{what}");
                assert_eq!(mark_of_tc(&ground, &packet), probe.mark, "{what}");
                assert_eq!(
                    (probe.from, probe.to),
                    (Some(zone(LAN)), Some(zone(WAN))),
                    "{what}"
                );
                assert_eq!(probe.destination, Some(packet.destination), "{what}");
            }
            let mut left = vec![
                ("tag", udp.clone().tagged(&[0x8100])),
                ("two tags", udp.clone().tagged(&[0x88a8, 0x8100])),
                ("syn and ack", with_flags(family, 80, SYN | ACK)),
                ("ack", with_flags(family, 80, ACK)),
                ("reset", with_flags(family, 80, RST)),
                ("no flags", with_flags(family, 80, 0)),
                ("udp cut off", Packet::new(family, Transport::Raw(17, vec![0; 7]))),
                ("tcp cut off", Packet::new(family, Transport::Raw(6, vec![0; 19]))),
                (
                    "sctp cut off",
                    Packet::new(family, Transport::Raw(132, vec![0; 11])),
                ),
                (
                    "authentication header",
                    Packet::new(family, Transport::Raw(51, vec![0; 24])),
                ),
            ];
            if family == 4 {
                let fragment = |offset, more| Packet {
                    fragment: Some((offset, more)),
                    ..udp.clone()
                };
                left.push(("first fragment", fragment(0, true)));
                left.push(("last fragment", fragment(64, false)));
                left.push((
                    "options",
                    Packet {
                        options: vec![1; 4],
                        ..udp.clone()
                    },
                ));
                left.push(("icmp cut off", Packet::new(4, Transport::Raw(1, vec![8; 7]))));
                left.push(("protocol 0", Packet::new(4, Transport::Raw(0, vec![0; 8]))));
                for address in ["224.0.0.1", "239.255.255.255", "255.255.255.255"] {
                    let mut to_many = udp.clone();
                    to_many.destination = address.parse().unwrap();
                    left.push((address, to_many));
                }
            } else {
                for extension in [
                    Extension::HopByHop(0),
                    Extension::Routing(0),
                    Extension::Destination(0),
                    Extension::Fragment(0, false),
                    Extension::Fragment(0, true),
                    Extension::Fragment(64, false),
                    Extension::Authentication(2),
                ] {
                    left.push(("extension header", udp.clone().extended(&[extension])));
                }
                left.push(("icmp cut off", Packet::new(6, Transport::Raw(58, vec![128; 7]))));
                let mut to_many = echo;
                to_many.destination = "ff02::1".parse().unwrap();
                left.push(("multicast", to_many));
                left.push(("source of another link", udp.clone().from("fe80::1")));
            }
            for (what, packet) in left {
                let what = format!("IPv{family} {what}");
                let probe = probe(&ground, &packet);
                assert_eq!(probe.classification, Classification::None, "{what}");
                assert_eq!((probe.mark, probe.to), (0, None), "{what}");
                assert_eq!(probe.from, Some(zone(LAN)), "{what}");
                assert_eq!(mark_of_tc(&ground, &packet), 0, "{what}");
                let run = ground
                    .parts
                    .datapath
                    .test_run(Hook::Xdp, &packet.build(), INTERFACES[0]);
                let run = run.unwrap();
                assert_eq!(
                    (run.frame, run.metadata[4..].to_vec()),
                    (packet.build(), vec![0; 4]),
                    "{what}"
                );
            }
        }
    });
}

#[test]
fn what_is_not_ip_has_no_verdict() {
    Ground::run(&INTERFACES, |mut ground| {
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(Vec::new())))
            .unwrap();
        let mut arp = Packet::udp(4, 1, 2, Vec::new()).build();
        arp[12..14].copy_from_slice(&[0x08, 0x06]);
        for frame in [&arp[..], &arp[..14]] {
            let probe = ground.parts.datapath.probe(frame, INTERFACES[0]).unwrap();
            assert_eq!((probe.classification, probe.mark), (Classification::None, 0));
            assert_eq!(probe.destination, None);
        }
    });
}

#[test]
fn the_route_says_which_zone_a_packet_is_for() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(Vec::new())))
            .unwrap();
        for network in ["198.51.7.0/24", "2001:db8:2:7::/64"] {
            ip(&format!("route add blackhole {network}"));
        }
        for network in ["198.51.8.0/24", "2001:db8:2:8::/64"] {
            ip(&format!("route add unreachable {network}"));
        }
        for network in ["198.51.9.0/24", "2001:db8:2:9::/64"] {
            ip(&format!("route add prohibit {network}"));
        }
        for network in ["198.51.10.0/24", "2001:db8:2:10::/64"] {
            ip(&format!("route add {network} dev gen2"));
        }
        let to = |destination: &str| {
            let mut packet = opening(if destination.contains(':') { 6 } else { 4 }, 80);
            packet.destination = destination.parse().unwrap();
            probe(&ground, &packet)
        };
        for out in ["198.51.100.53", "2001:db8:2::53"] {
            let probe = to(out);
            assert_eq!(probe.classification, decided(Action::Drop, LAN_TO_WAN), "{out}");
            assert_eq!(probe.mark, DROP | WAN << 24 | LAN_TO_WAN, "{out}");
        }
        for local in ["192.0.2.1", "2001:db8:1::1"] {
            let probe = to(local);
            assert_eq!(probe.to, Some(ZoneNumber::LOCAL), "{local}");
            assert_eq!(probe.mark, REJECT | 1 << 24 | LAN_TO_LOCAL, "{local}");
        }
        for nowhere in [
            "198.51.7.1",
            "198.51.8.1",
            "198.51.9.1",
            "198.51.10.1",
            "2001:db8:2:7::1",
            "2001:db8:2:8::1",
            "2001:db8:2:9::1",
            "2001:db8:2:10::1",
        ] {
            let probe = to(nowhere);
            assert_eq!(
                (probe.classification, probe.mark),
                (Classification::None, 0),
                "{nowhere}"
            );
            assert_eq!((probe.from, probe.to), (Some(zone(LAN)), None), "{nowhere}");
        }
        for family in ["ipv4", "ipv6"] {
            let forwarding = format!("/proc/sys/net/{family}/conf/gen0/forwarding");
            std::fs::write(forwarding, "0").unwrap();
        }
        for out in ["198.51.100.53", "2001:db8:2::53"] {
            assert_eq!(to(out).classification, Classification::None, "{out}");
        }
    });
}

#[test]
fn interfaces_without_a_zone_are_not_judged() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(Vec::new())))
            .unwrap();
        for interface in [INTERFACES[2], 1] {
            let probe = ground
                .parts
                .datapath
                .probe(&opening(4, 80).build(), interface)
                .unwrap();
            assert_eq!((probe.classification, probe.from), (Classification::None, None));
        }
    });
}

#[test]
fn without_the_classifier_or_a_policy_nothing_is_judged() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        assert_eq!(
            probe(&ground, &opening(4, 80)).classification,
            Classification::None,
            "no policy"
        );
        let datapath = &mut ground.parts.datapath;
        datapath
            .load_policy(&images(&ruleset(vec![line(20, Action::Accept)])))
            .unwrap();
        assert_eq!(probe(&ground, &opening(4, 80)).mark, ACCEPT | WAN << 24 | 20);
        for switches in [
            ravelin_datapath::Switches::default(),
            ravelin_datapath::Switches {
                statistics: true,
                ..Default::default()
            },
        ] {
            ground.parts.datapath.set_switches(switches).unwrap();
            let probe = probe(&ground, &opening(4, 80));
            assert_eq!(
                (probe.classification, probe.mark, probe.from),
                (Classification::None, 0, None)
            );
            assert_eq!(mark_of_tc(&ground, &opening(4, 80)), 0);
        }
    });
}

#[test]
fn a_rule_with_a_limit_is_for_nftables() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let mut limited = line(20, Action::Drop);
        limited.rate_limit = Some(RateLimit {
            rate: 1,
            per: RateLimitScope::Rule,
            burst: 1,
        });
        limited.services = vec![service(protocol::TCP)];
        let rules = ruleset(vec![limited, line(21, Action::Accept)]);
        ground.parts.datapath.load_policy(&images(&rules)).unwrap();
        let probe = probe(&ground, &opening(4, 80));
        assert_eq!((probe.classification, probe.mark), (Classification::Deferred, 0));
        assert_eq!(mark_of_tc(&ground, &opening(4, 80)), 0);
        let udp = Packet::udp(4, 1, 2, Vec::new());
        assert_eq!(super::judging::probe(&ground, &udp).mark, ACCEPT | WAN << 24 | 21);
    });
}

#[test]
fn lists_and_negation_are_told_by_class() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let listed = AddressTerm {
            lists: vec![1, 2],
            ..AddressTerm::default()
        };
        let mut from_list = line(20, Action::Accept);
        from_list.source = listed.clone();
        let mut not_there = line(21, Action::Reject);
        not_there.destination = AddressTerm {
            negate: true,
            ..addresses(&["198.51.100.0/24", "2001:db8:2::/64", "10.0.0.1-10.0.0.9"])
        };
        let mut rules = ruleset(vec![from_list, not_there]);
        let many: Vec<String> = (0..3000)
            .map(|n| format!("10.{}.{}.0/25", n / 250, n % 250))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        rules.lists.insert(1, Arc::new(set(&many)));
        rules
            .lists
            .insert(2, Arc::new(set(&["2001:db8:bad::/48", "192.0.2.9"])));
        ground.parts.datapath.load_policy(&images(&rules)).unwrap();
        for (source, destination, mark) in [
            ("10.11.249.127", "198.51.100.53", ACCEPT | 20),
            ("10.11.249.128", "198.51.100.53", DROP | LAN_TO_WAN),
            ("192.0.2.9", "198.51.99.1", ACCEPT | 20),
            ("192.0.2.10", "198.51.99.1", REJECT | 21),
            ("192.0.2.10", "198.51.100.255", DROP | LAN_TO_WAN),
            ("192.0.2.10", "198.51.101.0", REJECT | 21),
            ("2001:db8:bad::1", "2001:db8:2::53", ACCEPT | 20),
            ("2001:db8:bae::1", "2001:db8:2::53", DROP | LAN_TO_WAN),
            ("2001:db8:bae::1", "2001:db8:2:1::53", REJECT | 21),
        ] {
            let mut packet = opening(if source.contains(':') { 6 } else { 4 }, 80).from(source);
            packet.destination = destination.parse().unwrap();
            assert_eq!(
                probe(&ground, &packet).mark,
                mark | WAN << 24,
                "{source} to {destination}"
            );
            // tc ends what XDP would end, and has said why all the same.
            assert_eq!(
                mark_of_tc(&ground, &packet),
                mark | WAN << 24,
                "{source} to {destination}"
            );
        }
    });
}

#[test]
fn messages_are_told_apart_by_type_and_code() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let messages = |number, kind, code| {
            let mut messages = line(20 + u32::from(kind % 16), Action::Accept);
            let mut entry = service(number);
            entry.icmp_types = vec![IcmpType { kind, code }];
            messages.services = vec![entry];
            messages
        };
        let rules = ruleset(vec![
            messages(protocol::ICMP, 3, Some(4)),
            messages(protocol::ICMP, 8, None),
            messages(protocol::ICMPV6, 128, None),
            messages(protocol::ICMPV6, 1, Some(0)),
        ]);
        ground.parts.datapath.load_policy(&images(&rules)).unwrap();
        for (family, number, kind, code, counter) in [
            (4, 1, 3, 4, 23),
            (4, 1, 3, 3, LAN_TO_WAN),
            (4, 1, 8, 0, 28),
            (4, 1, 8, 255, 28),
            (4, 1, 9, 0, LAN_TO_WAN),
            (6, 58, 128, 7, 20),
            (6, 58, 1, 0, 21),
            (6, 58, 1, 1, LAN_TO_WAN),
            // A number like any other.
            (4, 58, 128, 0, LAN_TO_WAN),
            (6, 1, 8, 0, LAN_TO_WAN),
        ] {
            let icmp = Icmp {
                protocol: number,
                kind,
                code,
                rest: [0; 4],
                payload: Vec::new(),
            };
            let transport = if (family == 4) == (number == 1) {
                Transport::Icmp(icmp)
            } else {
                Transport::Raw(number, vec![kind, code, 0, 0, 0, 0, 0, 0])
            };
            let packet = Packet::new(family, transport);
            let what = format!("IPv{family} protocol {number} {kind}/{code}");
            assert_eq!(probe(&ground, &packet).mark & 0xf_ffff, counter, "{what}");
        }
    });
}

#[test]
fn ports_of_sctp_are_ports() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let mut range = line(20, Action::Accept);
        let mut entry = service(protocol::SCTP);
        entry.source_ports = vec![PortRange::new(1000, 1999).unwrap()];
        entry.destination_ports = vec![PortRange::new(2905, 2905).unwrap()];
        range.services = vec![entry];
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(vec![range])))
            .unwrap();
        for (source, destination, counter) in [
            (1000, 2905, 20),
            (1999, 2905, 20),
            (2000, 2905, LAN_TO_WAN),
            (1000, 2906, LAN_TO_WAN),
        ] {
            for family in [4, 6] {
                let packet = Packet::new(
                    family,
                    Transport::Sctp(Sctp {
                        source,
                        destination,
                        tag: 1,
                        chunks: vec![1, 0, 0, 4],
                    }),
                );
                assert_eq!(
                    probe(&ground, &packet).mark & 0xf_ffff,
                    counter,
                    "{source} {destination}"
                );
            }
        }
    });
}
