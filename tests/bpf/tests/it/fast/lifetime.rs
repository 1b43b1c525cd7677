//! Packets that keep the kernel's knowledge alive, and flows that were idle.

use std::time::Duration;

use ravelin_datapath::{Inserted, Path as Way};
use ravelin_test_harness::eventually;

use super::road::{Connection, Fate, LONG, Road};

const PATIENCE: Duration = Duration::from_secs(10);

/// Shorter than the coarse clock's ticks tell: everything is due.
const NOTHING: Duration = Duration::from_nanos(1);

#[test]
fn one_packet_of_each_period_goes_up() {
    const PERIOD: Duration = Duration::from_millis(300);
    for (family, protocol) in [(4, 6), (6, 17)] {
        Road::run(|mut road| {
            let connection = Connection::new(family, protocol);
            road.insert(&connection);
            road.set_timing(PERIOD, LONG);
            road.warm(&connection);
            let packet = connection.packet(b"alive");
            let mut went_up = 0;
            let started = std::time::Instant::now();
            while started.elapsed() < 4 * PERIOD {
                match road.packet(&packet) {
                    Fate::Up => went_up += 1,
                    Fate::Sent(_) => {}
                }
            }
            // As many as whole periods have begun; of a test that was held up, fewer.
            let most = u32::try_from(started.elapsed().as_nanos() / PERIOD.as_nanos()).unwrap() + 1;
            assert!((1..=most).contains(&went_up), "{went_up} of at most {most}");
        });
    }
}

#[test]
fn directions_are_refreshed_each_for_itself() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        assert_eq!(road.packet(&connection.packet(b"1")), Fate::Up);
        assert!(matches!(road.packet(&connection.packet(b"2")), Fate::Sent(_)));
        assert_eq!(road.packet(&connection.answer(b"1")), Fate::Up);
        assert!(matches!(road.packet(&connection.answer(b"2")), Fate::Sent(_)));
    });
}

#[test]
fn the_way_is_learned_again_with_every_refresh() {
    Road::run(|mut road| {
        let connection = Connection::new(6, 17);
        road.insert(&connection);
        road.warm(&connection);
        crate::datapath::rig::ip("-6 route add prohibit 2001:db8:2::53/128");
        let packet = connection.packet(b"x");
        assert!(matches!(road.packet(&packet), Fate::Sent(_)));
        road.set_timing(NOTHING, LONG);
        let refused = eventually(PATIENCE, || {
            let _ = road.packet(&packet);
            matches!(road.way(&connection), Way::Refused(_)).then_some(())
        });
        assert!(refused.is_some());
    });
}

#[test]
fn an_idle_flow_goes_up_until_it_is_inserted_again() {
    for (family, protocol) in [(4, 17), (6, 6)] {
        Road::run(|mut road| {
            let connection = Connection::new(family, protocol);
            road.insert(&connection);
            road.warm(&connection);
            let packet = connection.packet(b"after a pause");
            road.set_timing(NOTHING, NOTHING);
            let idle = eventually(PATIENCE, || {
                let _ = road.packet(&packet);
                (road.way(&connection) == Way::Ended).then_some(())
            });
            assert!(idle.is_some());
            road.set_timing(LONG, LONG);
            for _ in 0..3 {
                assert_eq!(road.packet(&packet), Fate::Up);
            }
            // The other direction was not idle.
            assert!(matches!(road.packet(&connection.answer(b"x")), Fate::Sent(_)));
            let flow = ravelin_datapath::CachedFlow {
                connection: 1,
                original: connection.original,
                reply: connection.reply,
                counter: 0,
            };
            assert_eq!(road.parts.cache.insert(&flow), Inserted::Known);
            assert_eq!(road.packet(&packet), Fate::Up);
            assert!(matches!(road.packet(&packet), Fate::Sent(_)));
        });
    }
}
