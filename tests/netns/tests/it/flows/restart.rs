//! Not a packet is lost while the engine comes and goes.

use ravelin_test_harness::Talk;
use std::time::Duration;

use super::ground::{Ground, Traffic, lab};
use crate::support::repetitions;

#[test]
fn restarts_kills_and_upgrades_lose_nothing() {
    let Some(lab) = lab() else { return };
    let mut ground = Ground::start(&lab);
    // The long form: 102 TCP connections, 10,000 datagrams a second.
    let each = usize::try_from(repetitions(4, 17)).expect("a number");
    let talk = Talk {
        bytes: 2000,
        interval: Duration::from_millis(100),
    };
    let traffic = Traffic::start(&lab, each, repetitions(2000, 10_000), talk);
    let tuples = traffic.tuples();
    ground.offloaded(&tuples);
    for round in 0..repetitions(4, 50) {
        match round % 4 {
            0 | 2 => ground.engine.raveld.kill(),
            _ => ground.engine.raveld.terminate(),
        }
        if round % 4 == 2 {
            ground.engine.raveld.upgrade(&format!("raveld-{round}"));
        }
        traffic.go_on();
        ground.engine.raveld.start_again();
        ground.engine.raveld.wait_ready();
        ground.in_step();
        traffic.go_on();
        traffic
            .streams
            .iter()
            .for_each(ravelin_test_harness::Streams::none_is_cut);
    }
    ground.offloaded(&tuples);
    traffic.nothing_is_lost();
}
