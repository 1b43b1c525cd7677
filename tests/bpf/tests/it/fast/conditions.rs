//! Each condition of the fast path, broken alone, sends the packet up as it came.

use std::time::Duration;

use ravelin_datapath::{Path as Way, Switches};
use ravelin_test_harness::eventually;
use ravelin_test_harness::packet::{ACK, Extension, FIN, Packet, RST, SYN, Tag, Transport};

use super::reference::{TO_SERVER, forwarded};
use super::road::{Connection, FAST, Fate, LONG, Road, addressed};

const PATIENCE: Duration = Duration::from_secs(10);

/// A warm road with a translated connection, for every family and protocol.
fn each(test: impl Fn(&mut Road, Connection) + Send + Sync) {
    for (family, mask) in [(4, "198.51.100.1"), (6, "2001:db8:2::1")] {
        for protocol in [6, 17] {
            Road::run(|mut road| {
                let connection = Connection::new(family, protocol).masked_as(mask, 1024);
                road.insert(&connection);
                road.warm(&connection);
                assert_fast(&road, &connection);
                test(&mut road, connection);
            });
        }
    }
}

/// The packet of the connection that nothing is wrong with is forwarded.
fn assert_fast(road: &Road, connection: &Connection) {
    let packet = connection.packet(b"plain");
    let expected = forwarded(&packet, connection, TO_SERVER);
    assert_eq!(road.packet(&packet), Fate::Sent(expected), "{connection:?}");
}

/// Frames of the connection that differ from a plain one in one thing, and what that is.
fn odd_frames(connection: &Connection) -> Vec<(&'static str, Vec<u8>)> {
    let plain = connection.packet(b"some payload of a few bytes");
    let is_ipv4 = plain.source.is_ipv4();
    let network = plain.network_offset();
    let transport = network + if is_ipv4 { 20 } else { 40 };
    let mut frames = Vec::new();
    let mut add = |what, packet: Packet| frames.push((what, addressed(&packet)));
    add(
        "TTL 1",
        Packet {
            ttl: 1,
            ..plain.clone()
        },
    );
    add(
        "TTL 0",
        Packet {
            ttl: 0,
            ..plain.clone()
        },
    );
    add("two tags", plain.clone().tagged(&[0x88a8, 0x8100]));
    add("two tags of one kind", plain.clone().tagged(&[0x8100, 0x8100]));
    add("a service tag", plain.clone().tagged(&[0x88a8]));
    add("a tag of no VLAN here", plain.clone().tagged(&[0x8100]));
    let priority = Tag {
        ethertype: 0x8100,
        tci: 5 << 13,
    };
    add(
        "a priority without a VLAN",
        Packet {
            tags: vec![priority],
            ..plain.clone()
        },
    );
    if is_ipv4 {
        add(
            "options",
            Packet {
                options: vec![1; 4],
                ..plain.clone()
            },
        );
        for (what, fragment) in [
            ("a first fragment", (0, true)),
            ("a fragment in between", (8, true)),
            ("a last fragment", (8, false)),
        ] {
            let fragment = Some(fragment);
            add(
                what,
                Packet {
                    fragment,
                    ..plain.clone()
                },
            );
        }
    } else {
        for (what, extension) in [
            ("hop-by-hop options", Extension::HopByHop(0)),
            ("a routing header", Extension::Routing(0)),
            ("destination options", Extension::Destination(0)),
            ("an authentication header", Extension::Authentication(1)),
            ("an atomic fragment", Extension::Fragment(0, false)),
            ("a first fragment", Extension::Fragment(0, true)),
            ("a later fragment", Extension::Fragment(8, true)),
        ] {
            add(what, plain.clone().extended(&[extension]));
        }
    }
    let raw = Transport::echo(if is_ipv4 { 4 } else { 6 });
    add(
        "another protocol",
        Packet {
            transport: raw,
            ..plain.clone()
        },
    );
    let mut patch = |what, at: usize, bytes: &[u8]| {
        let mut frame = addressed(&plain);
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        frames.push((what, frame));
    };
    patch("another version", network, &[0x50]);
    patch("for another host", 0, &[0x02, 9, 9, 9, 9, 9]);
    patch("for a group", 0, &[0x33, 0x33]);
    patch("another port", transport, &1u16.to_be_bytes());
    patch("another ethertype", network - 2, &[0x08, 0x06]);
    if is_ipv4 {
        patch("the reserved flag", network + 6, &[0x80]);
        patch("longer than the frame", network + 2, &[0x05, 0]);
        patch("shorter than its header", network + 2, &[0, 19]);
    } else {
        patch("longer than the frame", network + 4, &[0x05, 0]);
    }
    match &plain.transport {
        Transport::Udp(_) => {
            patch("UDP longer than the packet", transport + 4, &[0x05, 0]);
            patch("UDP shorter than its header", transport + 4, &[0, 7]);
        }
        _ => {
            patch("TCP shorter than its header", transport + 12, &[0x40]);
            patch("TCP header longer than the packet", transport + 12, &[0xf0]);
            for (what, flags) in [
                ("no flag", 0),
                ("no ACK", 0x08),
                ("SYN", SYN),
                ("SYN and ACK", SYN | ACK),
            ] {
                patch(what, transport + 13, &[flags]);
            }
        }
    }
    for short in [14, network + 10, transport, transport + 7] {
        frames.push(("cut off", addressed(&plain)[..short].to_vec()));
    }
    frames
}

