//! The whole policy as one document.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{header, id, made, names, rule, zones};
use crate::check::{check_refused, errors};
use crate::world::World;

const CONFIG: &str = "/api/v1/config";

fn put(tag: &str, document: &Value) -> Request {
    Request::new(Method::PUT, CONFIG)
        .header("if-match", tag)
        .json(document)
}

/// A policy with an object of every kind.
fn whole(world: &World) -> Value {
    zones(world);
    let service = json!({"name": "web", "entries": [{"protocol": "tcp", "destination_ports": [80]}]});
    made(world, "/api/v1/services", &service);
    made(
        world,
        "/api/v1/zone-pairs",
        &json!({"from": "lan", "to": "wan", "default_action": "reject"}),
    );
    rule(
        world,
        "web",
        &json!({"from_zone": "lan", "to_zone": "wan", "services": ["web"]}),
    );
    rule(
        world,
        "bad",
        &json!({"source": {"lists": ["blocklist"]}, "action": "drop"}),
    );
    made(
        world,
        "/api/v1/nat-rules",
        &json!({"name": "out", "kind": "masquerade", "to_zone": "wan"}),
    );
    let shop = json!({"name": "shop", "from_zone": "wan", "address": "203.0.113.1", "protocol": "tcp", "ports": 443,
        "target": "192.168.1.7"});
    made(world, "/api/v1/published-services", &shop);
    made(
        world,
        "/api/v1/interface-settings",
        &json!({"interface": "far0", "hardware": {"ntuple_filters": true}}),
    );
    made(
        world,
        "/api/v1/routes",
        &json!({"destination": "10.9.0.0/16", "gateway": "192.168.1.2"}),
    );
    made(
        world,
        "/api/v1/policy-routes",
        &json!({"priority": 7, "input_interface": "lan0", "table": "main"}),
    );
    made(world, "/api/v1/dns-servers", &json!({"address": "192.0.2.53"}));
    world.admin().get(CONFIG).expect(200).json()
}

#[test]
fn a_policy_comes_back_as_it_was_with_its_ids() {
    let world = World::new();
    let saved = whole(&world);
    let before = world.control.policy().revision;
    // The same document changes nothing.
    let tag = header(&world.admin().get(CONFIG), "etag").to_owned();
    let report = world.admin().send(&put(&tag, &saved)).expect(200).json();
    assert_eq!(
        (&report["diff"], world.control.policy().revision),
        (&json!([]), before)
    );

    let empty = json!({"zones": [], "zone_pairs": [], "rules": [], "services": [], "nat_rules": [],
        "published_services": []});
    world.admin().send(&put("*", &empty)).expect(200);
    let gone = world.admin().get(CONFIG).expect(200).json();
    assert_eq!(
        gone["zones"].as_array().map(Vec::len),
        Some(1),
        "local stays: {gone}"
    );
    assert_eq!(gone["rules"], json!([]));
    let left_out = ["interface_settings", "routes", "policy_routes", "dns_servers"];
    for section in left_out {
        assert_eq!(
            gone[section], saved[section],
            "a document that says nothing of them leaves them"
        );
    }
    let none = json!({"zones": [], "zone_pairs": [], "rules": [], "services": [], "nat_rules": [],
        "published_services": [], "interface_settings": [], "routes": [], "policy_routes": [], "dns_servers": []});
    world.admin().send(&put("*", &none)).expect(200);
    let gone = world.admin().get(CONFIG).expect(200).json();
    for section in left_out {
        assert_eq!(gone[section], json!([]));
    }
    check_refused(&world, &put(&tag, &saved), 412, "precondition-failed");

    let report = world.admin().send(&put("*", &saved)).expect(200).json();
    assert_eq!(world.admin().get(CONFIG).expect(200).json(), saved);
    assert_eq!(report["revision"], before.0 + 3, "each is one revision");
}

