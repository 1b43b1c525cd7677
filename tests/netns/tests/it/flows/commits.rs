//! A commit is about connections that live already, too.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::Method;
use ravelin_test_harness::packet::Packet;
use ravelin_test_harness::{
    Datagrams, Frames, Pace, Request, Route, Streams, Talk, Tuple, conntrack, wait_until,
};
use serde_json::{Value, json};

use super::api;
use super::ground::{Ground, OTHER, PLAIN, Way, lab, routes};
use crate::support::{number, optimised, repetitions};

/// Longest until a connection that is denied has stopped.
const STOPPED: Duration = Duration::from_secs(1);
/// Connections a sample names at most.
const SAMPLE: usize = 100;

/// Connections to one port, from the client as it is and translated.
struct Half {
    datagrams: Datagrams,
    streams: Streams,
}

impl Half {
    fn start(ground: &Ground<'_>, port: u16, windowed: bool) -> Self {
        let routes: Vec<Route> = [routes(Way::Plain, port, 3), routes(Way::Masqueraded, port, 3)].concat();
        let pace = Pace {
            rate: 1000,
            windowed,
            ..Pace::default()
        };
        let (client, server) = (&ground.lab.client, &ground.lab.server);
        Self {
            datagrams: Datagrams::establish(client, server, &routes, pace),
            streams: Streams::connect(client, server, &routes, Talk::default()),
        }
    }

    fn tuples(&self) -> Vec<Tuple> {
        [self.datagrams.tuples(), self.streams.tuples()].concat()
    }

    fn bytes(&self) -> u64 {
        self.streams.tallies().iter().map(|tally| tally.bytes).sum()
    }
}

/// The change that denies what the rule `other` allows.
fn denial(ground: &Ground<'_>) -> Value {
    let id = ground.engine.rule_id("other");
    json!({ "operations": [{ "op": "update", "kind": "rule", "id": id, "value": { "action": "drop" } }] })
}

fn dry_run(ground: &Ground<'_>, body: &Value) -> Value {
    let request = Request::new(Method::POST, "/api/v1/changes")
        .header("prefer", "dry-run")
        .json(body);
    ground.engine.ask(&request).expect(200).json()
}

/// What a commit says of live connections: how many are kept and cut, and those it names.
#[track_caller]
fn live_flows(answer: &Value) -> (u64, u64, Vec<Tuple>) {
    let live = &answer["live_flows"];
    let sample = live["sample"]
        .as_array()
        .unwrap_or_else(|| panic!("no live flows in {answer}"));
    let named = sample.iter().map(|flow| api::tuple(flow, "original")).collect();
    (number(&live["kept"]), number(&live["cut"]), named)
}

#[test]
fn what_is_denied_stops_and_the_rest_loses_nothing() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let kept = Half::start(&ground, PLAIN, true);
    let denied = Half::start(&ground, OTHER, false);
    ground.offloaded(&[kept.tuples(), denied.tuples()].concat());
    let body = denial(&ground);

    let answer = dry_run(&ground, &body);
    let (stay, cut, mut named) = live_flows(&answer);
    let mut expected = denied.tuples();
    let count = |tuples: &[Tuple]| u64::try_from(tuples.len()).expect("a number");
    assert_eq!(cut, count(&expected), "{answer}");
    assert!(stay >= count(&kept.tuples()), "{answer}");
    assert!(expected.len() <= SAMPLE);
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected, "the dry run names just those");
    // Nobody has done anything yet.
    denied.datagrams.go_on(3);
    denied.streams.go_on(2);

    let answer = ground
        .engine
        .ask(&Request::new(Method::POST, "/api/v1/changes").json(&body));
    let (committed, at) = (denied.datagrams.elapsed(), Instant::now());
    let answer = answer.expect(200).json();
    std::thread::sleep(STOPPED);
    let bytes = denied.bytes();
    let last = denied.datagrams.stopped(2 * STOPPED, Duration::from_secs(20));
    assert!(
        last <= committed + STOPPED,
        "a datagram arrived {:?} after the commit",
        last - committed
    );
    eprintln!(
        "the last datagram arrived {:?} after the commit",
        last.saturating_sub(committed)
    );
    assert_eq!(
        denied.bytes(),
        bytes,
        "bytes of TCP {:?} after the commit",
        at.elapsed()
    );
    let (_, cut, mut named) = live_flows(&answer);
    named.sort_unstable();
    assert_eq!((cut, named), (count(&expected), expected.clone()));
    let tracked = conntrack(&lab.router);
    let left = expected.iter().find(|tuple| tracked.contains_key(tuple));
    assert_eq!(left, None, "conntrack still has it");
    let cache = ground.cache();
    let left = expected.iter().find(|tuple| cache.contains_key(tuple));
    assert_eq!(left, None, "the cache still has it");

    kept.datagrams.go_on(3);
    ground.offloaded(&kept.tuples());
    kept.datagrams.nothing_is_lost();
    kept.streams.close();
}

