//! What a forwarded packet is counted on, to the packet and byte.

use std::collections::BTreeMap;

use ravelin_datapath::{CacheLookups, Datapath as _, HitCounter, Switches};
use ravelin_model::{Direction, FlowCount, Protocol, Reason};
use ravelin_test_harness::packet::{Packet, Tag};

use super::road::{COUNTER, Connection, FAST, Fate, Road, SERVER_MAC, TAG, VLAN_MAC};
use crate::datapath::rig::target;

const PACKETS: u64 = 10;

/// Packets and bytes of TCP and UDP that XDP forwarded, or not; by interface, direction and protocol.
fn cells_of(road: &Road, reason: Reason) -> BTreeMap<(String, bool, Protocol), (u64, u64)> {
    let mut cells = BTreeMap::new();
    for interface in road.parts.datapath.statistics().unwrap() {
        for cell in interface.cells {
            // What else there is, links say of their own.
            if matches!(
                cell.protocol,
                Protocol::Ipv4Tcp | Protocol::Ipv4Udp | Protocol::Ipv6Tcp | Protocol::Ipv6Udp
            ) {
                assert!(matches!(cell.reason, Reason::Pass | Reason::Forwarded));
                let key = (
                    interface.interface.clone(),
                    cell.direction == Direction::Egress,
                    cell.protocol,
                );
                if cell.reason == reason {
                    cells.insert(key, (cell.packets, cell.bytes));
                }
            }
        }
    }
    cells
}

fn forwarded(road: &Road) -> BTreeMap<(String, bool, Protocol), (u64, u64)> {
    cells_of(road, Reason::Forwarded)
}

fn length(frame: &Fate) -> u64 {
    match frame {
        Fate::Sent(frame) => u64::try_from(frame.len()).unwrap(),
        Fate::Up => panic!("it went up"),
    }
}

#[test]
fn a_forwarded_packet_is_counted_once_everywhere() {
    for (family, protocol, row) in [
        (4, 6, Protocol::Ipv4Tcp),
        (4, 17, Protocol::Ipv4Udp),
        (6, 6, Protocol::Ipv6Tcp),
        (6, 17, Protocol::Ipv6Udp),
    ] {
        Road::run(|mut road| {
            let connection = Connection::new(family, protocol);
            road.insert(&connection);
            road.warm(&connection);
            road.switch(Switches {
                statistics: true,
                flow_monitoring: true,
                ..FAST
            });
            road.parts.datapath.reset_policy_hits(&[COUNTER]).unwrap();
            let mut bytes = 0;
            for n in 0..PACKETS {
                let payload = vec![0; usize::try_from(n).unwrap() * 31];
                bytes += length(&road.packet(&connection.packet(&payload)));
            }
            let count = road.direction(&connection, false).count;
            // From the IP header on, as conntrack counts.
            let ip_bytes = bytes - 14 * PACKETS;
            assert_eq!(
                count,
                FlowCount {
                    packets: PACKETS,
                    bytes: ip_bytes
                }
            );
            assert_eq!(road.direction(&connection, true).count, FlowCount::default());
            let hits = road.parts.datapath.policy_hits(&[COUNTER]).unwrap();
            assert_eq!(
                hits,
                [HitCounter {
                    packets: PACKETS,
                    bytes
                }]
            );
            let expected = [("in0", false), ("out0", true)]
                .map(|(name, egress)| ((name.to_owned(), egress, row), (PACKETS, bytes)));
            assert_eq!(forwarded(&road), BTreeMap::from(expected));
            assert_eq!(cells_of(&road, Reason::Pass), BTreeMap::new());
            let monitored: Vec<(u32, u64, u64)> = if family == 4 {
                let flows = road.parts.flows.entries4().unwrap();
                let of = |(key, flow): (ravelin_abi::rv_flow_key4, ravelin_abi::rv_flow)| {
                    (key.ifindex, flow.packets, flow.bytes)
                };
                flows.into_iter().map(of).collect()
            } else {
                let flows = road.parts.flows.entries6().unwrap();
                flows
                    .into_iter()
                    .filter(|(key, _)| key.protocol == protocol)
                    .map(|(key, flow)| (key.ifindex, flow.packets, flow.bytes))
                    .collect()
            };
            assert_eq!(monitored, [(road.inside, PACKETS, bytes)]);
        });
    }
}

