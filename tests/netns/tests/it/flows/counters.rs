//! Every packet is counted once, whoever forwards it.

use std::collections::BTreeMap;
use std::time::Duration;

use ravelin_test_harness::{Datagrams, FlowTally, Lab, Pace, Route, Tuple, eventually};
use serde_json::Value;

use super::api;
use super::ground::{Ground, OTHER, PLAIN, PUBLISHED, Way, lab, routes};
use crate::support::{number, repetitions};

const PAYLOAD: usize = 100;
/// Longest until all that was sent is counted.
const COUNTED: Duration = Duration::from_secs(10);

/// Packets, and bytes from the IP header on.
type Count = (u64, u64);

fn add(sum: &mut Count, packets: u64, bytes_each: u64) {
    *sum = (sum.0 + packets, sum.1 + packets * bytes_each);
}

/// IP and UDP headers and payload.
fn length(tuple: &Tuple) -> u64 {
    let header = if tuple.source.0.is_ipv4() { 20 } else { 40 };
    header + 8 + u64::try_from(PAYLOAD).expect("a length")
}

/// What must have been counted: by flow, by rule, and by interface, direction and protocol.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    flows: BTreeMap<Tuple, [Count; 2]>,
    rules: BTreeMap<&'static str, Count>,
    /// Bytes of frames.
    cells: BTreeMap<(&'static str, &'static str, &'static str), Count>,
}

impl Expected {
    fn add(&mut self, rule: &'static str, ports: [&'static str; 2], tuple: Tuple, tally: &FlowTally) {
        let each = length(&tuple);
        let both = [
            (tally.sent, each * tally.sent),
            (tally.returned, each * tally.returned),
        ];
        self.flows.insert(tuple, both);
        add(
            self.rules.entry(rule).or_default(),
            tally.sent + tally.returned,
            each,
        );
        let protocol = if tuple.source.0.is_ipv4() {
            "ipv4_udp"
        } else {
            "ipv6_udp"
        };
        let [near, far] = ports;
        for (port, direction, packets) in [
            (near, "ingress", tally.sent),
            (far, "egress", tally.sent),
            (far, "ingress", tally.returned),
            (near, "egress", tally.returned),
        ] {
            let cell = self.cells.entry((port, direction, protocol)).or_default();
            add(cell, packets, each + 14);
        }
    }
}

/// What the engine says of the same.
fn told(ground: &Ground<'_>, expected: &Expected) -> Expected {
    let flows = api::flows(ground, "protocol=udp");
    let flows = flows.iter().map(|flow| (flow.original, flow.counts));
    let rules = ground.engine.items("rules");
    let hits = |name: &&'static str| {
        let rule = rules.iter().find(|rule| rule["name"] == *name).expect("a rule");
        (
            *name,
            (number(&rule["hits"]["packets"]), number(&rule["hits"]["bytes"])),
        )
    };
    let statistics = ground.raveld().api().get("/api/v1/ebpf/stats").expect(200).json();
    let interfaces = statistics["interfaces"].as_array().expect("interfaces");
    let cell = |key: &(&'static str, &'static str, &'static str)| {
        let (port, direction, protocol) = *key;
        let cells = interfaces.iter().filter(|one| one["interface"] == port);
        let cells = cells.flat_map(|one| one["cells"].as_array().expect("cells"));
        // Forwarded by XDP, or by the kernel.
        let fitting = cells.filter(|cell| {
            cell["direction"] == direction && cell["protocol"] == protocol && cell["verdict"] == "pass"
        });
        let count = fitting.fold((0, 0), |(packets, bytes), cell| {
            (packets + number(&cell["packets"]), bytes + number(&cell["bytes"]))
        });
        (*key, count)
    };
    Expected {
        flows: flows
            .filter(|(tuple, _)| expected.flows.contains_key(tuple))
            .collect(),
        rules: expected.rules.keys().map(hits).collect(),
        cells: expected.cells.keys().map(cell).collect(),
    }
}

/// Frames the kernel says came in by an interface.
fn received(lab: &Lab, port: &str) -> u64 {
    let text = lab
        .router
        .run("ip", &["-statistics", "-json", "link", "show", port]);
    let links: Value = serde_json::from_str(&text).expect("JSON");
    number(&links[0]["stats64"]["rx"]["packets"])
}

/// Frames the statistics say came in by it.
fn seen(ground: &Ground<'_>, port: &str) -> u64 {
    let statistics = ground.raveld().api().get("/api/v1/ebpf/stats").expect(200).json();
    let interfaces = statistics["interfaces"].as_array().expect("interfaces");
    let cells = interfaces.iter().filter(|one| one["interface"] == port);
    let cells = cells.flat_map(|one| one["cells"].as_array().expect("cells"));
    cells
        .filter(|cell| cell["direction"] == "ingress")
        .map(|cell| number(&cell["packets"]))
        .sum()
}

