//! What nobody may say of the policy: a problem with every pointer, and nothing changed.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::zones;
use crate::check::{check_refused, errors};
use crate::world::World;

#[track_caller]
fn check(world: &World, path: &str, body: &Value, expected: &[(&str, &str)]) {
    let request = Request::new(Method::POST, path).json(body);
    let problem = check_refused(world, &request, 422, "invalid-content");
    assert_eq!(errors(&problem), expected, "{body}");
}

#[test]
fn everything_wrong_with_a_rule_is_told_at_once() {
    let world = World::new();
    zones(&world);
    check(
        &world,
        "/api/v1/rules",
        &json!({"name": "", "from_zone": "moon", "source": {"addresses": ["x"], "lists": ["none"]}, "services": ["none"],
            "action": "allow", "rate_limit": {"rate": 0}, "colour": "red"}),
        &[
            ("/name", "format"),
            ("/from_zone", "reference"),
            ("/source/addresses/0", "format"),
            ("/source/lists/0", "reference"),
            ("/services/0", "reference"),
            ("/action", "format"),
            ("/rate_limit/rate", "range"),
            ("/colour", "unknown_field"),
        ],
    );
}

#[test]
fn what_only_the_policy_knows_to_be_wrong_is_told_too() {
    let world = World::new();
    zones(&world);
    let rule = |more: Value| {
        let mut rule = json!({"name": "r", "action": "drop"});
        rule.as_object_mut()
            .expect("object")
            .extend(more.as_object().expect("object").clone());
        rule
    };
    for (path, body, pointer) in [
        (
            "/api/v1/rules",
            rule(json!({"schedule": {"timezone": "Mars/Base"}})),
            "/schedule/timezone",
        ),
        (
            "/api/v1/zones",
            json!({"name": "z", "interfaces": ["lo"]}),
            "/interfaces/0",
        ),
        (
            "/api/v1/nat-rules",
            json!({"name": "n", "kind": "masquerade", "to_zone": "local"}),
            "/to_zone",
        ),
        (
            "/api/v1/nat-rules",
            json!({"name": "n", "kind": "snat", "to_zone": "wan", "address": "224.0.0.1"}),
            "/address",
        ),
        (
            "/api/v1/published-services",
            json!({"name": "p", "from_zone": "local", "address": "203.0.113.1", "protocol": "tcp", "ports": 1,
                "target": "10.0.0.1"}),
            "/from_zone",
        ),
        (
            "/api/v1/interface-settings",
            json!({"interface": "lo"}),
            "/interface",
        ),
        (
            "/api/v1/routes",
            json!({"destination": "10.0.0.1/8", "kind": "blackhole"}),
            "/destination",
        ),
        (
            "/api/v1/policy-routes",
            json!({"priority": 1, "table": 255}),
            "/table",
        ),
        (
            "/api/v1/dns-servers",
            json!({"address": "127.0.0.53"}),
            "/address",
        ),
    ] {
        check(&world, path, &body, &[(pointer, "invalid")]);
    }
}

#[test]
fn no_kind_takes_what_is_no_object_or_says_nothing() {
    let world = World::new();
    for (path, required) in [
        ("/api/v1/zones", vec!["/name"]),
        ("/api/v1/zone-pairs", vec!["/from", "/to"]),
        ("/api/v1/rules", vec!["/name", "/action"]),
        ("/api/v1/services", vec!["/name", "/entries"]),
        ("/api/v1/nat-rules", vec!["/name", "/kind"]),
        ("/api/v1/published-services", vec!["/name", "/protocol"]),
        ("/api/v1/interface-settings", vec!["/interface"]),
        ("/api/v1/routes", vec!["/destination", "/gateway"]),
        ("/api/v1/policy-routes", vec!["/priority", "/table"]),
        ("/api/v1/dns-servers", vec!["/address"]),
    ] {
        let missing: Vec<_> = required
            .into_iter()
            .map(|pointer| (pointer, "required"))
            .collect();
        check(&world, path, &json!({}), &missing);
        for body in [json!([]), json!("x"), json!(null), json!(7)] {
            let request = Request::new(Method::POST, path).json(&body);
            let problem = check_refused(&world, &request, 422, "invalid-content");
            assert_eq!(errors(&problem), [("", "type")], "{path} {body}");
        }
        for (body, slug) in [
            ("{", "malformed-json"),
            ("", "malformed-json"),
            ("{\"name\": \"\\ud800\"}", "malformed-json"),
        ] {
            let request = Request::new(Method::POST, path).body("application/json", body.to_owned());
            check_refused(&world, &request, 400, slug);
        }
        let request = Request::new(Method::POST, path).text("name: x");
        check_refused(&world, &request, 415, "unsupported-media-type");
    }
}

#[test]
fn a_patch_that_makes_nonsense_changes_nothing() {
    let world = World::new();
    zones(&world);
    let rule = super::rule(&world, "r", &json!({"services": [{"protocol": "tcp"}]}));
    let place = format!("/api/v1/rules/{}", super::id(&rule));
    for (patch, expected) in [
        (json!({"name": null}), ("/name", "required")),
        (
            json!({"source": {"negate": true}}),
            ("/source/negate", "not_applicable"),
        ),
        (json!({"services": "web"}), ("/services", "type")),
        (
            json!({"hits": null, "position": 1}),
            ("/position", "unknown_field"),
        ),
        (json!([]), ("", "type")),
    ] {
        let request = Request::new(Method::PATCH, &place)
            .header("if-match", "*")
            .json(&patch);
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), [expected], "{patch}");
    }
}
