//! Connections are ended by hand.

use std::time::Duration;

use http::Method;
use ravelin_test_harness::{
    Answer, Datagrams, Pace, Request, Streams, Talk, Tuple, binary, conntrack, eventually, wait_until,
};
use serde_json::{Value, json};

use super::api;
use super::ground::{Ground, OTHER, PLAIN, Way, lab, routes};
use crate::support::number;

/// Longest until a killed connection is noticed.
const NOTICED: Duration = Duration::from_secs(60);

fn send(ground: &Ground<'_>, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = Request::new(method, path);
    ground.engine.ask(&match body {
        Some(body) => request.json(body),
        None => request,
    })
}

fn kill(ground: &Ground<'_>, body: &Value) -> Value {
    send(ground, Method::POST, "/api/v1/flows/kill", Some(body))
        .expect(200)
        .json()
}

fn streams(ground: &Ground<'_>, port: u16) -> Streams {
    let routes = [routes(Way::Plain, port, 1), routes(Way::Masqueraded, port, 1)].concat();
    Streams::connect(&ground.lab.client, &ground.lab.server, &routes, Talk::default())
}

#[track_caller]
fn are_gone(ground: &Ground<'_>, tuples: &[Tuple]) {
    let tracked = conntrack(&ground.lab.router);
    let left = tuples.iter().find(|tuple| tracked.contains_key(tuple));
    assert_eq!(left, None, "conntrack has it");
    let cache = ground.cache();
    let left = tuples.iter().find(|tuple| cache.contains_key(tuple));
    assert_eq!(left, None, "the cache has it");
}

/// Waits until there are records of these and gives them, in order; fails where one names another reason.
#[track_caller]
fn records_say(ground: &Ground<'_>, tuples: &[Tuple], reason: &str) -> Vec<Value> {
    let found = eventually(NOTICED, || {
        // Who was reset runs out of time, and reading is one of the times the kernel looks for those.
        let _ = conntrack(&ground.lab.router);
        let answer = send(ground, Method::GET, "/api/v1/flow-records?limit=1000", None);
        let records = answer.expect(200).json();
        let records = records["items"].as_array().expect("items").clone();
        let of = |tuple: &Tuple| {
            let of_it = |record: &&Value| {
                matches!(number(&record["protocol"]), 6 | 17) && api::tuple(record, "original") == *tuple
            };
            records.iter().find(of_it).cloned()
        };
        tuples.iter().map(of).collect::<Option<Vec<Value>>>()
    });
    let tracked = conntrack(&ground.lab.router);
    let left: Vec<_> = tuples.iter().filter_map(|tuple| tracked.get(tuple)).collect();
    let found = found.unwrap_or_else(|| panic!("not each has a record; in conntrack are {left:?}"));
    for record in &found {
        assert_eq!(record["end_reason"], reason, "{record}");
    }
    found
}

#[test]
fn what_is_killed_ends_and_nothing_else() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let kept = streams(&ground, PLAIN);
    let routes = routes(Way::Plain, OTHER, 2);
    let pace = Pace {
        windowed: false,
        ..Pace::default()
    };
    let datagrams = Datagrams::establish(&lab.client, &lab.server, &routes, pace);
    ground.offloaded(&[kept.tuples(), datagrams.tuples()].concat());
    let filter = json!({ "protocol": "udp", "port": OTHER });

    let answer = kill(&ground, &json!({ "filter": filter, "dry_run": true }));
    assert_eq!(
        (number(&answer["matched"]), number(&answer["killed"])),
        (4, 0),
        "{answer}"
    );
    ground.offloaded(&datagrams.tuples());
    // Once nobody sends they do not come again.
    let tuples = datagrams.tuples();
    datagrams.nothing_is_lost();
    let tallies = datagrams.tallies();
    let answer = kill(&ground, &json!({ "filter": filter }));
    assert_eq!(
        (number(&answer["matched"]), number(&answer["killed"])),
        (4, 4),
        "{answer}"
    );
    are_gone(&ground, &tuples);
    let records = records_say(&ground, &tuples, "killed");
    for (record, tally) in records.iter().zip(tallies) {
        // By XDP and by the kernel: what was sent, not one more or less.
        let counts = ["original", "reply"].map(|side| number(&record["counts"][side]["packets"]));
        assert_eq!(counts, [tally.sent, tally.returned], "{record}");
        assert_eq!(record["offload"], "xdp", "{record}");
    }
    kept.go_on(2);
    kept.close();
}

#[test]
fn one_is_killed_with_a_reset_to_both_sides() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let victims = streams(&ground, OTHER);
    let tuples = victims.tuples();
    ground.offloaded(&tuples);
    let flows = api::flows(&ground, &format!("protocol=tcp&port={OTHER}"));
    assert_eq!(flows.len(), tuples.len());
    for flow in &flows[1..] {
        let path = format!("/api/v1/flows/{}?reset=true", flow.id);
        send(&ground, Method::DELETE, &path, None).expect(204);
    }
    let spared = tuples.iter().position(|tuple| *tuple == flows[0].original);
    wait_until("the clients are told", NOTICED, || {
        victims.failures().len() == flows.len() - 1
    });
    for (index, error) in victims.failures() {
        assert_ne!(Some(index), spared, "it was not killed");
        assert!(error.contains("reset"), "{error}");
    }
    let gone: Vec<Tuple> = flows[1..].iter().map(|flow| flow.original).collect();
    records_say(&ground, &gone, "killed");
    let again = format!("/api/v1/flows/{}", flows[1].id);
    send(&ground, Method::DELETE, &again, None).expect(404);
}

#[test]
fn the_terminal_view_shows_them() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let live = streams(&ground, PLAIN);
    ground.offloaded(&live.tuples());
    let call = |arguments: &[&str]| {
        let mut command = lab.router.command(binary("ravelin"));
        command
            .arg("--socket")
            .arg(ground.raveld().socket())
            .args(arguments);
        let output = command.output().expect("ravelin");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for arguments in [&["top", "--once"][..], &["flows"][..]] {
        let shown = call(arguments);
        for tuple in live.tuples() {
            assert!(
                shown.contains(&tuple.source.1.to_string()),
                "{tuple} is not in\n{shown}"
            );
        }
    }
    live.close();
}