#[test]
fn a_packet_of_another_shape_goes_up() {
    each(|road, connection| {
        let before = road.direction(&connection, false).count;
        for (what, frame) in odd_frames(&connection) {
            assert_eq!(
                road.frame(&frame, road.inside),
                Fate::Up,
                "{what}: {connection:?}"
            );
        }
        assert_eq!(road.direction(&connection, false).count, before);
        assert_fast(road, &connection);
    });
}

#[test]
fn what_says_do_not_fragment_is_forwarded() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        road.warm(&connection);
        let packet = Packet {
            dont_fragment: true,
            ..connection.packet(b"whole")
        };
        let expected = forwarded(&packet, &connection, TO_SERVER);
        assert_eq!(road.packet(&packet), Fate::Sent(expected));
    });
}

#[test]
fn a_packet_longer_than_the_way_out_goes_up() {
    each(|road, connection| {
        let header = match (connection.original.is_ipv6(), connection.original.protocol) {
            (false, 6) => 40,
            (false, _) => 28,
            (true, 6) => 60,
            (true, _) => 48,
        };
        crate::datapath::rig::ip("link set out0 mtu 1400");
        road.parts.cache.forget_paths();
        assert_eq!(road.packet(&connection.packet(b"x")), Fate::Up);
        let fits = connection.packet(&vec![1; 1400 - header]);
        let expected = forwarded(&fits, &connection, TO_SERVER);
        assert_eq!(road.packet(&fits), Fate::Sent(expected));
        let longer = connection.packet(&vec![1; 1401 - header]);
        assert_eq!(road.packet(&longer), Fate::Up, "{connection:?}");
    });
}

#[test]
fn a_packet_from_elsewhere_goes_up_and_changes_nothing() {
    each(|road, connection| {
        let frame = addressed(&connection.packet(b"pretends"));
        assert_eq!(road.frame(&frame, road.outside), Fate::Up);
        assert_eq!(road.frame(&frame, road.vlan), Fate::Up);
        assert_fast(road, &connection);
        // Nor does it keep the flow out where the way is to be learned.
        road.parts.cache.forget_paths();
        assert_eq!(road.frame(&frame, road.outside), Fate::Up);
        assert_eq!(road.packet(&connection.packet(b"own")), Fate::Up);
        assert_fast(road, &connection);
    });
}

#[test]
fn the_switch_the_clock_and_the_cache_each_end_it() {
    each(|road, connection| {
        let packet = connection.packet(b"plain");
        road.switch(Switches {
            flow_offload: false,
            ..FAST
        });
        assert_eq!(road.packet(&packet), Fate::Up);
        road.switch(FAST);
        assert_fast(road, &connection);

        road.parts.cache.keep_alive(Duration::ZERO);
        assert_eq!(road.packet(&packet), Fate::Up);
        road.parts.cache.keep_alive(LONG);
        assert_fast(road, &connection);
        // Nobody says any more that it is alive.
        road.parts.cache.keep_alive(Duration::from_millis(50));
        let ended = eventually(PATIENCE, || (road.packet(&packet) == Fate::Up).then_some(()));
        assert!(ended.is_some());
        road.parts.cache.keep_alive(LONG);
        assert_fast(road, &connection);

        assert!(road.parts.cache.remove(&connection.original));
        assert_eq!(road.packet(&packet), Fate::Up);
    });
}

#[test]
fn names_are_judged_before_their_datagrams_are_forwarded() {
    for protocol in [6, 17] {
        Road::run(|mut road| {
            let mut connection = Connection::new(4, protocol);
            connection.original.destination_port = 53;
            connection.reply.source_port = 53;
            road.insert(&connection);
            road.warm(&connection);
            assert_fast(&road, &connection);
            road.switch(Switches {
                dns_blocklist: true,
                ..FAST
            });
            assert_eq!(road.packet(&connection.packet(b"plain")), Fate::Up);
            let answer = connection.answer(b"answers are no queries");
            assert!(matches!(road.packet(&answer), Fate::Sent(_)));
        });
    }
}

#[test]
fn the_end_of_a_connection_ends_both_directions() {
    for (family, flags) in [(4, FIN | ACK), (4, RST), (6, RST | ACK), (6, FIN)] {
        for reply in [false, true] {
            Road::run(|mut road| {
                let connection = Connection::new(family, 6);
                road.insert(&connection);
                road.warm(&connection);
                let mut last = if reply {
                    connection.answer(b"")
                } else {
                    connection.packet(b"")
                };
                if let Transport::Tcp(tcp) = &mut last.transport {
                    tcp.flags = flags;
                }
                assert_eq!(road.packet(&last), Fate::Up);
                for packet in [connection.packet(b"late"), connection.answer(b"late")] {
                    assert_eq!(road.packet(&packet), Fate::Up);
                }
                for reply in [false, true] {
                    assert_eq!(road.direction(&connection, reply).path, Way::Ended);
                }
            });
        }
    }
}

#[test]
fn a_probe_is_not_forwarded() {
    each(|road, connection| {
        use ravelin_datapath::Datapath as _;
        road.switch(Switches {
            policy_classifier: true,
            ..FAST
        });
        let before = road.direction(&connection, false).count;
        let frame = addressed(&connection.packet(b"what if"));
        let probe = road.parts.datapath.probe(&frame, road.inside).unwrap();
        assert_eq!(probe.reason, ravelin_model::Reason::Pass);
        assert_eq!(road.direction(&connection, false).count, before);
    });
}
