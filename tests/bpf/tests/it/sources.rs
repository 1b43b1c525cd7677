//! `ddos_protection`: sources on the block list, in XDP and in tc where XDP does not run.

use ipnet::IpNet;
use ravelin_abi::{
    rv_event_kind, rv_reason, rv_switch,
    rv_zone_flag::{RV_ZONE_EXTERNAL, RV_ZONE_XDP},
};
use ravelin_compile::{AddressImage, AddressSource};
use ravelin_test_harness::packet::{Extension, Packet, Transport};

use crate::clock::monotonic_ns;
use crate::isolated::isolated;
use crate::plane::{Cell, Hook, IFINDEX, Plane, SLOT, Verdict};

const FEATURES: u32 = rv_switch::RV_SWITCH_STATISTICS
    | rv_switch::RV_SWITCH_FLOW_MONITORING
    | rv_switch::RV_SWITCH_DDOS_PROTECTION;

const HOOKS: [Hook; 2] = [Hook::Xdp, Hook::Ingress];

/// A listed prefix of these tests has this list number.
const LIST: u32 = 7;

/// Entry n has hit counter n + 100.
const FIRST_COUNTER: u32 = 100;

fn image(prefixes: &[(&str, u64)]) -> AddressImage {
    let sources: Vec<AddressSource> = (FIRST_COUNTER..)
        .zip(prefixes)
        .map(|(counter, (prefix, expires_ns))| AddressSource {
            network: prefix.parse::<IpNet>().unwrap(),
            expires_ns: *expires_ns,
            counter,
            list: LIST,
        })
        .collect();
    AddressImage::build(&sources, 4096).unwrap()
}

fn loaded(hook: Hook, pins: &std::path::Path, prefixes: &[(&str, u64)]) -> Plane {
    let mut plane = Plane::load(hook, pins);
    plane.load_addresses(&image(prefixes));
    plane.set_switches(FEATURES);
    plane
}

fn packet(source: &str) -> Packet {
    let family = if source.contains(':') { 6 } else { 4 };
    Packet::udp(family, 5000, 6000, b"hello".as_slice()).from(source)
}

