//! Several changes at once.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{id, names, rule, zones};
use crate::check::{check_refused, errors, etag};
use crate::world::World;

const CHANGES: &str = "/api/v1/changes";

fn post(world: &World, operations: &Value) -> Value {
    world
        .admin()
        .post(CHANGES, &json!({"operations": operations}))
        .expect(200)
        .json()
}

#[test]
fn later_operations_see_what_earlier_ones_made() {
    let world = World::new();
    let before = world.control.revision().0;
    let report = post(
        &world,
        &json!([
            {"op": "create", "kind": "zone", "id": "zon_mine", "value": {"name": "lan", "interfaces": ["lan0"]}},
            {"op": "create", "kind": "zone", "value": {"name": "wan", "interfaces": ["wan0"]}},
            {"op": "create", "kind": "service", "value": {"name": "web", "entries": [{"protocol": "tcp", "destination_ports": [80]}]}},
            {"op": "create", "kind": "zone_pair", "value": {"from": "lan", "to": "wan", "default_action": "reject"}},
            {"op": "create", "kind": "rule", "id": "rul_one", "value": {"name": "one", "from_zone": "zon_mine", "to_zone": "wan",
                "services": ["web"], "action": "accept"}},
            {"op": "create", "kind": "rule", "value": {"name": "zero", "action": "drop"}, "place": {"to": "before", "rule": "one"}},
            {"op": "update", "kind": "rule", "id": "rul_one", "value": {"comment": "patched"}},
            {"op": "create", "kind": "rule", "value": {"name": "last", "action": "drop"}},
            {"op": "move", "kind": "rule", "id": "rul_one", "value": {"to": "last"}},
            {"op": "create", "kind": "nat_rule", "value": {"name": "out", "kind": "masquerade", "to_zone": "wan"}},
            {"op": "create", "kind": "published_service", "value": {"name": "shop", "from_zone": "wan", "address": "203.0.113.1",
                "protocol": "tcp", "ports": 443, "target": "192.168.1.7"}},
            {"op": "create", "kind": "interface_settings", "value": {"interface": "far0", "description": "other building"}},
            {"op": "create", "kind": "route", "id": "rte_out", "value": {"destination": "0.0.0.0/0", "gateway": "192.0.2.1"}},
            {"op": "update", "kind": "route", "id": "rte_out", "value": {"gateway": null, "interface": "wan0"}},
            {"op": "create", "kind": "policy_route", "value": {"priority": 9, "table": 9}},
            {"op": "create", "kind": "dns_server", "value": {"address": "192.0.2.53"}},
        ]),
    );
    assert_eq!(report["dry_run"], false);
    assert_eq!(report["revision"], before + 1, "one revision");
    let results = report["results"].as_array().expect("results");
    assert_eq!(results.len(), 16);
    assert_eq!(
        results[4],
        json!({"kind": "rule", "id": "rul_one", "revision": before + 1})
    );
    let rules = world.admin().get("/api/v1/rules").expect(200).json();
    assert_eq!(names(&rules), ["zero", "last", "one"]);
    assert_eq!(rules["items"][2]["comment"], "patched");
    assert_eq!(rules["items"][2]["from_zone_name"], "lan");
    let again = post(
        &world,
        &json!([
            {"op": "replace", "kind": "rule", "id": "rul_one", "value": {"name": "uno", "action": "reject"}},
            {"op": "delete", "kind": "rule", "id": results[5]["id"]},
        ]),
    );
    assert_eq!(again["revision"], before + 2);
    let rules = world.admin().get("/api/v1/rules").expect(200).json();
    assert_eq!(names(&rules), ["last", "uno"]);
    let kinds: Vec<_> = again["diff"]
        .as_array()
        .expect("diff")
        .iter()
        .map(|c| c["change"].as_str())
        .collect();
    assert!(
        kinds.contains(&Some("deleted")) && kinds.contains(&Some("updated")),
        "{again}"
    );
}