/// Frames that came in by an interface without the engine: before it was there. None where one comes in meanwhile.
fn unseen(lab: &Lab, ground: &Ground<'_>, port: &str) -> Option<u64> {
    let read = || (seen(ground, port), received(lab, port), seen(ground, port));
    let (before, received, after) = read();
    // The kernel counts a frame a little later than XDP.
    let still = before == after && read() == (before, received, after);
    if still { received.checked_sub(before) } else { None }
}

/// Datagrams: the rule they pass by, the ports of the box next to who sends and who answers, and themselves.
pub type Counted = (&'static str, [&'static str; 2], Datagrams);

/// Datagrams of every way and family, so many a second of each rule.
#[track_caller]
pub fn establish(lab: &Lab, rate: u32) -> [Counted; 3] {
    let pace = Pace {
        rate,
        payload_bytes: PAYLOAD,
        windowed: true,
    };
    let out =
        |port| -> Vec<Route> { [routes(Way::Plain, port, 2), routes(Way::Masqueraded, port, 2)].concat() };
    let (client, server) = (&lab.client, &lab.server);
    let inwards = routes(Way::Published, PUBLISHED, 2);
    [
        (
            "plain",
            ["lan0", "wan0"],
            Datagrams::establish(client, server, &out(PLAIN), pace),
        ),
        (
            "other",
            ["lan0", "wan0"],
            Datagrams::establish(client, server, &out(OTHER), pace),
        ),
        (
            "published",
            ["wan0", "lan0"],
            Datagrams::establish(server, client, &inwards, pace),
        ),
    ]
}

#[test]
fn every_datagram_is_counted_once() {
    let Some(lab) = lab() else { return };
    let mut ground = Ground::start(&lab);
    let earlier: BTreeMap<&str, u64> = ["lan0", "wan0"]
        .map(|port| {
            let frames = eventually(COUNTED, || unseen(&lab, &ground, port));
            (port, frames.expect("a moment without frames"))
        })
        .into();
    let all = establish(&lab, repetitions(500, 3000));
    let tuples: Vec<Tuple> = all
        .iter()
        .flat_map(|(.., datagrams)| datagrams.tuples())
        .collect();
    let go_on = || all.iter().for_each(|(.., datagrams)| datagrams.go_on(20));
    for round in 0..repetitions(3, 20) {
        ground.offloaded(&tuples);
        check(&ground, &all, &format!("round {round}, by XDP"));
        ground.engine.raveld.switch("flow_offload", false);
        go_on();
        check(&ground, &all, &format!("round {round}, switched off"));
        ground.engine.raveld.switch("flow_offload", true);
        go_on();
        if round % 2 == 0 {
            ground.engine.raveld.kill();
        } else {
            ground.engine.raveld.terminate();
        }
        go_on();
        ground.engine.raveld.start_again();
        ground.engine.raveld.wait_ready();
        ground.in_step();
        go_on();
        check(&ground, &all, &format!("round {round}, started again"));
    }
    // Ends them, so that the two can be compared.
    all.iter().for_each(|(.., datagrams)| {
        datagrams.nothing_is_lost();
    });
    for (port, earlier) in earlier {
        let equal = eventually(COUNTED, || {
            (unseen(&lab, &ground, port)? == earlier).then_some(())
        });
        let (kernel, engine) = (received(&lab, port), seen(&ground, port));
        assert!(
            equal.is_some(),
            "{port}: the kernel received {kernel} frames, {earlier} of them before the engine; it saw {engine}"
        );
    }
}

/// Lets all that is under way arrive, compares, and goes on.
#[track_caller]
pub fn check(ground: &Ground<'_>, all: &[Counted], when: &str) {
    let mut expected = Expected::default();
    for (rule, ports, datagrams) in all {
        for (tuple, tally) in datagrams.tuples().into_iter().zip(datagrams.settle()) {
            expected.add(rule, *ports, tuple, &tally);
        }
    }
    let mut last = Expected::default();
    let equal = eventually(COUNTED, || {
        last = told(ground, &expected);
        (last == expected).then_some(())
    });
    if equal.is_none() {
        difference(when, "flow", &expected.flows, &last.flows);
        difference(when, "rule", &expected.rules, &last.rules);
        difference(when, "statistics", &expected.cells, &last.cells);
    }
    all.iter().for_each(|(.., datagrams)| datagrams.resume());
}

#[track_caller]
fn difference<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    when: &str,
    what: &str,
    expected: &BTreeMap<K, V>,
    told: &BTreeMap<K, V>,
) {
    for (key, expected) in expected {
        let told = told.get(key);
        assert_eq!(told, Some(expected), "{when}: {what} {key:?}");
    }
}
