//! What a dropped packet leaves behind, and what a probe does not.

use std::collections::BTreeMap;

use ravelin_abi::{rv_event_kind, rv_reason};
use ravelin_compile::{NameImage, NameSource};
use ravelin_datapath::{Classification, Datapath as _, HitCounter};
use ravelin_model::{Action, Cell, Direction, DomainPattern, Hook, ListId, Reason};
use ravelin_test_harness::packet::{Packet, Query};

use super::ground::{Ground, WATCHED};
use super::judging::{opening, routes};
use super::rules::{INTERFACES, LAN, LAN_TO_LOCAL, LAN_TO_WAN, WAN, addresses, images, line, ruleset};
use crate::datapath::rig;

/// Packets and bytes of what came in by `gen0`, by reason.
fn cells(ground: &Ground) -> BTreeMap<Reason, (u64, u64)> {
    let statistics = ground.parts.datapath.statistics().unwrap();
    let mut cells: BTreeMap<Reason, (u64, u64)> = BTreeMap::new();
    let cells_of = statistics.into_iter().flat_map(|interface| interface.cells);
    // What leaves is what the link says of its own.
    for Cell {
        reason,
        packets,
        bytes,
        ..
    } in cells_of.filter(|cell| cell.direction == Direction::Ingress)
    {
        let cell = cells.entry(reason).or_default();
        cell.0 += packets;
        cell.1 += bytes;
    }
    cells
}

/// Flows of both families of what came in by `gen0`.
fn flows(ground: &mut Ground) -> [usize; 2] {
    let flows = &mut ground.parts.flows;
    let of4 = flows.entries4().unwrap().into_iter().map(|(key, _)| key.ifindex);
    let of6 = flows.entries6().unwrap().into_iter().map(|(key, _)| key.ifindex);
    let came_in = |ifindex: &u32| *ifindex == INTERFACES[0];
    [of4.filter(came_in).count(), of6.filter(came_in).count()]
}

/// A policy with a rule that drops and logs, one that drops, and defaults; attached to `gen0`, every feature on.
fn watch(ground: &mut Ground) {
    routes();
    let mut logged = line(20, Action::Drop);
    logged.destination = addresses(&["198.51.100.1", "2001:db8:2::1"]);
    logged.log = true;
    let mut silent = line(21, Action::Drop);
    silent.destination = addresses(&["198.51.100.2", "2001:db8:2::2"]);
    let datapath = &mut ground.parts.datapath;
    datapath
        .load_policy(&images(&ruleset(vec![logged, silent])))
        .unwrap();
    datapath.set_switches(WATCHED).unwrap();
    // Nothing but the frames of the test.
    rig::ip("link set peer0 down");
    let attached = datapath.attach(&rig::target("gen0")).unwrap();
    assert_eq!(attached.problems, Vec::<String>::new());
}

fn to(family: u8, host: u8) -> Packet {
    let mut packet = opening(family, 80);
    let prefix = if family == 4 {
        "198.51.100."
    } else {
        "2001:db8:2::"
    };
    packet.destination = format!("{prefix}{host}").parse().unwrap();
    packet
}

#[test]
fn what_xdp_drops_is_counted_once_and_told_where_the_rule_says() {
    Ground::run(&INTERFACES, |mut ground| {
        watch(&mut ground);
        let mut bytes: BTreeMap<u32, u64> = BTreeMap::new();
        for family in [4, 6] {
            for (host, counter, count) in [(1, 20, 3), (2, 21, 5), (3, LAN_TO_WAN, 7)] {
                for _ in 0..count {
                    let frame = to(family, host).build();
                    assert_eq!(
                        rig::xdp(&ground.parts.datapath, &frame, INTERFACES[0]),
                        rig::XDP_DROP
                    );
                    *bytes.entry(counter).or_default() += u64::try_from(frame.len()).unwrap();
                }
            }
            // Denied as well, but conntrack has the last word and nftables counts.
            let mut udp = Packet::udp(family, 1, 2, Vec::new());
            udp.destination = to(family, 1).destination;
            assert_eq!(
                rig::xdp(&ground.parts.datapath, &udp.build(), INTERFACES[0]),
                rig::XDP_PASS
            );
            let mut own = to(family, 1);
            own.destination = if family == 4 { "192.0.2.1" } else { "2001:db8:1::1" }
                .parse()
                .unwrap();
            assert_eq!(
                rig::xdp(&ground.parts.datapath, &own.build(), INTERFACES[0]),
                rig::XDP_PASS,
                "reject"
            );
        }
        let hits = ground
            .parts
            .datapath
            .policy_hits(&[20, 21, LAN_TO_WAN, LAN_TO_LOCAL])
            .unwrap();
        let hit = |packets, counter| HitCounter {
            packets,
            bytes: bytes[&counter],
        };
        assert_eq!(
            hits,
            [
                hit(6, 20),
                hit(10, 21),
                hit(14, LAN_TO_WAN),
                HitCounter::default()
            ]
        );
        let cells = cells(&ground);
        assert_eq!(cells[&Reason::PolicyRule], (16, bytes[&20] + bytes[&21]));
        assert_eq!(cells[&Reason::PolicyDefault], (14, bytes[&LAN_TO_WAN]));
        assert_eq!(cells[&Reason::Pass].0, 4);
        assert_eq!(flows(&mut ground), [2, 2], "only what went on");
        for family in [4, 6] {
            for _ in 0..3 {
                let event = ground.next_event();
                assert_eq!(u32::from(event.kind), rv_event_kind::RV_EVENT_POLICY);
                assert_eq!(u32::from(event.reason), rv_reason::RV_REASON_POLICY_RULE);
                assert_eq!((event.object, event.revision, event.list), (20, 7, 0));
                assert_eq!((u32::from(event.from_zone), u32::from(event.to_zone)), (LAN, WAN));
                assert_eq!(
                    (event.family, event.protocol, event.destination_port),
                    (family, 6, 80)
                );
                assert_eq!(event.ifindex, INTERFACES[0]);
            }
        }
        ground.no_event();
        ground.parts.datapath.reset_policy_hits(&[20]).unwrap();
        let hits = ground.parts.datapath.policy_hits(&[20, 21]).unwrap();
        assert_eq!(hits, [HitCounter::default(), hit(10, 21)]);
    });
}

