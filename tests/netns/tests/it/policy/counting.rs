//! Packets sent are packets counted, whatever happens to the policy and to the engine meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use ravelin_test_harness::eventually;
use serde_json::{Value, json};

use super::case::Group;
use super::draft::{rule, tcp, udp as udp_ports};
use super::engine::{Mode, create};
use super::ground::{Ground, crossing};
use super::shot::*;
use super::traffic::{Kind, Tally, kinds, stream};
use crate::support::{number, repetitions};

/// New connections of each kind a second.
const RATE: u32 = 100;

fn group() -> Group {
    let group = Group::new("counted")
        .pair("lan", "wan", "drop")
        .pair("dmz", "wan", "accept")
        .rule(
            rule("accepted")
                .from("lan")
                .to("wan")
                .service(tcp(&["80"]))
                .service(udp_ports(&["80"]))
                .accept(),
        )
        .rule(
            rule("dropped")
                .from("lan")
                .to("wan")
                .service(tcp(&["81"]))
                .service(udp_ports(&["81"]))
                .drop(),
        )
        .rule(
            rule("rejected")
                .from("lan")
                .to("wan")
                .service(udp_ports(&["82"]))
                .reject(),
        );
    (0..100).fold(group, |group, number| {
        let port = (3000 + number).to_string();
        group.rule(
            rule(&format!("other {number}"))
                .from("lan")
                .to("wan")
                .service(tcp(&[&port]))
                .drop(),
        )
    })
}

/// Each kind of packet with the line it counts on.
fn counted() -> Vec<(&'static str, Shot)> {
    vec![
        ("rule accepted", syn(LAN, WAN, 80)),
        ("rule accepted", udp(LAN, WAN, 80)),
        ("rule dropped", syn(LAN, WAN, 81)),
        ("rule dropped", udp(LAN, WAN, 81)),
        ("rule rejected", udp(LAN, WAN, 82)),
        ("pair lan wan", syn(LAN, WAN, 83)),
        ("pair dmz wan", syn(DMZ, WAN, 83)),
    ]
}

/// Packets and bytes of rules and zone pairs.
fn hits(ground: &Ground<'_>) -> BTreeMap<String, (u64, u64)> {
    let count = |item: &Value| (number(&item["hits"]["packets"]), number(&item["hits"]["bytes"]));
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let rules = ground.engine.items("rules");
    let pairs = ground.engine.items("zone-pairs");
    let rules = rules
        .iter()
        .map(|rule| (format!("rule {}", text(&rule["name"])), count(rule)));
    let pairs = pairs.iter().map(|pair| {
        let name = format!("pair {} {}", text(&pair["from_name"]), text(&pair["to_name"]));
        (name, count(pair))
    });
    rules.chain(pairs).collect()
}

/// Has packets flow while `work` is at work, then compares what was sent with what was counted.
#[track_caller]
fn check(ground: &mut Ground<'_>, what: &str, work: impl FnOnce(&mut Ground<'_>)) {
    let crossing = ground.crossing;
    let (lines, shots): (Vec<_>, Vec<_>) = counted().into_iter().unzip();
    let kinds: Vec<Kind> = kinds(&shots);
    let before = hits(ground);
    let stop = AtomicBool::new(false);
    let passes = |index: usize| matches!(lines[index / 2], "rule accepted" | "pair dmz wan");
    let arrived = |tallies: &[Tally]| {
        tallies
            .iter()
            .enumerate()
            .all(|(index, tally)| !passes(index) || tally.received == tally.sent)
    };
    let tallies = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| stream(crossing, &kinds, RATE, &stop, arrived));
        work(ground);
        stop.store(true, Ordering::Relaxed);
        traffic.join().expect("traffic")
    });
    let mut expected: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (index, tally) in tallies.iter().enumerate() {
        let line = expected.entry(lines[index / 2]).or_default();
        *line = (line.0 + tally.sent, line.1 + tally.bytes);
        let arrives = if passes(index) { tally.sent } else { 0 };
        assert_eq!(tally.received, arrives, "{what}: {:?}", kinds[index]);
    }
    let mut seen = BTreeMap::new();
    let right = eventually(std::time::Duration::from_secs(5), || {
        let now = hits(ground);
        seen = expected
            .keys()
            .map(|line| {
                let (now, before) = (now[*line], before[*line]);
                (*line, (now.0 - before.0, now.1 - before.1))
            })
            .collect();
        (seen == expected).then_some(())
    });
    assert!(right.is_some(), "{what}: counted {seen:?}, sent {expected:?}");
    assert!(
        expected.values().all(|(packets, _)| *packets > 0),
        "{what}: {expected:?}"
    );
}

/// Waits until some packets have passed: what follows happens in the middle of traffic.
fn go_on(ground: &Ground<'_>) {
    let packets = |ground: &Ground<'_>| hits(ground)["rule accepted"].0;
    let before = packets(ground);
    let more = eventually(std::time::Duration::from_secs(5), || {
        (packets(ground) > before + 50).then_some(())
    });
    more.expect("packets flow");
}

#[test]
fn counters_are_exact_through_commits_and_restarts() {
    let Some(crossing) = crossing() else { return };
    let mut ground = Ground::start(&crossing);
    ground.engine.apply(&group());
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        check(&mut ground, "nothing happens", |ground| go_on(ground));
        check(&mut ground, "commits", |ground| {
            for round in 0..repetitions(20, 100) {
                let passing = rule("passing through").from("wan").to("lan").drop();
                let id = ground.engine.rule_id(&format!("other {}", round % 100));
                let change = json!({ "comment": format!("round {round}"), "log": round % 2 == 0 });
                let answer = ground.engine.change(&[
                    create("rule", &passing.value()),
                    json!({ "op": "update", "kind": "rule", "id": id, "value": change }),
                    json!({ "op": "move", "kind": "rule", "id": id, "value": { "to": "first" } }),
                ]);
                let passing = answer["results"][0]["id"].as_str().expect("id");
                ground
                    .engine
                    .change(&[json!({ "op": "delete", "kind": "rule", "id": passing })]);
            }
        });
        check(&mut ground, "SIGTERM", |ground| {
            go_on(ground);
            ground.engine.raveld.terminate();
            ground.engine.raveld.start_again();
            ground.engine.raveld.wait_ready();
            go_on(ground);
        });
        check(&mut ground, "kill -9", |ground| {
            go_on(ground);
            ground.engine.raveld.kill();
            ground.engine.raveld.start_again();
            ground.engine.raveld.wait_ready();
            go_on(ground);
        });
    }
    check(&mut ground, "the classifier is switched", |ground| {
        for _ in 0..repetitions(5, 20) {
            for mode in Mode::ALL {
                ground.engine.judge_by(mode);
            }
        }
    });
}