/// Runs the packet and asserts its fate: dropped by the entry of that number, or on its way.
fn check(plane: &mut Plane, what: &str, packet: &Packet, entry: Option<u32>) {
    let what = format!("{}: {what}", plane.hook().program());
    let frame = packet.build();
    let length = u64::try_from(frame.len()).unwrap();
    let outcome = plane.run(&frame);
    let cells = plane.take_cells();
    let [cell] = cells.as_slice() else {
        panic!("{what}: {cells:?}");
    };
    assert_eq!(
        (cell.slot, cell.egress, cell.packets, cell.bytes),
        (SLOT, false, 1, length),
        "{what}"
    );
    let flows = plane.take_flows();
    let Some(entry) = entry else {
        assert_eq!(outcome.verdict, Verdict::Pass, "{what}");
        assert_eq!(outcome.frame, frame, "{what}");
        assert_eq!(cell.reason, rv_reason::RV_REASON_PASS, "{what}");
        assert_eq!(plane.take_events(), [], "{what}");
        return;
    };
    let counter = FIRST_COUNTER + entry;
    assert_eq!(outcome.verdict, Verdict::Drop, "{what}");
    assert_eq!(cell.reason, rv_reason::RV_REASON_SOURCE_LISTED, "{what}");
    assert_eq!(flows, [], "{what}: flows");
    assert_eq!(
        plane.take_hits("blocklist_hits", counter),
        (1, length),
        "{what}: hits"
    );
    let events = plane.take_events();
    let [event] = events.as_slice() else {
        panic!("{what}: {} events", events.len());
    };
    assert_eq!(u32::from(event.kind), rv_event_kind::RV_EVENT_DROP, "{what}");
    assert_eq!(
        u32::from(event.reason),
        rv_reason::RV_REASON_SOURCE_LISTED,
        "{what}"
    );
    assert_eq!(
        (event.object, event.list, event.ifindex),
        (counter, LIST, IFINDEX),
        "{what}"
    );
    assert_eq!(u64::from(event.frame_length), length, "{what}");
    assert_eq!(event.name_length, 0, "{what}");
    let source = match packet.source {
        std::net::IpAddr::V4(address) => [&address.octets()[..], &[0; 12]].concat(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    };
    assert_eq!(event.source.as_slice(), source, "{what}");
}

#[test]
fn a_listed_source_is_dropped_and_every_other_goes_on() {
    let listed = [
        ("203.0.113.7/32", 0),
        ("198.18.0.0/15", 0),
        ("10.1.2.0/23", 0),
        ("2001:db8:bad::/48", 0),
        ("2001:db8:1::66/128", 0),
        ("fd00::/8", 0),
        ("0.0.0.0/32", 0),
        ("255.255.255.255/32", 0),
        ("10.1.255.255/32", 0),
        ("10.2.0.0/32", 0),
    ];
    let cases = [
        ("203.0.113.7", Some(0)),
        ("203.0.113.6", None),
        ("203.0.113.8", None),
        ("198.17.255.255", None),
        ("198.18.0.0", Some(1)),
        ("198.18.255.255", Some(1)),
        ("198.19.0.0", Some(1)),
        ("198.19.255.255", Some(1)),
        ("198.20.0.0", None),
        ("10.1.1.255", None),
        ("10.1.2.0", Some(2)),
        ("10.1.3.255", Some(2)),
        ("10.1.4.0", None),
        ("10.1.255.254", None),
        ("10.1.255.255", Some(8)),
        ("10.2.0.0", Some(9)),
        ("10.2.0.1", None),
        ("0.0.0.0", Some(6)),
        ("0.0.0.1", None),
        ("255.255.255.254", None),
        ("255.255.255.255", Some(7)),
        ("2001:db8:bac:ffff:ffff:ffff:ffff:ffff", None),
        ("2001:db8:bad::", Some(3)),
        ("2001:db8:bad:ffff:ffff:ffff:ffff:ffff", Some(3)),
        ("2001:db8:bae::", None),
        ("2001:db8:1::65", None),
        ("2001:db8:1::66", Some(4)),
        ("2001:db8:1::67", None),
        ("2001:db8:1:0:1::66", None),
        ("fcff::1", None),
        ("fd00::", Some(5)),
        ("fdff:ffff::1", Some(5)),
        ("fe00::1", None),
        ("::", None),
        ("::203.0.113.7", None),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ];
    isolated(|pins| {
        for hook in HOOKS {
            let mut plane = loaded(hook, pins, &listed);
            for (source, entry) in cases {
                check(&mut plane, source, &packet(source), entry);
                check(
                    &mut plane,
                    source,
                    &packet(source).tagged(&[0x88a8, 0x8100]),
                    entry,
                );
            }
        }
    });
}

#[test]
fn whatever_a_listed_source_sends_is_dropped() {
    let listed = [("192.0.2.10/32", 0), ("2001:db8:1::10/128", 0)];
    isolated(|pins| {
        for hook in HOOKS {
            let mut plane = loaded(hook, pins, &listed);
            for (entry, family) in [(0, 4), (1, 6)] {
                let udp = Packet::udp(family, 5000, 6000, b"x".as_slice());
                let mut packets = vec![
                    ("tcp", Packet::tcp(family, 1, 2, b"x".as_slice())),
                    ("tcp to port 53", Packet::tcp(family, 1, 53, b"x".as_slice())),
                    ("udp to port 53", Packet::udp(family, 1, 53, b"x".as_slice())),
                    ("echo", Packet::new(family, Transport::echo(family))),
                    ("sctp", Packet::new(family, Transport::Raw(132, vec![0; 12]))),
                    (
                        "tcp header cut off",
                        Packet::new(family, Transport::Raw(6, vec![0; 8])),
                    ),
                    ("nothing", Packet::new(family, Transport::Raw(17, Vec::new()))),
                    (
                        "padded",
                        Packet {
                            padding: 30,
                            ..udp.clone()
                        },
                    ),
                ];
                if family == 4 {
                    packets.push((
                        "options",
                        Packet {
                            options: vec![1; 40],
                            ..udp.clone()
                        },
                    ));
                    packets.push((
                        "fragment",
                        Packet {
                            fragment: Some((8, true)),
                            ..udp
                        },
                    ));
                } else {
                    packets.push(("hop-by-hop", udp.clone().extended(&[Extension::HopByHop(0)])));
                    packets.push((
                        "too many headers",
                        udp.clone().extended(&[Extension::Destination(0); 9]),
                    ));
                    packets.push(("fragment", udp.extended(&[Extension::Fragment(8, true)])));
                }
                for (what, packet) in packets {
                    check(&mut plane, what, &packet, Some(entry));
                }
            }
        }
    });
}

#[test]
fn an_entry_matches_until_it_expires() {
    const HOUR_NS: u64 = 3_600_000_000_000;
    // More than the coarse clock of the programs can lag behind.
    const SECOND_NS: u64 = 1_000_000_000;
    isolated(|pins| {
        let now = monotonic_ns();
        let listed = [
            ("203.0.113.0/24", now + HOUR_NS),
            ("198.51.100.0/24", now - SECOND_NS),
            ("192.0.2.0/24", 1),
            ("2001:db8:a::/48", now + HOUR_NS),
            ("2001:db8:b::/48", now - SECOND_NS),
            // The entry that has expired does not hide the one around it.
            ("10.0.0.0/8", now + HOUR_NS),
            ("10.1.0.0/16", now - SECOND_NS),
        ];
        for hook in HOOKS {
            let mut plane = loaded(hook, pins, &listed);
            for (source, entry) in [
                ("203.0.113.9", Some(0)),
                ("198.51.100.9", None),
                ("192.0.2.9", None),
                ("2001:db8:a::9", Some(3)),
                ("2001:db8:b::9", None),
                ("10.1.2.3", Some(5)),
            ] {
                check(&mut plane, source, &packet(source), entry);
            }
        }
    });
}

#[test]
fn external_only_spares_interfaces_that_are_not_external() {
    let listed = [("203.0.113.0/24", 0), ("2001:db8:bad::/48", 0)];
    isolated(|pins| {
        for hook in HOOKS {
            let mut plane = loaded(hook, pins, &listed);
            for (switches, flags, dropped) in [
                (0, 0, true),
                (0, RV_ZONE_EXTERNAL, true),
                (rv_switch::RV_SWITCH_DDOS_EXTERNAL_ONLY, 0, false),
                (rv_switch::RV_SWITCH_DDOS_EXTERNAL_ONLY, RV_ZONE_EXTERNAL, true),
            ] {
                plane.set_switches(FEATURES | switches);
                plane.set_zone(flags);
                let what = format!("switches {switches:#x}, flags {flags:#x}");
                check(&mut plane, &what, &packet("203.0.113.9"), dropped.then_some(0));
                check(
                    &mut plane,
                    &what,
                    &packet("2001:db8:bad::9"),
                    dropped.then_some(1),
                );
                check(&mut plane, &what, &packet("192.0.2.9"), None);
            }
        }
    });
}

#[test]
fn with_the_feature_off_a_listed_source_goes_on() {
    isolated(|pins| {
        for hook in HOOKS {
            let mut plane = loaded(hook, pins, &[("203.0.113.0/24", 0)]);
            plane.set_switches(FEATURES & !rv_switch::RV_SWITCH_DDOS_PROTECTION);
            check(&mut plane, "off", &packet("203.0.113.9"), None);
        }
    });
}

#[test]
fn where_xdp_runs_tc_does_not_judge_sources_again() {
    isolated(|pins| {
        let mut plane = loaded(Hook::Ingress, pins, &[("203.0.113.0/24", 0)]);
        plane.set_zone(RV_ZONE_XDP);
        let frame = packet("203.0.113.9").build();
        assert_eq!(plane.run(&frame).verdict, Verdict::Pass);
        assert_eq!(plane.take_cells(), []);
        assert_eq!(plane.take_hits("blocklist_hits", FIRST_COUNTER), (0, 0));
    });
}

#[test]
fn merged_segments_are_counted_one_by_one() {
    isolated(|pins| {
        let mut plane = loaded(Hook::Ingress, pins, &[("192.0.2.10/32", 0)]);
        let frame = Packet::tcp(4, 40000, 443, vec![0; 3000]).build();
        let context = crate::plane::Context {
            gso_segs: 3,
            gso_size: 1000,
            ..Default::default()
        };
        let outcome = plane.run_in(&frame, context);
        // Two of the three segments had headers of their own, 54 bytes each.
        let bytes = u64::try_from(frame.len()).unwrap() + 2 * 54;
        assert_eq!(outcome.verdict, Verdict::Drop);
        assert_eq!(plane.take_hits("blocklist_hits", FIRST_COUNTER), (3, bytes));
        let cell = Cell {
            slot: SLOT,
            egress: false,
            row: ravelin_abi::rv_protocol::RV_PROTOCOL_IPV4_TCP,
            reason: rv_reason::RV_REASON_SOURCE_LISTED,
            packets: 3,
            bytes,
        };
        assert_eq!(plane.take_cells(), [cell]);
    });
}