#[test]
fn where_xdp_does_not_run_tc_drops_and_counts_alike() {
    Ground::run(&INTERFACES, |mut ground| {
        watch(&mut ground);
        // gen1 has no programs: its frames are tc's alone.
        let mut rules = ruleset(Vec::new());
        rules
            .zone_of_interface
            .insert(INTERFACES[1], super::ground::zone(LAN));
        rules
            .zone_of_interface
            .insert(INTERFACES[0], super::ground::zone(WAN));
        let mut drop = line(20, Action::Drop);
        drop.log = true;
        rules.lines = vec![drop.into()];
        ground.parts.datapath.load_policy(&images(&rules)).unwrap();
        let frame = opening(4, 80).build();
        let outcome = ground
            .parts
            .datapath
            .test_run(Hook::TcIngress, &frame, INTERFACES[1])
            .unwrap();
        assert_eq!(outcome.return_code, 2, "TC_ACT_SHOT");
        let hits = ground.parts.datapath.policy_hits(&[20]).unwrap();
        assert_eq!(
            (hits[0].packets, hits[0].bytes),
            (1, u64::try_from(frame.len()).unwrap())
        );
        assert_eq!(ground.next_event().object, 20);
        // On gen0 XDP has seen the packet, and counted it as one that goes on.
        let outcome = ground
            .parts
            .datapath
            .test_run(Hook::TcIngress, &frame, INTERFACES[0])
            .unwrap();
        assert_eq!(
            (outcome.return_code.cast_signed(), outcome.mark),
            (-1, 2 << 30 | LAN << 24 | 20)
        );
        assert_eq!(ground.parts.datapath.policy_hits(&[20]).unwrap()[0].packets, 1);
        assert_eq!(cells(&ground), BTreeMap::new());
        ground.no_event();
    });
}

#[test]
fn a_probe_leaves_no_trace() {
    Ground::run(&INTERFACES, |mut ground| {
        watch(&mut ground);
        let datapath = &mut ground.parts.datapath;
        datapath.load_addresses(&rig::image(&["203.0.113.0/24"])).unwrap();
        let list: ListId = ListId::DNS_BLOCKLIST.parse().unwrap();
        let pattern: DomainPattern = "blocked.example".parse().unwrap();
        let sources = [NameSource {
            pattern: &pattern,
            list: &list,
        }];
        datapath
            .load_names(&NameImage::build(&sources, 1, 64).unwrap())
            .unwrap();
        let query = Packet::udp(4, 40_000, 53, Query::new("blocked.example").build());
        for (what, packet, reason) in [
            ("logged", to(4, 1), Reason::PolicyRule),
            ("logged", to(6, 1), Reason::PolicyRule),
            ("default", to(4, 3), Reason::PolicyDefault),
            ("passes", Packet::udp(4, 1, 2, Vec::new()), Reason::Pass),
            ("passes", Packet::udp(6, 1, 2, Vec::new()), Reason::Pass),
            ("listed", to(4, 1).from("203.0.113.7"), Reason::SourceListed),
            ("query", query.clone(), Reason::DnsDropped),
        ] {
            let probe = datapath.probe(&packet.build(), INTERFACES[0]).unwrap();
            assert_eq!(probe.reason, reason, "{what}");
        }
        datapath
            .set_switches(ravelin_datapath::Switches {
                dns_drop: false,
                ..WATCHED
            })
            .unwrap();
        let probe = datapath.probe(&query.build(), INTERFACES[0]).unwrap();
        assert_eq!(
            (probe.reason, probe.classification),
            (Reason::DnsAnswered, Classification::None)
        );
        let no_hits = [HitCounter::default(); 2];
        assert_eq!(datapath.policy_hits(&[20, LAN_TO_WAN]).unwrap(), no_hits);
        assert_eq!(datapath.address_hits(&[0]).unwrap(), no_hits[..1]);
        assert_eq!(datapath.name_hits(1).unwrap(), [(no_hits[0], no_hits[0])]);
        assert_eq!(cells(&ground), BTreeMap::new());
        assert_eq!(flows(&mut ground), [0, 0]);
        let figures = ground.parts.datapath.event_figures().unwrap();
        assert_eq!((figures.suppressed, figures.lost), (0, 0));
        ground.no_event();
    });
}
