//! Verdicts that were logged.

use std::time::{Duration, Instant};

use ravelin_abi::{rv_mark, rv_policy_action};
use ravelin_kernel::LoggedPacket;
use ravelin_model::protocol;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{id, rule, zones};
use crate::check::check_problem;
use crate::world::World;

const LOG: &str = "/api/v1/verdict-log";

/// The mark nftables logs for a rule.
fn mark(world: &World, name: &str, verdict: u32) -> u32 {
    let view = world.control.policy();
    let rule = view
        .policy
        .rules
        .iter()
        .find(|rule| rule.spec.name.as_str() == name);
    let wan = view
        .policy
        .zones
        .values()
        .find(|zone| zone.spec.name.as_str() == "wan");
    verdict << rv_mark::RV_MARK_VERDICT_SHIFT
        | wan.expect("wan").number << rv_mark::RV_MARK_TO_ZONE_SHIFT
        | rule.expect("rule").number
}

fn log(world: &World, name: &str, verdict: u32, source: &str) {
    let packet = LoggedPacket {
        at: OffsetDateTime::now_utc(),
        revision: world.control.policy().revision,
        mark: mark(world, name, verdict),
        input: Some(2),
        output: Some(3),
        source: source.parse().expect("address"),
        destination: "203.0.113.9".parse().expect("address"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: 80,
        packet_bytes: 60,
    };
    world.block_on(world.logged.send(packet)).expect("send");
}

/// Waits until so many are there.
fn wait_for(world: &World, count: usize) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let page = world.admin().get(LOG).expect(200).json();
        if page["items"].as_array().expect("items").len() >= count {
            return page;
        }
        assert!(Instant::now() < end, "{page}");
        std::thread::yield_now();
    }
}

#[test]
fn verdicts_are_kept_found_and_paged_newest_first() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    let web = rule(&world, "web", &json!({"log": true}));
    let bad = rule(&world, "bad", &json!({"log": true, "action": "drop"}));
    for (name, verdict, source) in [
        ("web", rv_policy_action::RV_ACTION_ACCEPT, "192.168.1.1"),
        ("bad", rv_policy_action::RV_ACTION_DROP, "192.168.1.2"),
        ("web", rv_policy_action::RV_ACTION_ACCEPT, "2001:db8::3"),
    ] {
        log(&world, name, verdict, source);
    }
    let page = wait_for(&world, 3);
    let newest = &page["items"][0];
    assert_eq!(newest["source"], "2001:db8::3", "{page}");
    for (member, expected) in [
        ("action", json!("accept")),
        ("origin", json!("rule")),
        ("origin_id", web["id"].clone()),
        ("backend", json!("nftables")),
        ("from_zone", lan["id"].clone()),
        ("to_zone", wan["id"].clone()),
        ("interface", json!("lan0")),
        ("destination_port", json!(80)),
        ("revision", json!(world.control.policy().revision.0)),
    ] {
        assert_eq!(newest[member], expected, "{member}");
    }
    let since = newest["at"].as_str().expect("time").to_owned();
    let (bad, lan) = (id(&bad).to_owned(), id(&lan).to_owned());
    for (query, expected) in [
        ("?rule=web".to_owned(), 2),
        (format!("?rule={bad}"), 1),
        ("?action=drop".to_owned(), 1),
        ("?action=reject".to_owned(), 0),
        ("?address=192.168.1.0/24".to_owned(), 2),
        ("?address=2001:db8::3".to_owned(), 1),
        ("?address=203.0.113.9".to_owned(), 3),
        (format!("?zone={lan}"), 3),
        ("?zone=wan&rule=web&address=192.168.1.1".to_owned(), 1),
        ("?zone=local".to_owned(), 0),
        ("?since=2020-01-01T00:00:00Z".to_owned(), 3),
        ("?since=2099-01-01T00:00:00Z".to_owned(), 0),
        (format!("?since={since}"), 1),
    ] {
        let found = world.admin().get(&format!("{LOG}{query}")).expect(200).json();
        let count = found["items"].as_array().expect("items").len();
        if query.contains(&since) {
            assert!(count >= expected, "{query}: {found}");
        } else {
            assert_eq!(count, expected, "{query}: {found}");
        }
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for _ in 0..4 {
        let page = world
            .admin()
            .get(&format!("{LOG}?limit=1{cursor}"))
            .expect(200)
            .json();
        seen.extend(page["items"].as_array().expect("items").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(seen), page["items"]);
    for query in [
        "?zone=moon",
        "?rule=none",
        "?address=x",
        "?action=allow",
        "?since=now",
        "?cursor=eA",
        "?limit=0",
    ] {
        check_problem(&world.admin().get(&format!("{LOG}{query}")), 400, "invalid-query");
    }
}
