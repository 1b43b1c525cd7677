//! Who uses an object, and that what is used stays.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{change, id, made, rule, zones};
use crate::check::{check_problem, check_refused};
use crate::world::World;

/// Asserts that an object has these users, cannot be deleted while it has them, and can be afterwards.
#[track_caller]
fn check(world: &World, place: &str, users: &[(&str, &Value)], slug: &str, paths: &[&str]) {
    let expected: Vec<Value> = users
        .iter()
        .map(|(kind, user)| {
            let name = user.get("name").unwrap_or(&user["id"]);
            json!({"kind": kind, "id": user["id"], "name": name})
        })
        .collect();
    let shown = world
        .admin()
        .get(&format!("{place}/references"))
        .expect(200)
        .json();
    assert_eq!(sorted(&shown["items"]), sorted(&json!(expected)), "{place}");
    let delete = Request::new(Method::DELETE, place).header("if-match", "*");
    let problem = check_refused(world, &delete, 409, slug);
    assert_eq!(sorted(&problem["used_by"]), sorted(&json!(expected)), "{problem}");
    let ids: Vec<&Value> = users.iter().map(|(_, user)| &user["id"]).collect();
    assert_eq!(sorted(&problem["blocked_by"]), sorted(&json!(ids)), "{problem}");
    for path in paths {
        change(world, Method::DELETE, path, &Value::Null).expect(204);
    }
    let shown = world
        .admin()
        .get(&format!("{place}/references"))
        .expect(200)
        .json();
    assert_eq!(shown, json!({"items": []}));
    change(world, Method::DELETE, place, &Value::Null).expect(204);
}

fn sorted(items: &Value) -> Vec<String> {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

#[test]
fn a_list_that_rules_name_stays() {
    let world = World::new();
    zones(&world);
    let list = world.list("bad", "address");
    let sides = json!({"source": {"lists": ["bad"]}, "destination": {"lists": [list]}});
    let user = rule(&world, "no bad hosts", &sides);
    let published = json!({"name": "shop", "address": "203.0.113.1", "protocol": "tcp", "ports": 443,
        "target": "192.168.1.7", "source": {"lists": ["bad"]}});
    let published = made(&world, "/api/v1/published-services", &published);
    check(
        &world,
        &format!("/api/v1/lists/{list}"),
        &[("rule", &user), ("published_service", &published)],
        "list-in-use",
        &[
            &format!("/api/v1/rules/{}", id(&user)),
            &format!("/api/v1/published-services/{}", id(&published)),
        ],
    );
}

#[test]
fn a_list_that_a_feature_names_stays() {
    let world = World::new();
    let users = world
        .admin()
        .get("/api/v1/lists/blocklist/references")
        .expect(200)
        .json();
    let feature = json!({"kind": "feature", "id": "ddos_protection", "name": "ddos_protection"});
    assert_eq!(users, json!({"items": [feature]}));
}

#[test]
fn a_service_that_rules_name_stays() {
    let world = World::new();
    let spec = json!({"name": "web", "entries": [{"protocol": "tcp", "destination_ports": [80]}]});
    let service = made(&world, "/api/v1/services", &spec);
    let user = rule(&world, "to the web", &json!({"services": ["web"]}));
    assert_eq!(user["services"], json!([id(&service)]));
    let place = format!("/api/v1/services/{}", id(&service));
    check(
        &world,
        &place,
        &[("rule", &user)],
        "in-use",
        &[&format!("/api/v1/rules/{}", id(&user))],
    );
}

#[test]
fn a_zone_that_anything_names_stays() {
    let world = World::new();
    let (_, wan) = zones(&world);
    let user = rule(&world, "out", &json!({"to_zone": "wan"}));
    let pair = made(
        &world,
        "/api/v1/zone-pairs",
        &json!({"from": "wan", "to": "lan", "default_action": "reject"}),
    );
    let nat = made(
        &world,
        "/api/v1/nat-rules",
        &json!({"name": "nat", "kind": "masquerade", "to_zone": "wan"}),
    );
    check(
        &world,
        &format!("/api/v1/zones/{}", id(&wan)),
        &[("rule", &user), ("zone_pair", &pair), ("nat_rule", &nat)],
        "in-use",
        &[
            &format!("/api/v1/rules/{}", id(&user)),
            &format!("/api/v1/zone-pairs/{}", id(&pair)),
            &format!("/api/v1/nat-rules/{}", id(&nat)),
        ],
    );
}

#[test]
fn what_is_not_there_has_no_users() {
    let world = World::new();
    for place in [
        "/api/v1/zones/zon_x",
        "/api/v1/services/svc_x",
        "/api/v1/lists/lst_x",
        "/api/v1/zones/lan",
    ] {
        check_problem(
            &world.admin().get(&format!("{place}/references")),
            404,
            "not-found",
        );
    }
}

#[test]
fn an_interface_is_in_one_zone_only() {
    let world = World::new();
    let (lan, _) = zones(&world);
    let again =
        Request::new(Method::POST, "/api/v1/zones").json(&json!({"name": "other", "interfaces": ["lan0"]}));
    let problem = check_refused(&world, &again, 409, "taken");
    assert_eq!(problem["blocked_by"], json!([id(&lan)]));
}
