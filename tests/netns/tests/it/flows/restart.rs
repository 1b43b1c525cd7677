//! Not a packet is lost while the engine comes and goes.

use std::time::Duration;

use ravelin_test_harness::{Streams, Talk, wait_until};

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
        traffic.streams.iter().for_each(Streams::none_is_cut);
    }
    ground.offloaded(&tuples);
    traffic.nothing_is_lost();
}

/// Longest until XDP forwards nothing more when nobody watches conntrack.
const WATCH: Duration = Duration::from_secs(30);

#[test]
fn without_an_engine_the_kernel_takes_over() {
    let Some(lab) = lab() else { return };
    let mut ground = Ground::start(&lab);
    let traffic = Traffic::start(&lab, 2, 600, Talk::default());
    let tuples = traffic.tuples();
    for kill in [true, false] {
        ground.offloaded(&tuples);
        if kill {
            ground.engine.raveld.kill();
        } else {
            ground.engine.raveld.terminate();
        }
        wait_until("XDP forwards nothing any more", WATCH, || {
            let before = ground.forwarded(&tuples);
            traffic.go_on();
            ground.forwarded(&tuples) == before
        });
        ground.engine.raveld.start_again();
        ground.engine.raveld.wait_ready();
        ground.in_step();
    }
    ground.offloaded(&tuples);
    traffic.nothing_is_lost();
}

#[test]
fn switching_it_off_and_on_loses_nothing() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let traffic = Traffic::start(&lab, 2, 1000, Talk::default());
    let tuples = traffic.tuples();
    // It needs to hear of connections, too.
    ground.engine.raveld.switch("flow_records", false);
    for _ in 0..repetitions(2, 20) {
        ground.offloaded(&tuples);
        ground.engine.raveld.switch("flow_offload", false);
        let before = ground.forwarded(&tuples);
        traffic.go_on();
        assert_eq!(ground.forwarded(&tuples), before, "it is switched off");
        // What is kept in step for it goes with it, and comes back with it.
        ground.engine.raveld.switch("conntrack_sync", false);
        wait_until("the cache is empty", WATCH, || ground.cache().is_empty());
        traffic.go_on();
        ground.engine.raveld.switch("conntrack_sync", true);
        ground.engine.raveld.switch("flow_offload", true);
        ground.in_step();
    }
    ground.offloaded(&tuples);
    traffic.nothing_is_lost();
}
