//! How a flow's way is learned, and why it may not be.

use std::time::Duration;

use ravelin_datapath::{Datapath as _, Path as Way, PathRefusal, Switches};
use ravelin_test_harness::eventually;
use ravelin_test_harness::packet::Packet;

use super::reference::{Link, TO_SERVER, forwarded};
use super::road::{Connection, FAST, Fate, Road, SERVER_MAC, WAN_MAC, addressed, neighbour};
use crate::datapath::rig::{image, ip};

const PATIENCE: Duration = Duration::from_secs(10);

/// One connection of each family, of one protocol each, on a road of its own.
fn each(test: impl Fn(&mut Road, Connection) + Send + Sync) {
    for (family, protocol) in [(4, 17), (6, 6)] {
        Road::run(|mut road| {
            let connection = Connection::new(family, protocol);
            road.insert(&connection);
            test(&mut road, connection);
        });
    }
}

/// Both versions of the command, one of which is for the family.
fn ip_of(connection: &Connection, four: &str, six: &str) {
    ip(if connection.original.is_ipv6() { six } else { four });
}

fn assert_refused(road: &Road, connection: &Connection, refusal: PathRefusal) {
    let packet = connection.packet(b"asks");
    for _ in 0..3 {
        assert_eq!(road.packet(&packet), Fate::Up, "{refusal:?} {connection:?}");
    }
    assert_eq!(road.way(connection), Way::Refused(refusal), "{connection:?}");
}

/// After what was wrong is mended and ways are learned again, packets are forwarded.
fn assert_mended(road: &mut Road, connection: &Connection) {
    road.parts.cache.forget_paths();
    let packet = connection.packet(b"mended");
    assert_eq!(road.packet(&packet), Fate::Up);
    let expected = forwarded(&packet, connection, TO_SERVER);
    assert_eq!(road.packet(&packet), Fate::Sent(expected), "{connection:?}");
    let (ingress, egress) = (road.inside, road.outside);
    assert_eq!(road.way(connection), Way::Forwarded { ingress, egress });
}

#[test]
fn without_a_route_there_is_no_way() {
    each(|road, connection| {
        ip_of(
            &connection,
            "route add prohibit 198.51.100.53/32",
            "-6 route add prohibit 2001:db8:2::53/128",
        );
        assert_refused(road, &connection, PathRefusal::NoRoute);
        ip_of(
            &connection,
            "route del prohibit 198.51.100.53/32",
            "-6 route del prohibit 2001:db8:2::53/128",
        );
        assert_mended(road, &connection);
    });
}

#[test]
fn what_is_for_this_box_goes_up() {
    each(|road, connection| {
        ip_of(
            &connection,
            "address add 198.51.100.53/32 dev lo",
            "-6 address add 2001:db8:2::53/128 dev lo",
        );
        // An address of IPv6 has its route a little later than itself.
        let address = format!("route get {}", connection.original.destination);
        eventually(PATIENCE, || ip(&address).starts_with("local").then_some(()))
            .expect("a route to ourselves");
        assert_refused(road, &connection, PathRefusal::Local);
        ip_of(
            &connection,
            "address del 198.51.100.53/32 dev lo",
            "-6 address del 2001:db8:2::53/128 dev lo",
        );
        eventually(PATIENCE, || (!ip(&address).starts_with("local")).then_some(()))
            .expect("the route before");
        assert_mended(road, &connection);
    });
}

#[test]
fn an_unknown_neighbour_is_tried_again_with_every_packet() {
    each(|road, connection| {
        ip_of(
            &connection,
            "neighbour del 198.51.100.53 dev out0",
            "-6 neighbour del 2001:db8:2::53 dev out0",
        );
        let packet = connection.packet(b"who has");
        for _ in 0..3 {
            assert_eq!(road.packet(&packet), Fate::Up);
        }
        // No generation passes.
        neighbour(&connection.original.destination.to_string(), SERVER_MAC, "out0");
        assert_eq!(road.packet(&packet), Fate::Up);
        let expected = forwarded(&packet, &connection, TO_SERVER);
        assert_eq!(road.packet(&packet), Fate::Sent(expected));
    });
}

#[test]
fn the_way_back_must_be_the_way_it_came() {
    each(|road, connection| {
        ip_of(
            &connection,
            "route add 192.0.2.10/32 via 203.0.113.53 dev vlan7",
            "-6 route add 2001:db8:1::10/128 via 2001:db8:7::53 dev vlan7",
        );
        assert_refused(road, &connection, PathRefusal::Asymmetric);
        ip_of(
            &connection,
            "route del 192.0.2.10/32",
            "-6 route del 2001:db8:1::10/128",
        );
        assert_mended(road, &connection);
    });
}

