//! What is left of connections.

use std::net::IpAddr;

use ravelin_model::{EndReason, FlowCount, FlowRecord, FlowTuple, Offload, Revision, TcpState, VerdictLine};
use ravelin_store::FlowRecordRetention;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::check::check_problem;
use crate::world::World;

const RECORDS: &str = "/api/v1/flow-records";

fn tuple(protocol: u8, source: (&str, u16), destination: (&str, u16)) -> FlowTuple {
    let address = |text: &str| -> IpAddr { text.parse().expect("address") };
    FlowTuple {
        source: address(source.0),
        destination: address(destination.0),
        protocol,
        source_port: source.1,
        destination_port: destination.1,
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_000 + seconds).expect("time")
}

fn count(packets: u64, bytes: u64) -> FlowCount {
    FlowCount { packets, bytes }
}

/// A translated connection a rule let in, one of IPv6 that timed out, and a ping somebody ended.
fn records(rule: &str, zone: &str) -> [FlowRecord; 3] {
    let web = FlowRecord {
        original: tuple(6, ("192.0.2.1", 40_000), ("203.0.113.9", 80)),
        reply: tuple(6, ("203.0.113.9", 80), ("198.51.100.1", 61_000)),
        counts: [count(12, 3400), count(20, 30_000)],
        started_at: Some(at(-2) + time::Duration::milliseconds(500)),
        ended_at: at(0),
        end_reason: EndReason::Closed,
        tcp_state: Some(TcpState::TimeWait),
        line: Some(VerdictLine::Rule(rule.parse().expect("id"))),
        revision: Revision(9),
        from_zone: Some(zone.parse().expect("id")),
        to_zone: None,
        offload: Offload::Xdp,
        community_id: Some("1:LQU9qZlK+B5F3KDmev6m5PMibrg=".to_owned()),
    };
    let name = tuple(17, ("2001:db8::1", 5353), ("2001:db8::53", 53));
    let name = FlowRecord {
        original: name,
        reply: name.inverted(),
        counts: [count(1, 60), count(0, 0)],
        started_at: None,
        ended_at: at(60),
        end_reason: EndReason::Timeout,
        tcp_state: None,
        line: None,
        from_zone: None,
        offload: Offload::None,
        community_id: None,
        ..web.clone()
    };
    let ping = FlowRecord {
        original: tuple(1, ("192.0.2.1", 77), ("203.0.113.9", 2048)),
        reply: tuple(1, ("203.0.113.9", 77), ("192.0.2.1", 0)),
        ended_at: at(120),
        end_reason: EndReason::Killed,
        line: Some(VerdictLine::Rule("rul_gone".parse().expect("id"))),
        ..name.clone()
    };
    [web, name, ping]
}

/// With a rule `web` and a zone `lan`, and their ids.
fn world() -> (World, String, String) {
    let world = World::new();
    let made = |path: &str, spec: Value| {
        let object = world.admin().post(path, &spec).expect(201).json();
        object["id"].as_str().expect("id").to_owned()
    };
    let zone = made(
        "/api/v1/zones",
        json!({"name": "lan", "interfaces": ["lan0"], "management": true}),
    );
    let rule = made("/api/v1/rules", json!({"name": "web", "action": "accept"}));
    let retention = FlowRecordRetention {
        keep: 100,
        not_before: at(-1000),
    };
    let records = records(&rule, &zone);
    world
        .block_on(world.store.append_flow_records(&records, &retention))
        .expect("append");
    (world, rule, zone)
}

