//! Hits and misses of the flow cache.

use std::time::Duration;

use ravelin_datapath::{CacheLookups, Datapath as _, Switches};
use ravelin_test_harness::packet::{Packet, Transport};

use super::road::{Connection, FAST, Fate, Road};
use crate::datapath::rig::target;

const COUNTED: Switches = Switches {
    statistics: true,
    ..FAST
};

fn lookups(road: &Road) -> (u64, u64) {
    let CacheLookups { hits, misses } = road.parts.datapath.cache_lookups().unwrap();
    (hits, misses)
}

/// A segment with other flags.
fn segment(packet: Packet, flags: u8) -> Packet {
    let Transport::Tcp(mut tcp) = packet.transport else {
        panic!("{packet:?} is no segment");
    };
    tcp.flags = flags;
    Packet {
        transport: Transport::Tcp(tcp),
        ..packet
    }
}

#[test]
fn what_is_forwarded_hits_and_what_could_be_but_is_not_there_misses() {
    for (family, protocol) in [(4, 6), (4, 17), (6, 6), (6, 17)] {
        Road::run(|mut road| {
            road.switch(COUNTED);
            let connection = Connection::new(family, protocol);
            let stranger = connection.by_port(5);
            road.insert(&connection);
            road.warm(&connection);
            assert_eq!(lookups(&road), (0, 0), "it is there and goes up");
            for _ in 0..3 {
                assert!(matches!(road.packet(&connection.packet(b"on")), Fate::Sent(_)));
            }
            for _ in 0..5 {
                assert_eq!(road.packet(&stranger.packet(b"who")), Fate::Up);
            }
            assert_eq!(lookups(&road), (3, 5), "IPv{family} {protocol}");
        });
    }
}

#[test]
fn what_the_cache_is_not_for_neither_hits_nor_misses() {
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    for family in [4, 6] {
        Road::run(|mut road| {
            road.switch(COUNTED);
            let stranger = Connection::new(family, 6);
            for flags in [SYN, SYN | ACK, RST, RST | ACK] {
                let packet = segment(stranger.packet(b""), flags);
                assert_eq!(road.packet(&packet), Fate::Up);
            }
            let last = Packet {
                ttl: 1,
                ..stranger.packet(b"expires")
            };
            assert_eq!(road.packet(&last), Fate::Up);
            assert_eq!(lookups(&road), (0, 0));

            // What it cannot forward now, it does not miss.
            let check = |road: &Road, expected| {
                assert_eq!(road.packet(&stranger.packet(b"who")), Fate::Up);
                assert_eq!(lookups(road), expected);
            };
            road.parts.cache.halt().unwrap();
            check(&road, (0, 0));
            road.parts.cache.keep_alive(Duration::from_secs(3600));
            check(&road, (0, 1));
            // Hits are not counted either.
            road.switch(FAST);
            check(&road, (0, 1));
            road.switch(Switches {
                flow_offload: false,
                ..COUNTED
            });
            check(&road, (0, 1));
        });
    }
}

#[test]
fn hits_of_an_interface_stay_when_it_goes() {
    Road::run(|mut road| {
        road.switch(COUNTED);
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        road.warm(&connection);
        let hit = |road: &Road| {
            assert!(matches!(road.packet(&connection.packet(b"on")), Fate::Sent(_)));
        };
        hit(&road);
        hit(&road);
        road.parts.datapath.detach(road.inside).unwrap();
        assert_eq!(lookups(&road), (2, 0));
        // Another takes its row.
        road.parts.datapath.attach(&target("vlan7")).unwrap();
        assert_eq!(lookups(&road), (2, 0));
        road.parts.datapath.attach(&target("in0")).unwrap();
        hit(&road);
        assert_eq!(lookups(&road), (3, 0));
    });
}
