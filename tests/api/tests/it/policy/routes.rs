//! Routes, policy routes and DNS servers: what they may not say, and their order.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{change, id, made};
use crate::check::{check_refused, errors};
use crate::world::World;

const ROUTES: &str = "/api/v1/routes";
const POLICY_ROUTES: &str = "/api/v1/policy-routes";
const DNS_SERVERS: &str = "/api/v1/dns-servers";

#[track_caller]
fn check(world: &World, path: &str, body: &Value, expected: &[(&str, &str)]) {
    let request = Request::new(Method::POST, path).json(body);
    let problem = check_refused(world, &request, 422, "invalid-content");
    assert_eq!(errors(&problem), expected, "{body}");
}

#[test]
fn a_route_leads_where_a_packet_can_go() {
    let world = World::new();
    let check_one = |body: Value, pointer: &str| check(&world, ROUTES, &body, &[(pointer, "invalid")]);
    let to = |more: Value| {
        let mut body = json!({"destination": "10.0.0.0/8", "gateway": "192.0.2.1"});
        let members = body.as_object_mut().expect("object");
        members.extend(more.as_object().expect("object").clone());
        body
    };
    for destination in ["10.0.0.1/8", "2001:db8::1/64"] {
        let body = json!({"destination": destination, "interface": "wan0"});
        check_one(body, "/destination");
    }
    for destination in ["224.0.0.0/4", "127.0.0.0/8", "0.0.0.0/8", "ff00::/8", "::1/128"] {
        let body = json!({"destination": destination, "kind": "blackhole"});
        check_one(body, "/destination");
    }
    check_one(to(json!({"gateway": "2001:db8::1"})), "/gateway");
    for gateway in ["224.0.0.1", "0.0.0.0", "127.0.0.1", "255.255.255.255"] {
        check_one(to(json!({ "gateway": gateway })), "/gateway");
    }
    check_one(to(json!({"gateway": "169.254.0.1"})), "/interface");
    check_one(to(json!({"interface": "lo"})), "/interface");
    check_one(to(json!({"interface": "a\\b"})), "/interface");
    for table in [253, 255] {
        check_one(to(json!({ "table": table })), "/table");
    }
    let body = json!({"destination": "2001:db8::/32", "interface": "wan0", "mtu_bytes": 1279});
    check_one(body, "/mtu_bytes");
    let body = json!({"destination": "2001:db8::/32", "gateway": "fe80::1"});
    check_one(body, "/interface");
    let body = json!({"destination": "10.0.0.0/8", "kind": "unreachable", "mtu_bytes": 1400});
    check_one(body, "/mtu_bytes");

    let body = json!({"destination": "10.0.0.0/33", "metric": 0, "table": 0, "mtu_bytes": 67, "via": 1});
    let expected = [
        ("/destination", "format"),
        ("/metric", "range"),
        ("/table", "range"),
        ("/mtu_bytes", "range"),
        ("/via", "unknown_field"),
        ("/gateway", "required"),
    ];
    check(&world, ROUTES, &body, &expected);
    let body = json!({"destination": "10.0.0.0/8", "kind": "blackhole", "gateway": "192.0.2.1", "interface": "wan0",
        "table": "local"});
    let expected = [
        ("/gateway", "not_applicable"),
        ("/interface", "not_applicable"),
        ("/table", "format"),
    ];
    check(&world, ROUTES, &body, &expected);
}

#[test]
fn a_policy_route_is_of_one_family_or_both() {
    let world = World::new();
    let body = json!({"priority": 7, "source": "10.0.0.1/8", "destination": "2001:db8::/32", "table": 253,
        "input_interface": "a*"});
    let expected = [
        ("/source", "invalid"),
        ("/destination", "invalid"),
        ("/input_interface", "invalid"),
        ("/table", "invalid"),
    ];
    check(&world, POLICY_ROUTES, &body, &expected);
    for priority in [0, 32_766, 32_767] {
        let body = json!({"priority": priority, "table": 7});
        check(&world, POLICY_ROUTES, &body, &[("/priority", "range")]);
    }
    // 254 is the main table.
    let body = json!({"priority": 32_765, "table": 254});
    assert_eq!(made(&world, POLICY_ROUTES, &body)["table"], "main");

    let ipv4 = made(
        &world,
        POLICY_ROUTES,
        &json!({"priority": 7, "source": "10.0.0.0/8", "table": 7}),
    );
    made(
        &world,
        POLICY_ROUTES,
        &json!({"priority": 7, "source": "2001:db8::/32", "table": 7}),
    );
    let both = json!({"priority": 7, "table": 8});
    check_taken(&world, POLICY_ROUTES, &both, "/priority");
    let place = format!("{POLICY_ROUTES}/{}", id(&ipv4));
    change(&world, Method::DELETE, &place, &Value::Null).expect(204);
    check_taken(&world, POLICY_ROUTES, &both, "/priority");
    let other = json!({"priority": 7, "destination": "10.0.0.0/8", "table": 8});
    made(&world, POLICY_ROUTES, &other);
}

