//! The order of rules, and which of them are shown.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{change, header, id, names, rule, zones};
use crate::check::{check_problem, check_refused, errors};
use crate::world::World;

const RULES: &str = "/api/v1/rules";
const NAT_RULES: &str = "/api/v1/nat-rules";

/// Rules `a` to `d`, and their ids.
fn four(world: &World, path: &str) -> Vec<String> {
    let make = |name: &str| {
        let spec = if path == RULES {
            json!({"name": name, "action": "accept"})
        } else {
            json!({"name": name, "kind": "masquerade", "to_zone": "wan"})
        };
        id(&super::made(world, path, &spec)).to_owned()
    };
    ["a", "b", "c", "d"].map(make).into()
}

fn order(world: &World, path: &str) -> String {
    names(&world.admin().get(path).expect(200).json()).concat()
}

#[test]
fn a_rule_goes_where_it_is_told() {
    let world = World::new();
    zones(&world);
    for path in [RULES, NAT_RULES] {
        let ids = four(&world, path);
        for (moved, to, expected, position) in [
            (3, json!({"to": "first"}), "dabc", 1),
            (3, json!({"to": "last"}), "abcd", 4),
            (0, json!({"to": "after", "rule": ids[2]}), "bcad", 3),
            (3, json!({"to": "before", "rule": "b"}), "dbca", 1),
            (3, json!({"to": "first"}), "dbca", 1),
        ] {
            let answer = world
                .admin()
                .post(&format!("{path}/{}/move", ids[moved]), &to)
                .expect(200);
            assert_eq!(order(&world, path), expected, "{to}");
            assert_eq!(answer.json()["position"], position, "{to}");
            assert_eq!(
                header(&answer, "ravelin-revision"),
                world.control.revision().0.to_string()
            );
        }
        for (to, pointer, code) in [
            (json!({"to": "up"}), "/to", "format"),
            (json!({}), "/to", "required"),
            (json!({"to": "before"}), "/rule", "required"),
            (json!({"to": "before", "rule": "nothing"}), "/rule", "reference"),
            (json!({"to": "first", "rule": ids[0]}), "/rule", "not_applicable"),
            (
                json!({"to": "first", "position": 1}),
                "/position",
                "unknown_field",
            ),
        ] {
            let request = Request::new(Method::POST, &format!("{path}/{}/move", ids[0])).json(&to);
            let problem = check_refused(&world, &request, 422, "invalid-content");
            assert_eq!(errors(&problem), [(pointer, code)], "{to}");
        }
        let nothing = world
            .admin()
            .post(&format!("{path}/x/move"), &json!({"to": "first"}));
        check_problem(&nothing, 404, "not-found");
    }
}

#[test]
fn all_rules_are_put_in_order_at_once() {
    let world = World::new();
    zones(&world);
    for path in [RULES, NAT_RULES] {
        let ids = four(&world, path);
        let whole = format!("{path}/order");
        let shown = world.admin().get(&whole).expect(200);
        assert_eq!(shown.json(), json!({"rules": ids}));
        let stale = header(&shown, "etag").to_owned();
        let reversed: Vec<&String> = ids.iter().rev().collect();
        let put = |tag: &str, rules: Value| {
            Request::new(Method::PUT, &whole)
                .header("if-match", tag)
                .json(&json!({"rules": rules}))
        };
        let answer = world.admin().send(&put(&stale, json!(reversed))).expect(200);
        assert_eq!(answer.json(), json!({"rules": reversed}));
        assert_eq!(order(&world, path), "dcba");
        check_refused(&world, &put(&stale, json!(ids)), 412, "precondition-failed");
        for rules in [
            json!(ids[1..]),
            json!([ids[0], ids[0], ids[1], ids[2]]),
            json!([]),
        ] {
            let problem = check_refused(&world, &put("*", rules.clone()), 422, "invalid-content");
            assert_eq!(errors(&problem), [("/rules", "invalid")], "{rules}");
        }
        let problem = check_refused(&world, &put("*", json!(["x"])), 422, "invalid-content");
        assert_eq!(errors(&problem), [("/rules/0", "format")]);
        let request = Request::new(Method::PUT, &whole).json(&json!({"rules": ids}));
        check_refused(&world, &request, 428, "precondition-required");
    }
}

#[test]
fn rules_are_found_by_what_they_say() {
    let world = World::new();
    let (lan, _) = zones(&world);
    rule(
        &world,
        "Web",
        &json!({"from_zone": "lan", "to_zone": "wan", "tags": ["team-a"], "comment": "Ticket 7"}),
    );
    rule(
        &world,
        "ssh",
        &json!({"from_zone": "wan", "action": "drop", "enabled": false}),
    );
    rule(
        &world,
        "hosts",
        &json!({"source": {"addresses": ["198.51.100.0/24"]}, "tags": ["team-a", "x"]}),
    );
    let lan = id(&lan).to_owned();
    for (query, expected) in [
        ("", vec!["Web", "ssh", "hosts"]),
        ("?from_zone=lan", vec!["Web"]),
        (&format!("?from_zone={lan}"), vec!["Web"]),
        ("?from_zone=any", vec!["hosts"]),
        ("?to_zone=any", vec!["ssh", "hosts"]),
        ("?enabled=false", vec!["ssh"]),
        ("?enabled=true&action=accept", vec!["Web", "hosts"]),
        ("?action=drop", vec!["ssh"]),
        ("?tag=team-a", vec!["Web", "hosts"]),
        ("?tag=team", vec![]),
        ("?search=web", vec!["Web"]),
        ("?search=TICKET", vec!["Web"]),
        ("?search=198.51", vec!["hosts"]),
        ("?tag=team-a&limit=1", vec!["Web"]),
    ] {
        let page = world.admin().get(&format!("{RULES}{query}")).expect(200).json();
        assert_eq!(names(&page), expected, "{query}");
        let positions: Vec<_> = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|r| r["position"].as_u64())
            .collect();
        let places = ["Web", "ssh", "hosts"];
        let expected: Vec<_> = expected
            .iter()
            .map(|name| places.iter().position(|n| n == name).map(|n| n as u64 + 1))
            .collect();
        assert_eq!(positions, expected, "{query}");
    }
    for query in [
        "?from_zone=moon",
        "?enabled=maybe",
        "?action=allow",
        "?colour=red",
        "?limit=0",
    ] {
        let request = Request::new(Method::GET, &format!("{RULES}{query}"));
        check_refused(&world, &request, 400, "invalid-query");
    }
    change(&world, Method::DELETE, &format!("{RULES}/order"), &Value::Null).expect(405);
}
