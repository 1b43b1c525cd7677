//! How fast a change acts.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::draft::{addresses, rule, tcp};
use super::engine::{Mode, create};
use super::ground::{Ground, crossing};
use super::shot::*;
use crate::support::{optimised, repetitions};

/// Operations of one request: its body has a limit.
const BATCH: usize = 2_500;
/// Rule change to the first packet it drops, and G8.
const LIMIT: Duration = Duration::from_millis(100);

fn many(count: u32) -> Vec<Value> {
    (0..count)
        .map(|number| {
            let net = format!("10.{}.{}.0/24", 100 + number / 250, number % 250);
            let net6 = format!("2001:db8:{number:x}::/48");
            let port = (1024 + number % 60_000).to_string();
            let rule = rule(&format!("rule {number}"))
                .from("lan")
                .to("wan")
                .service(tcp(&[&port]));
            let rule = rule.destination(addresses(&[&net, &net6]));
            create(
                "rule",
                &if number % 3 == 0 {
                    rule.drop()
                } else {
                    rule.accept()
                }
                .value(),
            )
        })
        .collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn a_commit_of_one_rule_among_many() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground.engine.apply_rules(&[rule("switched")
        .from("lan")
        .to("wan")
        .service(tcp(&["80"]))
        .accept()]);
    let id = ground.engine.rule_id("switched");
    // G8 is about the long form.
    let rules = repetitions(1_000, 10_000);
    for batch in many(rules).chunks(BATCH) {
        ground.engine.change(batch);
    }
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let mut times = Vec::new();
        let mut steps = Value::Null;
        for round in 0..repetitions(5, 21) {
            let action = if round % 2 == 0 { "drop" } else { "accept" };
            let start = Instant::now();
            let answer = ground.engine.change(&[
                json!({ "op": "update", "kind": "rule", "id": id, "value": { "action": action } }),
            ]);
            times.push(start.elapsed());
            steps = answer["steps"].clone();
            let shot = syn(LAN, WAN, 80);
            let shot = if round % 2 == 0 {
                shot.dropped("switched")
            } else {
                shot.passes("switched")
            };
            let outcome = ground.prober.fire(&shot, 4, ground.prober.own_port());
            super::prober::judge(&shot, &outcome).expect("the answer comes when the rule is in force");
        }
        let commit = median(times);
        eprintln!("{mode:?}: commit of one rule among {rules}: {commit:?}; {steps}");
        if optimised() {
            assert!(commit <= LIMIT, "{mode:?}: {commit:?}");
        }
    }
    let text = crossing.router.run("nft", &["list", "table", "inet", "ravelin"]);
    let file = crossing.dir.join("ravelin.nft");
    std::fs::write(&file, format!("flush ruleset\n{text}")).expect("policy as text");
    let start = Instant::now();
    crossing.far.run("nft", &["-f", &file.display().to_string()]);
    eprintln!(
        "nft -f of the same policy: {:?}, {} bytes",
        start.elapsed(),
        text.len()
    );
}

#[test]
fn a_rule_drops_within_a_hundred_milliseconds() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground
        .engine
        .apply_rules(&[rule("web").from("lan").to("wan").accept()]);
    let id = ground.engine.rule_id("web");
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let mut times = Vec::new();
        for _ in 0..repetitions(5, 21) {
            let set = |action: &str| {
                ground.engine.change(&[
                    json!({ "op": "update", "kind": "rule", "id": id, "value": { "action": action } }),
                ]);
            };
            set("accept");
            let shot = syn(LAN, WAN, 80).dropped("web");
            let dropped = |_: &()| {
                let outcome = ground.prober.fire(&shot, 4, ground.prober.own_port());
                super::prober::judge(&shot, &outcome).is_ok()
            };
            assert!(!dropped(&()));
            let start = Instant::now();
            let took = std::thread::scope(|scope| {
                let request = scope.spawn(|| {
                    let operation = json!({ "op": "update", "kind": "rule", "id": id,
                        "value": { "action": "drop" } });
                    let body = json!({ "operations": [operation] });
                    ground
                        .engine
                        .raveld
                        .api()
                        .post("/api/v1/changes", &body)
                        .expect(200);
                });
                while !dropped(&()) {
                    assert!(start.elapsed() < Duration::from_secs(10), "nothing is dropped");
                }
                let took = start.elapsed();
                request.join().expect("the request");
                took
            });
            times.push(took);
        }
        let took = median(times);
        eprintln!("{mode:?}: rule change to the first dropped packet: {took:?}");
        assert!(took <= LIMIT, "{mode:?}: {took:?}");
    }
}
