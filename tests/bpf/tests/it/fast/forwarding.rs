//! The frame that leaves.

use ravelin_test_harness::packet::{Packet, Tag, Transport};

use super::reference::{TO_CLIENT, TO_SERVER, TO_VLAN, assert_right, forwarded, udp_checksum};
use super::road::{Connection, Fate, Road, SERVER_MAC, TAG, VLAN_MAC, addressed};

/// Every kind of translation, in every family and protocol; the ports are not yet told apart.
fn connections() -> Vec<Connection> {
    let mut connections = Vec::new();
    for (family, mask, public) in [
        (4, "198.51.100.1", "198.51.100.99"),
        (6, "2001:db8:2::1", "2001:db8:2::99"),
    ] {
        for protocol in [6, 17] {
            let plain = Connection::new(family, protocol);
            connections.extend([
                plain,
                plain.masked_as(mask, 40000),
                plain.masked_as(mask, 1024),
                plain.published_at(public, 443),
                plain.published_at(public, 8443).masked_as(mask, 55555),
            ]);
        }
    }
    connections
}

#[test]
fn both_directions_leave_as_a_router_sends_them() {
    Road::run(|mut road| {
        for (port, connection) in (2000..).zip(connections()) {
            let connection = connection.by_port(port);
            road.insert(&connection);
            road.warm(&connection);
            for length in [0, 1, 2, 3, 100, 1001, 1400] {
                let payload: Vec<u8> = (0..length).map(|n: usize| n.to_le_bytes()[0] ^ 0xa5).collect();
                for (packet, link) in [
                    (connection.packet(&payload), TO_SERVER),
                    (connection.answer(&payload), TO_CLIENT),
                ] {
                    let expected = forwarded(&packet, &connection, link);
                    assert_right(&expected);
                    assert_eq!(
                        road.packet(&packet),
                        Fate::Sent(expected),
                        "{connection:?} {length}"
                    );
                }
            }
            for reply in [false, true] {
                assert_eq!(road.direction(&connection, reply).count.packets, 7);
            }
        }
    });
}

#[test]
fn a_datagram_without_checksum_stays_without() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17).masked_as("198.51.100.1", 1024);
        road.insert(&connection);
        road.warm(&connection);
        let packet = connection.packet(b"no sum");
        let mut frame = addressed(&packet);
        *udp_checksum(&packet, &mut frame).unwrap() = [0, 0];
        let mut expected = forwarded(&packet, &connection, TO_SERVER);
        *udp_checksum(&packet, &mut expected).unwrap() = [0, 0];
        assert_eq!(road.frame(&frame, road.inside), Fate::Sent(expected));
    });
}

#[test]
fn a_checksum_that_comes_to_zero_is_sent_as_all_ones() {
    for (family, mask) in [(4, "198.51.100.1"), (6, "2001:db8:2::1")] {
        Road::run(|mut road| {
            let connection = Connection::new(family, 17).masked_as(mask, 1024);
            road.insert(&connection);
            road.warm(&connection);
            // The payload that makes the sum of the translated packet come to zero.
            let zeros = connection.packet(&[0, 0]);
            let mut sent = forwarded(&zeros, &connection, TO_SERVER);
            let payload = *udp_checksum(&zeros, &mut sent).unwrap();
            let packet = connection.packet(&payload);
            let mut expected = forwarded(&packet, &connection, TO_SERVER);
            assert_eq!(*udp_checksum(&packet, &mut expected).unwrap(), [0xff, 0xff]);
            assert_eq!(road.packet(&packet), Fate::Sent(expected));
        });
    }
}

#[test]
fn what_ethernet_pads_stays_padded() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        road.warm(&connection);
        let packet = Packet {
            padding: 17,
            ..connection.packet(b"x")
        };
        let expected = forwarded(&packet, &connection, TO_SERVER);
        assert_eq!(road.packet(&packet), Fate::Sent(expected));
    });
}

#[test]
fn every_flag_but_those_that_open_and_close_is_forwarded() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 6).masked_as("198.51.100.1", 1024);
        road.insert(&connection);
        road.warm(&connection);
        // ACK with any of PSH, URG, ECE, CWR.
        for flags in [0x10, 0x18, 0x30, 0x50, 0x90, 0xf8] {
            let mut packet = connection.packet(b"data");
            if let Transport::Tcp(tcp) = &mut packet.transport {
                tcp.flags = flags;
                tcp.options = vec![1; 12];
            }
            let expected = forwarded(&packet, &connection, TO_SERVER);
            assert_eq!(road.packet(&packet), Fate::Sent(expected), "{flags:#x}");
        }
    });
}

#[test]
fn tags_are_put_in_and_taken_away() {
    for (family, server, mask) in [
        (4, "203.0.113.53", "203.0.113.1"),
        (6, "2001:db8:7::53", "2001:db8:7::1"),
    ] {
        for protocol in [6, 17] {
            Road::run(|mut road| {
                let connection = Connection::new(family, protocol).to(server).masked_as(mask, 2000);
                road.insert(&connection);
                let packet = connection.packet(b"to the VLAN");
                let answer = Packet {
                    tags: vec![Tag {
                        ethertype: 0x8100,
                        // The priority is the sender's, for its own link.
                        tci: 3 << 13 | TAG,
                    }],
                    ..connection.answer(b"from the VLAN")
                };
                let mut tagged = answer.build();
                tagged[..6].copy_from_slice(&VLAN_MAC);
                tagged[6..12].copy_from_slice(&SERVER_MAC);
                assert_eq!(road.packet(&packet), Fate::Up);
                assert_eq!(road.frame(&tagged, road.outside), Fate::Up);
                let expected = forwarded(&packet, &connection, TO_VLAN);
                assert_eq!(road.packet(&packet), Fate::Sent(expected));
                let expected = forwarded(&answer, &connection, TO_CLIENT);
                assert_eq!(road.frame(&tagged, road.outside), Fate::Sent(expected));
            });
        }
    }
}

#[test]
fn one_tag_becomes_another() {
    Road::run(|mut road| {
        // The VLAN of the other side of the same device: packets turn around.
        crate::datapath::rig::ip(
            "link add vlan8 index 74 address 02:00:00:00:03:01 type veth peer name far-vlan8",
        );
        crate::datapath::rig::ip("address add 203.0.114.1/24 dev vlan8");
        crate::datapath::rig::ip("link set vlan8 up");
        crate::datapath::rig::ip("link set far-vlan8 up");
        super::road::neighbour("203.0.114.10", SERVER_MAC, "vlan8");
        road.ports.push(ravelin_datapath::CachePort {
            index: 74,
            device: road.outside,
            tag: Some(8),
            redirect: true,
            verify_checksum: false,
        });
        road.set_ports();
        let mut connection = Connection::new(4, 17).to("203.0.113.53");
        connection.original.source = "203.0.114.10".parse().unwrap();
        connection.reply.destination = connection.original.source;
        road.insert(&connection);
        let packet = Packet {
            tags: vec![Tag {
                ethertype: 0x8100,
                tci: 8,
            }],
            ..connection.packet(b"across")
        };
        let mut frame = packet.build();
        frame[..6].copy_from_slice(&[2, 0, 0, 0, 3, 1]);
        assert_eq!(road.frame(&frame, road.outside), Fate::Up);
        let expected = forwarded(&packet, &connection, TO_VLAN);
        assert_eq!(road.frame(&frame, road.outside), Fate::Sent(expected));
    });
}
