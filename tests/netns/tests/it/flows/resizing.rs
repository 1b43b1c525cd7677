//! Connections live on while the flow cache becomes greater and smaller below them.

use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Request, Setup, Streams, Talk, Tuple, eventually};
use serde_json::{Value, json};

use super::counters::{check, establish};
use super::ground::{Ground, THIRD, Way, lab, routes};
use crate::support::{feature, number, repetitions};

/// Longest until the cache is of another size.
const RESIZED: Duration = Duration::from_secs(30);

/// Connections of each family the cache has room for, one after the other.
const SIZES: [u64; 5] = [8192, 512, 20_000, 256, 1000];

/// A counter or gauge of `conntrack_sync`.
#[track_caller]
fn counter(ground: &Ground<'_>, name: &str) -> u64 {
    let feature = feature(ground.raveld(), "conntrack_sync");
    let counters = feature["counters"].as_array().expect("counters");
    let found = counters.iter().find(|counter| counter["name"] == name);
    number(&found.unwrap_or_else(|| panic!("no {name} in {counters:?}"))["value"])
}

#[track_caller]
fn tuning(ground: &Ground<'_>) -> Value {
    ground.raveld().api().get("/api/v1/tuning").expect(200).json()
}

/// Has the cache be of this size and no other, and waits until it is.
#[track_caller]
fn resize(ground: &Ground<'_>, connections: u64) {
    let limits = json!({
        "mode": "auto",
        "limits": { "flow_cache_connections": { "min": connections, "max": connections } },
    });
    let patch = Request::new(Method::PATCH, "/api/v1/tuning").header("if-match", "*");
    ground.engine.ask(&patch.json(&limits)).expect(200);
    let resized = eventually(RESIZED, || {
        (counter(ground, "capacity_entries") == connections).then_some(())
    });
    assert!(
        resized.is_some(),
        "it is not of {connections}: {}",
        tuning(ground)
    );
}

#[test]
fn resizing_under_traffic_loses_nothing_and_counts_everything() {
    let Some(lab) = lab() else { return };
    let setup = Setup {
        config: "[capacity]\ncached_connections = 1000".to_owned(),
        ..Setup::default()
    };
    let mut ground = Ground::start_with(&lab, setup);
    let all = establish(&lab, repetitions(500, 3000));
    let talk = Talk {
        bytes: 2000,
        interval: Duration::from_millis(50),
    };
    // By a rule of their own: how many packets they make is TCP's business.
    let out = [routes(Way::Plain, THIRD, 3), routes(Way::Masqueraded, THIRD, 2)].concat();
    let streams = Streams::connect(&lab.client, &lab.server, &out, talk);
    let tuples: Vec<Tuple> = (all.iter().flat_map(|(.., datagrams)| datagrams.tuples()))
        .chain(streams.tuples())
        .collect();
    let go_on = || {
        all.iter().for_each(|(.., datagrams)| datagrams.go_on(20));
        streams.go_on(2);
    };
    ground.offloaded(&tuples);
    let sizes = SIZES.into_iter().cycle();
    for (round, size) in (1..=repetitions(5, 50)).zip(sizes) {
        go_on();
        resize(&ground, size);
        go_on();
        ground.offloaded(&tuples);
        streams.none_is_cut();
        check(&ground, &all, &format!("round {round}, with room for {size}"));
        assert_eq!(counter(&ground, "moves"), u64::from(round));
        eprintln!(
            "room for {size}: XDP paused for {} us",
            counter(&ground, "last_pause_microseconds")
        );
        for (name, value) in [("readings", 1), ("overruns", 0), ("drifted_entries", 0)] {
            assert_eq!(counter(&ground, name), value, "round {round}: {name}");
        }
    }
    // Who comes next finds the cache as it is.
    let size = counter(&ground, "capacity_entries");
    ground.engine.raveld.kill();
    go_on();
    ground.engine.raveld.start_again();
    ground.engine.raveld.wait_ready();
    ground.in_step();
    assert_eq!(counter(&ground, "capacity_entries"), size);
    ground.offloaded(&tuples);
    check(&ground, &all, "started again");
    for (.., datagrams) in &all {
        datagrams.nothing_is_lost();
    }
    eprintln!("{} bytes of TCP there and back", streams.close());
}