#[test]
fn all_or_none() {
    let world = World::new();
    zones(&world);
    let kept = rule(&world, "kept", &json!({}));
    let good = json!({"op": "create", "kind": "rule", "value": {"name": "new", "action": "drop"}});
    for (bad, status, slug, pointer, code) in [
        (
            json!({"op": "create", "kind": "rule", "value": {"name": "x", "action": "drop", "source": {"lists": ["none"]}}}),
            422,
            "invalid-content",
            "/operations/1/value/source/lists/0",
            "reference",
        ),
        (
            json!({"op": "create", "kind": "rule", "value": {"name": "new", "action": "drop"}}),
            409,
            "name-taken",
            "/operations/0/value/name",
            "taken",
        ),
        (
            json!({"op": "create", "kind": "rule", "value": {"name": "x", "action": "drop", "schedule": {"timezone": "Mars"}}}),
            422,
            "invalid-content",
            "/operations/1/value/schedule/timezone",
            "invalid",
        ),
        (
            json!({"op": "delete", "kind": "rule", "id": "rul_none"}),
            422,
            "invalid-content",
            "/operations/1/id",
            "unknown",
        ),
        (
            json!({"op": "update", "kind": "rule", "id": id(&kept), "value": {"name": null}}),
            422,
            "invalid-content",
            "/operations/1/value/name",
            "required",
        ),
        (
            json!({"op": "update", "kind": "rule", "id": id(&kept), "value": {"log": true}, "if_match": "\"0\""}),
            412,
            "precondition-failed",
            "/operations/1/if_match",
            "stale",
        ),
        (
            json!({"op": "update", "kind": "rule", "id": id(&kept), "value": {}, "if_match": "12"}),
            422,
            "invalid-content",
            "/operations/1/if_match",
            "format",
        ),
        (
            json!({"op": "create", "kind": "rule", "id": id(&kept), "value": {"name": "x", "action": "drop"}}),
            422,
            "invalid-content",
            "/operations/1/id",
            "id_taken",
        ),
        (
            json!({"op": "create", "kind": "rule", "id": "zon_x", "value": {"name": "x", "action": "drop"}}),
            422,
            "invalid-content",
            "/operations/1/id",
            "format",
        ),
        (
            json!({"op": "move", "kind": "service", "id": "svc_x", "value": {"to": "first"}}),
            422,
            "invalid-content",
            "/operations/1/op",
            "not_applicable",
        ),
        (
            json!({"op": "move", "kind": "rule", "id": id(&kept), "value": {"to": "before", "rule": "none"}}),
            422,
            "invalid-content",
            "/operations/1/value/rule",
            "reference",
        ),
        (
            json!({"op": "explode", "kind": "rule"}),
            422,
            "invalid-content",
            "/operations/1/op",
            "format",
        ),
        (
            json!({"op": "create", "kind": "list", "value": {}}),
            422,
            "invalid-content",
            "/operations/1/kind",
            "format",
        ),
        (
            json!({"op": "delete", "kind": "rule", "id": id(&kept), "value": {}}),
            422,
            "invalid-content",
            "/operations/1/value",
            "unknown_field",
        ),
    ] {
        let request = Request::new(Method::POST, CHANGES).json(&json!({"operations": [good, bad]}));
        let problem = check_refused(&world, &request, status, slug);
        assert!(errors(&problem).contains(&(pointer, code)), "{bad}: {problem}");
    }
    let zone = world.admin().get("/api/v1/zones").expect(200).json()["items"][1].clone();
    let place = format!("/api/v1/rules/{}", id(&kept));
    super::change(&world, Method::PATCH, &place, &json!({"from_zone": id(&zone)})).expect(200);
    let used = json!({"operations": [
        good,
        {"op": "delete", "kind": "zone", "id": id(&zone)},
    ]});
    let request = Request::new(Method::POST, CHANGES).json(&used);
    let problem = check_refused(&world, &request, 409, "in-use");
    assert_eq!(errors(&problem), [("/operations/1/id", "in_use")]);
    assert_eq!(problem["used_by"][0]["id"], kept["id"]);
    for body in [
        json!({}),
        json!({"operations": []}),
        json!({"operations": {}}),
        json!({"operations": [], "x": 1}),
    ] {
        let request = Request::new(Method::POST, CHANGES).json(&body);
        check_refused(&world, &request, 422, "invalid-content");
    }
}

#[test]
fn a_dry_run_says_what_would_be_and_stores_nothing() {
    let world = World::new();
    zones(&world);
    let kept = rule(&world, "kept", &json!({}));
    let tag = etag(&world, &format!("/api/v1/rules/{}", id(&kept)));
    let operations = json!({"operations": [
        {"op": "create", "kind": "rule", "value": {"name": "behind", "action": "drop"}},
        {"op": "update", "kind": "rule", "id": id(&kept), "value": {"log": true}, "if_match": tag},
    ]});
    let before = world.state();
    for request in [
        Request::new(Method::POST, &format!("{CHANGES}?dry_run=true")).json(&operations),
        Request::new(Method::POST, CHANGES)
            .header("prefer", "dry-run")
            .json(&operations),
    ] {
        let report = world.admin().send(&request).expect(200).json();
        assert_eq!(report["dry_run"], true);
        assert_eq!(report["revision"], world.control.policy().revision.0);
        let diff = report["diff"].as_array().expect("diff");
        let created = diff.iter().find(|c| c["change"] == "created").expect("created");
        assert_eq!(
            (created["after"]["name"].as_str(), &created["position_after"]),
            (Some("behind"), &json!(2))
        );
        let updated = diff.iter().find(|c| c["change"] == "updated").expect("updated");
        assert_eq!(
            (&updated["before"]["log"], &updated["after"]["log"]),
            (&json!(false), &json!(true))
        );
        let shadowed = report["diagnostics"].as_array().expect("diagnostics");
        assert!(
            shadowed
                .iter()
                .any(|d| d["code"] == "shadowed" && d["object"]["name"] == "behind"),
            "{report}"
        );
        assert_eq!(world.state(), before);
    }
    let not_dry = Request::new(Method::POST, &format!("{CHANGES}?dry_run=perhaps")).json(&operations);
    check_refused(&world, &not_dry, 400, "invalid-query");
}
