//! Verdicts of lines that are logged.

use std::time::Duration;

use serde_json::Value;

use super::case::Group;
use super::draft::{rule, tcp, udp as udp_ports};
use super::engine::{Mode, create};
use super::ground::{Ground, crossing};
use super::prober::judge;
use super::shot::*;
use crate::support::number;

const HEARD: Duration = Duration::from_secs(5);

fn web(name: &str, port: &str) -> super::draft::Rule {
    rule(name)
        .from("lan")
        .to("wan")
        .service(tcp(&[port]))
        .service(udp_ports(&[port]))
        .logged()
}

fn log(ground: &Ground<'_>, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/verdict-log?limit=1000{query}");
    let page = ground.engine.raveld.api().get(&path).expect(200).json();
    page["items"].as_array().expect("items").clone()
}

#[test]
fn a_logged_verdict_is_told_once() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground.engine.apply(
        &Group::new("logged")
            .rule(web("accepted", "80").accept())
            .rule(web("dropped", "81").drop())
            .rule(web("rejected", "82").reject())
            .rule(
                rule("silent")
                    .from("lan")
                    .to("wan")
                    .service(tcp(&["83"]))
                    .accept(),
            ),
    );
    let pair = serde_json::json!({ "from": "lan", "to": "wan", "default_action": "drop", "log": true });
    let answer = ground.engine.change(&[create("zone_pair", &pair)]);
    let pair = answer["results"][0]["id"].as_str().expect("id").to_owned();
    let revision = number(&answer["revision"]);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let mut events = ground
            .engine
            .raveld
            .api()
            .events("/api/v1/events?types=policy_verdict");
        for family in [4, 6] {
            for (shot, action, origin, protocol) in [
                (syn(LAN, WAN, 80).passes("accepted"), "accept", "accepted", 6),
                (udp(LAN, WAN, 80).passes("accepted"), "accept", "accepted", 17),
                (syn(LAN, WAN, 81).dropped("dropped"), "drop", "dropped", 6),
                (udp(LAN, WAN, 81).dropped("dropped"), "drop", "dropped", 17),
                (syn(LAN, WAN, 82).reset("rejected"), "reject", "rejected", 6),
                (udp(LAN, WAN, 82).prohibited("rejected"), "reject", "rejected", 17),
                (syn(LAN, WAN, 84).dropped(By::Pair("lan", "wan")), "drop", "", 6),
            ] {
                let origin_id = if origin.is_empty() {
                    pair.clone()
                } else {
                    ground.engine.rule_id(origin)
                };
                // One that is not logged, and one that belongs to a connection, in between.
                let silent = syn(LAN, WAN, 83).passes("silent");
                let own = ground.prober.own_port();
                for one in [&silent, &shot] {
                    let outcome = ground.prober.fire(one, family, own);
                    judge(one, &outcome).unwrap_or_else(|why| panic!("{mode:?}: {why}"));
                }
                if origin == "accepted" && protocol == 17 {
                    let reply = udp_reply(WAN, LAN, 80).passes("accepted");
                    judge(&reply, &ground.prober.fire(&reply, family, own)).expect("a reply");
                }
                let event = events.next(HEARD).unwrap_or_else(|| {
                    panic!("{mode:?}, IPv{family}: no event of {shot:?}");
                });
                let verdict = &event.data["policy_verdict"];
                let right = |verdict: &Value| {
                    verdict["action"] == action
                        && verdict["origin_id"] == origin_id.as_str()
                        && number(&verdict["revision"]) == revision
                        && verdict["source"] == LAN.address(family).to_string()
                        && verdict["destination"] == WAN.address(family).to_string()
                        && verdict["protocol"] == protocol
                        && number(&verdict["source_port"]) == u64::from(own)
                        && number(&verdict["destination_port"]) == u64::from(shot.destination_port)
                        && verdict["interface"] == "lan0"
                };
                assert!(
                    right(verdict),
                    "{mode:?}, IPv{family}, {shot:?}, revision {revision}: {event:?}"
                );
                let kept = ravelin_test_harness::eventually(HEARD, || {
                    let kept: Vec<_> = log(&ground, "").into_iter().filter(|one| right(one)).collect();
                    (!kept.is_empty()).then_some(kept)
                });
                assert_eq!(
                    kept.map(|kept| kept.len()),
                    Some(1),
                    "{mode:?}: {shot:?} in the log"
                );
            }
        }
        assert_eq!(
            events.next(Duration::from_millis(300)),
            None,
            "{mode:?}: told more than once"
        );
    }
    let all = log(&ground, "");
    assert_eq!(all.len(), 2 * 2 * 7, "{all:?}");
    for (query, count) in [
        ("&action=accept", 8),
        ("&action=drop", 12),
        ("&action=reject", 8),
        ("&address=10.77.1.10", 14),
        ("&address=fd77:2::/64", 14),
        ("&address=198.51.100.7", 0),
        ("&zone=lan", 28),
        ("&zone=dmz", 0),
        (&format!("&rule={}", ground.engine.rule_id("dropped")), 8),
    ] {
        assert_eq!(log(&ground, query).len(), count, "{query}");
    }
}