#[track_caller]
fn check_taken(world: &World, path: &str, body: &Value, pointer: &str) {
    let request = Request::new(Method::POST, path).json(body);
    let problem = check_refused(world, &request, 409, "taken");
    let found = errors(&problem);
    assert!(
        !found.is_empty() && found.iter().all(|(place, _)| *place == pointer),
        "{found:?}"
    );
}

#[test]
fn what_makes_one_unique_is_taken_once() {
    let world = World::new();
    let route = |metric: u32, table: Value, gateway: &str| json!({"destination": "10.0.0.0/8", "gateway": gateway, "metric": metric, "table": table});
    made(&world, ROUTES, &route(100, json!("main"), "192.0.2.1"));
    made(&world, ROUTES, &route(101, json!("main"), "192.0.2.1"));
    made(&world, ROUTES, &route(100, json!(100), "192.0.2.1"));
    let again = route(100, json!(254), "192.0.2.2");
    check_taken(&world, ROUTES, &again, "/destination");

    made(&world, DNS_SERVERS, &json!({"address": "192.0.2.53"}));
    made(&world, DNS_SERVERS, &json!({"address": "192.0.2.53", "port": 54}));
    check_taken(
        &world,
        DNS_SERVERS,
        &json!({"address": "192.0.2.53", "priority": 1}),
        "/address",
    );
}

#[test]
fn dns_servers_are_hosts_elsewhere_and_come_in_their_order() {
    let world = World::new();
    for address in [
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "::1",
        "127.0.0.1",
        "fe80::1",
        "255.255.255.255",
    ] {
        check(
            &world,
            DNS_SERVERS,
            &json!({ "address": address }),
            &[("/address", "invalid")],
        );
    }
    let body = json!({"address": "dns.example", "port": 0, "priority": 65_536});
    let expected = [("/address", "format"), ("/port", "range"), ("/priority", "range")];
    check(&world, DNS_SERVERS, &body, &expected);
    for (address, priority) in [("192.0.2.3", 7), ("2001:db8::1", 0), ("192.0.2.2", 7)] {
        made(
            &world,
            DNS_SERVERS,
            &json!({"address": address, "priority": priority}),
        );
    }
    let all = world.admin().get(DNS_SERVERS).expect(200).json();
    let items = all["items"].as_array().expect("items").iter();
    let addresses: Vec<_> = items
        .map(|item| item["address"].as_str().expect("address"))
        .collect();
    assert_eq!(addresses, ["2001:db8::1", "192.0.2.2", "192.0.2.3"]);
}

#[test]
fn what_changed_and_what_was_before_is_told() {
    let world = World::new();
    let route = made(
        &world,
        ROUTES,
        &json!({"destination": "::/0", "interface": "wan0"}),
    );
    let before = world.control.revision().0;
    let place = format!("{ROUTES}/{}", id(&route));
    change(&world, Method::PATCH, &place, &json!({"enabled": false})).expect(200);
    let path = format!("/api/v1/revisions/{}/diff?against={before}", before + 1);
    let diff = world.admin().get(&path).expect(200).json();
    let told = diff.to_string();
    assert!(
        told.contains("\"kind\":\"route\"") && told.contains("\"enabled\":false"),
        "{told}"
    );
    let restore = format!("/api/v1/revisions/{before}/restore");
    world.admin().post(&restore, &Value::Null).expect(200);
    assert_eq!(world.admin().get(&place).expect(200).json()["enabled"], true);
}
