//! A new engine that finds nothing but the kernel's connections has them all.

use ravelin_test_harness::{FlowMaps, Talk};

use super::api;
use super::ground::{Ground, Traffic, lab};
use crate::support::repetitions;

#[test]
fn a_fresh_engine_inherits_every_connection() {
    let Some(lab) = lab() else { return };
    let mut ground = Ground::start(&lab);
    // Three ways in two families: a thousand of each protocol in the long form.
    let each = usize::try_from(repetitions(20, 167)).expect("a number");
    let traffic = Traffic::start(&lab, each, 2000, Talk::default());
    let tuples = traffic.tuples();
    ground.offloaded(&tuples);
    let before = ground.tracked(&tuples);

    ground.engine.raveld.kill();
    ground.engine.raveld.remove_pins();
    assert!(!ground.engine.raveld.bpffs().join("ravelin").exists());
    traffic.go_on();
    ground.engine.raveld.start_again();
    ground.engine.raveld.wait_ready();
    ground.in_step();

    traffic.go_on();
    traffic
        .streams
        .iter()
        .for_each(ravelin_test_harness::Streams::none_is_cut);
    let after = ground.tracked(&tuples);
    for (original, tracked) in &before {
        assert_eq!(after[original].reply, tracked.reply, "{original}");
    }
    // Beside the kernel's own words: the maps byte by byte, and the API.
    ground.offloaded(&tuples);
    let cached = FlowMaps::open(&ground.raveld().bpffs()).flows().len();
    assert!(
        cached >= 2 * tuples.len(),
        "{cached} directions of {} connections",
        tuples.len()
    );
    api::tells(&ground, &tuples);
    for streams in traffic.streams {
        streams.close();
    }
}