#[test]
fn a_port_that_takes_no_frames_is_not_sent_to() {
    each(|road, connection| {
        let all = road.ports.clone();
        // One that cannot, then none.
        road.ports[1].redirect = false;
        for ports in [road.ports.clone(), vec![all[0]]] {
            road.ports = ports;
            road.set_ports();
            road.parts.cache.forget_paths();
            assert_refused(road, &connection, PathRefusal::Port);
        }
        road.ports = all;
        road.set_ports();
        assert_mended(road, &connection);
    });
}

#[test]
fn from_where_checksums_may_lack_they_are_looked_at() {
    each(|road, connection| {
        road.ports[0].verify_checksum = true;
        road.set_ports();
        for length in [0usize, 1, 2, 3, 63, 64, 65, 500, 1400] {
            road.parts.cache.forget_paths();
            let packet = connection.packet(&vec![0x5a; length]);
            let mut frame = addressed(&packet);
            let at = packet.network_offset() + if packet.source.is_ipv4() { 20 + 6 } else { 40 + 16 };
            frame[at] ^= 1;
            assert_eq!(road.frame(&frame, road.inside), Fate::Up);
            assert_eq!(
                road.way(&connection),
                Way::Refused(PathRefusal::Checksum),
                "{length}"
            );
            assert_mended(road, &connection);
            road.parts.cache.forget_paths();
            assert_eq!(road.packet(&packet), Fate::Up);
            let expected = forwarded(&packet, &connection, TO_SERVER);
            assert_eq!(road.packet(&packet), Fate::Sent(expected), "{length}");
        }
    });
}

#[test]
fn a_listed_source_is_not_learned_from() {
    each(|road, connection| {
        let list = image(&["192.0.2.10/32", "2001:db8:1::/48"]);
        road.parts.datapath.load_addresses(&list).unwrap();
        let listing = Switches {
            ddos_protection: true,
            ..FAST
        };
        // Only from external interfaces, of which there is none.
        road.switch(Switches {
            ddos_external_only: true,
            ..listing
        });
        assert_mended(road, &connection);
        road.switch(listing);
        road.parts.cache.forget_paths();
        let frame = addressed(&connection.packet(b"listed"));
        let outcome = (road.parts.datapath)
            .test_run(ravelin_model::Hook::Xdp, &frame, road.inside)
            .unwrap();
        assert_eq!(outcome.return_code, crate::datapath::rig::XDP_DROP);
        assert_eq!(road.way(&connection), Way::Refused(PathRefusal::SourceListed));
        road.switch(FAST);
        assert_mended(road, &connection);
    });
}

#[test]
fn a_new_generation_learns_what_changed() {
    each(|road, connection| {
        road.warm(&connection);
        let packet = connection.packet(b"goes on");
        let expected = forwarded(&packet, &connection, TO_SERVER);
        assert_eq!(road.packet(&packet), Fate::Sent(expected.clone()));
        let moved = [0x02, 0, 0, 0, 1, 0x99];
        neighbour(&connection.original.destination.to_string(), moved, "out0");
        // Until it is told that something changed, the flow goes by what it learned.
        assert_eq!(road.packet(&packet), Fate::Sent(expected));
        road.parts.cache.forget_paths();
        assert_eq!(road.packet(&packet), Fate::Up);
        let link = Link {
            to: moved,
            from: WAN_MAC,
            tag: None,
        };
        let expected = forwarded(&packet, &connection, link);
        assert_eq!(road.packet(&packet), Fate::Sent(expected));
    });
}

#[test]
fn frames_for_another_host_teach_nothing() {
    each(|road, connection| {
        let mut frame = addressed(&connection.packet(b"overheard"));
        frame[5] ^= 0x40;
        for _ in 0..3 {
            assert_eq!(road.frame(&frame, road.inside), Fate::Up);
        }
        assert_eq!(road.way(&connection), Way::Unknown);
        assert_mended(road, &connection);
    });
}

#[test]
fn a_device_that_is_gone_from_the_map_is_not_redirected_to() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17).to("203.0.113.53");
        // A device of its own for the VLAN's network, so that it can go.
        road.ports[2] = ravelin_datapath::CachePort {
            device: road.vlan,
            tag: None,
            ..road.ports[2]
        };
        road.set_ports();
        road.insert(&connection);
        let packet: Packet = connection.packet(b"x");
        assert_eq!(road.packet(&packet), Fate::Up);
        assert!(matches!(road.packet(&packet), Fate::Sent(_)));
        ip("link del vlan7");
        assert_eq!(road.packet(&packet), Fate::Up);
    });
}