#[test]
fn padding_of_short_frames_counts_on_interfaces_only() {
    const SHORTEST: usize = 60;
    for (protocol, payload) in [(17, &b"four"[..]), (6, b"")] {
        Road::run(|mut road| {
            let connection = Connection::new(4, protocol);
            road.insert(&connection);
            road.warm(&connection);
            road.switch(Switches {
                statistics: true,
                ..FAST
            });
            road.parts.datapath.reset_policy_hits(&[COUNTER]).unwrap();
            let mut frame = connection.packet(payload).build();
            let sent = u64::try_from(frame.len()).unwrap();
            assert!(frame.len() < SHORTEST);
            frame.resize(SHORTEST, 0);
            assert_eq!(length(&road.frame(&frame, road.inside)), SHORTEST as u64);
            let count = road.direction(&connection, false).count;
            assert_eq!((count.packets, count.bytes), (1, sent - 14));
            let hits = road.parts.datapath.policy_hits(&[COUNTER]).unwrap();
            assert_eq!((hits[0].packets, hits[0].bytes), (1, sent));
            let cells: Vec<_> = forwarded(&road).into_values().collect();
            assert_eq!(cells, [(1, SHORTEST as u64); 2]);
        });
    }
}

#[test]
fn what_goes_up_is_counted_as_ever() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        road.switch(Switches {
            statistics: true,
            ..FAST
        });
        let packet = connection.packet(b"first");
        let bytes = u64::try_from(packet.build().len()).unwrap();
        assert_eq!(road.packet(&packet), Fate::Up);
        let key = ("in0".to_owned(), false, Protocol::Ipv4Udp);
        assert_eq!(cells_of(&road, Reason::Pass), BTreeMap::from([(key, (1, bytes))]));
        assert_eq!(forwarded(&road), BTreeMap::new());
        assert_eq!(road.direction(&connection, false).count, FlowCount::default());
    });
}

#[test]
fn a_vlan_with_programs_is_counted_without_the_tag() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17).to("203.0.113.53");
        road.parts.datapath.attach(&target("vlan7")).unwrap();
        road.insert(&connection);
        road.switch(Switches {
            statistics: true,
            flow_monitoring: true,
            ..FAST
        });
        let packet = connection.packet(b"out");
        let answer = Packet {
            tags: vec![Tag {
                ethertype: 0x8100,
                tci: TAG,
            }],
            ..connection.answer(b"back and")
        };
        let mut tagged = answer.build();
        tagged[..6].copy_from_slice(&VLAN_MAC);
        tagged[6..12].copy_from_slice(&SERVER_MAC);
        let untagged = u64::try_from(packet.build().len()).unwrap();
        let back = u64::try_from(tagged.len()).unwrap();
        assert_eq!(road.packet(&packet), Fate::Up);
        assert_eq!(road.frame(&tagged, road.outside), Fate::Up);
        assert_eq!(length(&road.packet(&packet)), untagged + 4);
        assert_eq!(length(&road.frame(&tagged, road.outside)), back - 4);
        // The first of each went up, and is counted where it came in.
        let expected = [
            ("in0", false, untagged),
            ("out0", true, untagged + 4),
            ("vlan7", true, untagged),
            ("out0", false, back),
            ("vlan7", false, back - 4),
            ("in0", true, back - 4),
        ];
        let expected = expected.map(|(name, egress, bytes)| {
            let key = (name.to_owned(), egress, Protocol::Ipv4Udp);
            (key, (1, bytes))
        });
        assert_eq!(forwarded(&road), BTreeMap::from(expected));
        assert_eq!(
            road.parts.datapath.cache_lookups().unwrap(),
            CacheLookups { hits: 2, misses: 0 },
            "once, whatever it is counted on"
        );
        let (ingress, egress) = (
            road.direction(&connection, false).count,
            road.direction(&connection, true).count,
        );
        assert_eq!((ingress.bytes, egress.bytes), (untagged - 14, back - 18));
        let hits = road.parts.datapath.policy_hits(&[COUNTER]).unwrap();
        assert_eq!(hits[0].bytes, untagged + back - 4, "rules count no tags");
    });
}