#[test]
fn another_machine_takes_it_too() {
    let (from, to) = (World::new(), World::new());
    let mut document = whole(&from);
    to.admin().send(&put("*", &document)).expect(200);
    assert_eq!(to.admin().get(CONFIG).expect(200).json(), document);
    // By name, written by hand: what has a name keeps its id.
    for section in [
        "zones",
        "zone_pairs",
        "rules",
        "services",
        "nat_rules",
        "published_services",
        "interface_settings",
        "routes",
        "policy_routes",
        "dns_servers",
    ] {
        for object in document[section].as_array_mut().expect("array") {
            object.as_object_mut().expect("object").remove("id");
        }
    }
    document["rules"].as_array_mut().expect("rules").reverse();
    document["rules"][0]["source"] = json!({"lists": ["blocklist"], "negate": true});
    for (section, member) in [("zone_pairs", "from"), ("rules", "from_zone")] {
        let last = document[section].as_array().expect("array").len() - 1;
        document[section][last][member] = json!("lan");
    }
    let old: Vec<Value> = to.admin().get("/api/v1/rules").json()["items"]
        .as_array()
        .expect("items")
        .clone();
    to.admin().send(&put("*", &document)).expect(200);
    let rules = to.admin().get("/api/v1/rules").expect(200).json();
    assert_eq!(names(&rules), ["bad", "web"]);
    assert_eq!(id(&rules["items"][0]), id(&old[1]));
    assert_eq!(rules["items"][0]["source"]["negate"], true);
}

#[test]
fn a_document_that_is_wrong_changes_nothing() {
    let world = World::new();
    let saved = whole(&world);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = saved.clone();
        change(&mut document);
        document
    };
    for (document, pointer, code) in [
        (
            with(&|d| {
                d["rules"][1]["source"]["lists"][0] = json!("none");
            }),
            "/rules/1/source/lists/0",
            "reference",
        ),
        (
            with(&|d| {
                d["rules"][0]["id"] = json!("zon_x");
            }),
            "/rules/0/id",
            "format",
        ),
        (
            with(&|d| {
                d["rules"][1]["id"] = d["rules"][0]["id"].clone();
            }),
            "/rules/1",
            "id_taken",
        ),
        (
            with(&|d| {
                d["services"] = json!([]);
            }),
            "/rules/0/services/0",
            "reference",
        ),
        (
            with(&|d| {
                d["nat_rules"][0]["to_zone"] = json!("local");
            }),
            "/nat_rules/0/to_zone",
            "invalid",
        ),
        (
            with(&|d| {
                d["interface_settings"][0]["hardware"]["ntuple_filters"] = json!("yes");
            }),
            "/interface_settings/0/hardware/ntuple_filters",
            "type",
        ),
        (
            with(&|d| {
                d["lists"] = json!([]);
            }),
            "/lists",
            "unknown_field",
        ),
        (
            with(&|d| {
                d.as_object_mut().expect("object").remove("nat_rules");
            }),
            "/nat_rules",
            "required",
        ),
        (
            with(&|d| {
                d["rules"][0]["hits"] = json!({});
            }),
            "/rules/0/hits",
            "unknown_field",
        ),
    ] {
        let problem = check_refused(&world, &put("*", &document), 422, "invalid-content");
        assert!(
            errors(&problem).contains(&(pointer, code)),
            "{pointer}: {problem}"
        );
    }
    let request = Request::new(Method::PUT, CONFIG).json(&saved);
    check_refused(&world, &request, 428, "precondition-required");
    let dry = put("*", &with(&|d| d["rules"] = json!([]))).header("prefer", "dry-run");
    let before = world.state();
    let report = world.admin().send(&dry).expect(200).json();
    assert_eq!((&report["dry_run"], world.state()), (&json!(true), before));
}

#[test]
fn a_policy_of_ten_thousand_rules_fits_into_one_request() {
    let world = World::new();
    zones(&world);
    let mut document = world.admin().get(CONFIG).expect(200).json();
    let rules: Vec<Value> = (0..10_000)
        .map(|n| {
            json!({"name": format!("rule {n}"), "from_zone": "lan", "to_zone": "wan", "action": "accept",
                "destination": {"addresses": [format!("10.{}.{}.0/24", n / 256, n % 256)]},
                "services": [{"protocol": "tcp", "destination_ports": [80, 443]}]})
        })
        .collect();
    document["rules"] = json!(rules);
    world.admin().send(&put("*", &document)).expect(200);
    let last = world
        .admin()
        .get("/api/v1/rules?search=rule%209999")
        .expect(200)
        .json();
    assert_eq!(last["items"][0]["position"], 10_000);
}