#[test]
fn a_record_is_shown_with_all_it_says() {
    let (world, rule, zone) = world();
    let record = world.admin().get(&format!("{RECORDS}/1")).expect(200).json();
    let expected = json!({
        "number": 1,
        "protocol": 6,
        "original": {"source": "192.0.2.1", "destination": "203.0.113.9", "source_port": 40_000, "destination_port": 80},
        "reply": {"source": "203.0.113.9", "destination": "198.51.100.1", "source_port": 80, "destination_port": 61_000},
        "nat": {"source": {"address": "198.51.100.1", "port": 61_000}},
        "counts": {"original": {"packets": 12, "bytes": 3400}, "reply": {"packets": 20, "bytes": 30_000}},
        "started_at": "2026-09-21T14:13:18.5Z",
        "ended_at": "2026-09-21T14:13:20Z",
        "duration_ms": 1500,
        "end_reason": "closed",
        "tcp_state": "time_wait",
        "line": {"origin": "rule", "origin_id": rule, "origin_name": "web"},
        "revision": 9,
        "from_zone": zone,
        "offload": "xdp",
        "community_id": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    });
    assert_eq!(record, expected);
    let page = world.admin().get(RECORDS).expect(200).json();
    assert_eq!(page["items"][2], expected);
    let gone = json!({"origin": "rule", "origin_id": "rul_gone"});
    assert_eq!(page["items"][0]["line"], gone);
    assert_eq!(page["items"][1].get("line"), None);
    assert_eq!(page["next_cursor"], Value::Null);
}

#[test]
fn records_are_found_and_paged_newest_first() {
    let (world, rule, zone) = world();
    let numbers = |page: &Value| -> Vec<u64> {
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|item| item["number"].as_u64().expect("number"))
            .collect()
    };
    let cases: [(String, &[u64]); 21] = [
        (String::new(), &[3, 2, 1]),
        ("?since=2026-09-21T14:14:20Z".to_owned(), &[3, 2]),
        ("?until=2026-09-21T14:14:20Z".to_owned(), &[1]),
        (
            "?since=2026-09-21T14:14:20Z&until=2026-09-21T14:15:00Z".to_owned(),
            &[2],
        ),
        ("?address=198.51.100.1".to_owned(), &[1]),
        ("?address=192.0.2.0/24".to_owned(), &[3, 1]),
        ("?address=2001:db8::/32".to_owned(), &[2]),
        ("?port=80".to_owned(), &[1]),
        ("?port=61000".to_owned(), &[1]),
        ("?port=77".to_owned(), &[]),
        ("?protocol=tcp".to_owned(), &[1]),
        ("?protocol=17".to_owned(), &[2]),
        ("?protocol=any".to_owned(), &[3, 2, 1]),
        ("?zone=lan".to_owned(), &[1]),
        (format!("?zone={zone}"), &[1]),
        ("?rule=web".to_owned(), &[1]),
        (format!("?rule={rule}&zone=lan&end_reason=closed"), &[1]),
        ("?rule=rul_gone&zone=zon_gone".to_owned(), &[]),
        ("?end_reason=killed".to_owned(), &[3]),
        ("?min_bytes=33400".to_owned(), &[1]),
        // The plus sign as it is, and escaped.
        ("?community_id=1:LQU9qZlK+B5F3KDmev6m5PMibrg%3D".to_owned(), &[1]),
    ];
    for (query, expected) in cases {
        let page = world.admin().get(&format!("{RECORDS}{query}")).expect(200).json();
        assert_eq!(numbers(&page), expected, "{query}");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = world
            .admin()
            .get(&format!("{RECORDS}?limit=1{cursor}"))
            .expect(200)
            .json();
        seen.extend(numbers(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [3, 2, 1]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (world, _, _) = world();
    for query in [
        "?since=now",
        "?until=yesterday",
        "?address=x",
        "?port=65536",
        "?port=-1",
        "?protocol=tpc",
        "?protocol=256",
        "?zone=moon",
        "?rule=none",
        "?end_reason=bored",
        "?min_bytes=-1",
        "?community_id=LQU9",
        "?cursor=eA",
        "?limit=0",
        "?limit=1001",
        "?colour=red",
    ] {
        check_problem(
            &world.admin().get(&format!("{RECORDS}{query}")),
            400,
            "invalid-query",
        );
    }
    for number in [
        "0",
        "4",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "x",
    ] {
        check_problem(
            &world.admin().get(&format!("{RECORDS}/{number}")),
            404,
            "not-found",
        );
    }
    check_problem(&world.gateway().get(RECORDS), 401, "unauthorized");
}
