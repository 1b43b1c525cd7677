//! Every answer to a change of the policy says what it means for live connections.

use std::time::Duration;

use http::Method;
use ravelin_model::{CutFlow, FlowTuple, LiveFlows, VerdictLine, protocol};
use ravelin_test_harness::{Answer, Request};
use serde_json::{Value, json};

use super::{change, header, id, made, rule, zones};
use crate::world::World;

/// Two of seven are cut.
fn two_of_seven() -> LiveFlows {
    let original = FlowTuple {
        source: "2001:db8::7".parse().expect("address"),
        destination: "2001:db8:1::9".parse().expect("address"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: 443,
    };
    let cut = CutFlow {
        original,
        reply: original.inverted(),
        from_zone: Some("zon_a".parse().expect("id")),
        to_zone: None,
        line: VerdictLine::UnwrittenPair,
    };
    LiveFlows {
        kept: 5,
        cut: 2,
        unjudged: 1,
        sample: vec![cut],
        duration: Duration::from_millis(12),
    }
}

fn shown() -> Value {
    let (there, here) = ("2001:db8:1::9", "2001:db8::7");
    json!({
        "kept": 5, "cut": 2, "unjudged": 1, "duration_ms": 12,
        "sample": [{
            "protocol": 6,
            "original": {
                "source": here, "destination": there, "source_port": 40_000, "destination_port": 443
            },
            "reply": {
                "source": there, "destination": here, "source_port": 443, "destination_port": 40_000
            },
            "from_zone": "zon_a",
            "origin": "unwritten_pair"
        }]
    })
}

#[track_caller]
fn check_told(answer: &Answer) {
    assert_eq!(answer.json()["live_flows"], shown(), "{}", answer.text());
    assert_eq!(answer.json().get("live_flows_problem"), None);
}

#[test]
fn answers_to_changes_say_what_they_mean_for_live_connections() {
    let world = World::judging(Ok(two_of_seven()));
    zones(&world);
    let made = made(
        &world,
        "/api/v1/rules",
        &json!({"name": "web", "action": "accept"}),
    );
    assert_eq!(made["live_flows"], shown());
    let place = format!("/api/v1/rules/{}", id(&made));
    let answer = change(&world, Method::PATCH, &place, &json!({"log": true}));
    check_told(&answer);
    assert_eq!(header(&answer, "ravelin-live-flows"), "kept=5, cut=2, unjudged=1");
    let other = json!({"name": "web", "action": "drop"});
    check_told(&change(&world, Method::PUT, &place, &other));
    let again = change(&world, Method::PUT, &place, &other).expect(200).json();
    assert_eq!(again.get("live_flows"), None, "nothing changed: {again}");
    let read = world.admin().get(&place).expect(200).json();
    assert_eq!(
        read.get("live_flows"),
        None,
        "nothing was asked to change: {read}"
    );
    rule(&world, "mail", &json!({}));
    let path = format!("{place}/move");
    check_told(&change(&world, Method::POST, &path, &json!({"to": "last"})));
    let deleted = change(&world, Method::DELETE, &place, &Value::Null).expect(204);
    assert_eq!(
        header(&deleted, "ravelin-live-flows"),
        "kept=5, cut=2, unjudged=1"
    );
    let zone = Request::new(Method::POST, "/api/v1/zones")
        .header("prefer", "dry-run")
        .json(&json!({"name": "dmz"}));
    check_told(&world.admin().send(&zone).expect(200));
    let changes = json!({"operations": [
        {"op": "create", "kind": "zone", "value": {"name": "guests"}}
    ]});
    for path in ["/api/v1/changes?dry_run=true", "/api/v1/changes"] {
        check_told(&world.admin().post(path, &changes).expect(200));
    }
}

#[test]
fn entries_of_lists_say_so_where_rules_name_the_list() {
    let world = World::judging(Ok(two_of_seven()));
    zones(&world);
    let list = world.list("office", "address");
    let entries = format!("/api/v1/lists/{list}/entries");
    let add = |value: &str| {
        let body = json!({"entries": [{"value": value}]});
        world.admin().post(&entries, &body).expect(201)
    };
    let unused = add("192.0.2.1").json();
    assert_eq!(unused.get("live_flows"), None, "{unused}");
    rule(&world, "office", &json!({"source": {"lists": [list]}}));
    let added = add("192.0.2.2");
    check_told(&added);
    let added = added.json();
    let entry = added["entries"][0]["id"].as_str().expect("id");
    let deleted = world.admin().delete(&format!("{entries}/{entry}")).expect(204);
    assert_eq!(
        header(&deleted, "ravelin-live-flows"),
        "kept=5, cut=2, unjudged=1"
    );
    check_told(&world.admin().put_text(&entries, "192.0.2.0/24\n").expect(200));
}

#[test]
fn what_could_not_be_judged_is_said_and_the_change_holds() {
    let world = World::judging(Err("conntrack cannot be read".to_owned()));
    zones(&world);
    let made = made(
        &world,
        "/api/v1/rules",
        &json!({"name": "web", "action": "accept"}),
    );
    assert_eq!(made["live_flows_problem"], "conntrack cannot be read");
    assert_eq!(made.get("live_flows"), None);
    let place = format!("/api/v1/rules/{}", id(&made));
    world.admin().get(&place).expect(200);
    let metrics = world.admin().get("/metrics").expect(200).text();
    // Two zones and a rule.
    let failed = "ravelin_policy_failed_judgements_total 3";
    assert!(metrics.lines().any(|line| line == failed), "{metrics}");
}