#[test]
fn what_is_denied_stops_without_the_fast_path_too() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    ground.engine.raveld.switch("flow_offload", false);
    let kept = Half::start(&ground, PLAIN, true);
    let denied = Half::start(&ground, OTHER, false);
    let answer = ground
        .engine
        .ask(&Request::new(Method::POST, "/api/v1/changes").json(&denial(&ground)));
    let committed = denied.datagrams.elapsed();
    answer.expect(200);
    let last = denied.datagrams.stopped(2 * STOPPED, Duration::from_secs(20));
    assert!(
        last <= committed + STOPPED,
        "{:?} after the commit",
        last - committed
    );
    kept.datagrams.nothing_is_lost();
    kept.streams.close();
}

#[test]
fn many_connections_are_judged_in_time() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let many = repetitions(10_000, 100_000);
    let frames = Frames::open(&lab.client, "eth0", 1);
    let server: IpAddr = [10, 77, 2, 2].into();
    // Nobody asks for long, so they are gone soon after the test whatever becomes of it.
    for flow in 0..many {
        let port = if flow % 2 == 0 { PLAIN } else { OTHER };
        let mut packet = Packet::udp(
            4,
            u16::try_from(1024 + flow / 200 % 60_000).expect("a port"),
            port,
            vec![0; 8],
        );
        packet.source = [10, 77, 1, u8::try_from(50 + flow % 200).expect("a byte")].into();
        packet.destination = server;
        frames.send(&packet);
    }
    let known = conntrack(&lab.router).len();
    assert!(
        known > usize::try_from(many).expect("a number") * 9 / 10,
        "{known} of {many} connections"
    );
    let body = denial(&ground);
    let start = Instant::now();
    let answer = dry_run(&ground, &body);
    let took = start.elapsed();
    let (kept, cut, named) = live_flows(&answer);
    let alone = number(&answer["live_flows"]["duration_ms"]);
    eprintln!("{known} connections judged in {alone} ms, {took:?} in all: {kept} kept, {cut} cut");
    assert_eq!(named.len(), SAMPLE);
    assert!(kept + cut >= u64::from(many) * 9 / 10, "{answer}");
    let (least, most) = (u64::from(many) * 4 / 10, u64::from(many) * 6 / 10);
    assert!((least..=most).contains(&cut), "{cut} of {many} are cut");
    if optimised() {
        assert!(
            took <= Duration::from_secs(1),
            "{known} connections judged in {took:?}"
        );
    }
    ground
        .engine
        .ask(&Request::new(Method::POST, "/api/v1/changes").json(&body))
        .expect(200);
    wait_until("what is denied is gone", Duration::from_secs(20), || {
        let tracked = conntrack(&lab.router);
        !tracked.keys().any(|tuple| tuple.destination.1 == OTHER)
    });
}
