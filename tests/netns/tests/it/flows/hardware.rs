//! Cards that cannot forward: they get no rule, and it is told why.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ravelin_test_harness::{Datagrams, Pace, wait_until};
use serde_json::{Value, json};

use super::ground::{Ground, IN_STEP, PLAIN, Way, lab, routes};
use crate::support::feature;

const NAME: &str = "hw_offload";
/// The box's interfaces between client and server.
const INTERFACES: [&str; 2] = ["lan0", "wan0"];
/// Longer than two rounds of the thread that would put connections into cards.
const ROUNDS: Duration = Duration::from_secs(7);

/// Queueing disciplines of the box, and filters where frames come in.
fn traffic_control(ground: &Ground<'_>) -> Vec<String> {
    let router = &ground.lab.router;
    let filters = |interface| router.run("tc", &["filter", "show", "dev", interface, "ingress"]);
    let mut found = vec![router.run("tc", &["qdisc", "show"])];
    found.extend(INTERFACES.map(filters));
    found
}

/// Why the card of each interface forwards nothing. Fails where one does.
#[track_caller]
fn reasons(status: &Value) -> BTreeMap<String, String> {
    let interfaces = status["hw_offload_interfaces"].as_array();
    let interfaces = interfaces.unwrap_or_else(|| panic!("no interfaces in {status}"));
    let reason = |found: &Value| {
        assert_eq!(
            (&found["supported"], &found["installed_flows"]),
            (&json!(false), &json!(0)),
            "{status}"
        );
        let [name, reason] = ["interface", "reason"].map(|member| found[member].as_str());
        Some((name?.to_owned(), reason?.to_owned()))
    };
    let reason = |found| reason(found).unwrap_or_else(|| panic!("no reason in {status}"));
    interfaces.iter().map(reason).collect()
}

#[track_caller]
fn counter(status: &Value, name: &str) -> Value {
    let counters = status["counters"].as_array().expect("counters");
    let found = counters.iter().find(|counter| counter["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {status}"))["value"].clone()
}

#[test]
fn interfaces_without_a_card_get_no_rule() {
    let Some(lab) = lab() else { return };
    let mut ground = Ground::start(&lab);
    let shown = |ground: &Ground<'_>| feature(ground.raveld(), NAME);
    let before = traffic_control(&ground);
    assert_eq!(shown(&ground)["state"], "disabled");
    let routes = routes(Way::Plain, PLAIN, 4);
    let datagrams = Datagrams::establish(&lab.client, &lab.server, &routes, Pace::default());
    ground.offloaded(&datagrams.tuples());

    ground.raveld().switch(NAME, true);
    wait_until("it is told that no card forwards", IN_STEP, || {
        shown(&ground)["state"] == "degraded"
    });
    let status = shown(&ground);
    let reasons = reasons(&status);
    for interface in INTERFACES {
        let reason = &reasons[interface];
        assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
        let why = status["state_reason"].as_str().expect("a reason");
        assert!(why.contains(&format!("{interface}: {reason}")), "{why}");
        eprintln!("{interface}: {reason}");
    }
    for mode in ["active", "dry_run"] {
        // Every connection here is busy enough.
        let config = json!({ "mode": mode, "min_packets_per_second": 1 });
        let api = ground.raveld().api();
        api.patch(&format!("/api/v1/ebpf/features/{NAME}/config"), &config)
            .expect(200);
        let begin = Instant::now();
        while begin.elapsed() < ROUNDS {
            datagrams.go_on(3);
            let flows = api.get("/api/v1/hardware-flows").expect(200).json();
            assert_eq!(flows["items"], json!([]), "{mode}");
            assert_eq!(traffic_control(&ground), before, "{mode}");
            assert_eq!(shown(&ground)["state"], "degraded", "{mode}");
        }
        // XDP goes on with them.
        ground.offloaded(&datagrams.tuples());
    }
    let status = shown(&ground);
    for name in [
        "installs",
        "packets",
        "installed_connections",
        "supported_interfaces",
    ] {
        assert_eq!(counter(&status, name), 0, "{name}");
    }
    assert_eq!(counter(&status, "interfaces"), reasons.len());

    ground.raveld().switch(NAME, false);
    assert_eq!(shown(&ground)["state"], "disabled");
    datagrams.go_on(3);
    assert_eq!(traffic_control(&ground), before);
    ground.raveld().switch(NAME, true);
    wait_until("it is told again", IN_STEP, || {
        shown(&ground)["state"] == "degraded"
    });
    ground.engine.raveld.terminate();
    datagrams.nothing_is_lost();
    assert_eq!(traffic_control(&ground), before);
}
