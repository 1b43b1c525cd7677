//! What is the same for every kind of object: made, found, changed, deleted.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{change, header, id, made, zones};
use crate::check::{check_problem, check_refused, errors, etag};
use crate::world::World;

/// Path, a spec, what answers show of it, a patch.
fn kinds(lan: &Value, wan: &Value) -> Vec<(&'static str, Value, Value, Value)> {
    let (lan, wan) = (id(lan), id(wan));
    let anyone = json!({"addresses": [], "lists": [], "negate": false});
    vec![
        (
            "/api/v1/zones",
            json!({"name": "dmz", "interfaces": ["dmz0"]}),
            json!({"name": "dmz", "description": "", "interfaces": ["dmz0"], "management": false, "built_in": false}),
            json!({"description": "servers"}),
        ),
        (
            "/api/v1/zone-pairs",
            json!({"from": "lan", "to": wan}),
            json!({"from": lan, "to": wan, "from_name": "lan", "to_name": "wan", "default_action": "drop", "log": false,
                "hits": {"packets": 0, "bytes": 0}}),
            json!({"default_action": "reject"}),
        ),
        (
            "/api/v1/rules",
            json!({"name": "web", "from_zone": "lan", "to_zone": "wan", "action": "accept",
                "services": [{"protocol": "tcp", "destination_ports": [80, 443]}]}),
            json!({"name": "web", "enabled": true, "position": 1, "from_zone": lan, "to_zone": wan,
                "from_zone_name": "lan", "to_zone_name": "wan", "source": anyone, "destination": anyone,
                "services": [{"protocol": "tcp", "source_ports": [], "destination_ports": ["80", "443"], "icmp_types": []}],
                "action": "accept", "log": false, "comment": "", "tags": [], "hits": {"packets": 0, "bytes": 0}}),
            json!({"log": true}),
        ),
        (
            "/api/v1/services",
            json!({"name": "dns", "entries": [{"protocol": "udp", "destination_ports": [53]}]}),
            json!({"name": "dns", "description": "",
                "entries": [{"protocol": "udp", "source_ports": [], "destination_ports": ["53"], "icmp_types": []}]}),
            json!({"description": "names"}),
        ),
        (
            "/api/v1/nat-rules",
            json!({"name": "out", "kind": "masquerade", "to_zone": "wan"}),
            json!({"name": "out", "enabled": true, "position": 1, "kind": "masquerade", "to_zone": wan, "comment": "",
                "source_addresses": []}),
            json!({"enabled": false}),
        ),
        (
            "/api/v1/published-services",
            json!({"name": "shop", "from_zone": "wan", "address": "203.0.113.1", "protocol": "tcp", "ports": 443,
                "target": "192.168.1.7"}),
            json!({"name": "shop", "enabled": true, "from_zone": wan, "source": anyone, "address": "203.0.113.1",
                "protocol": "tcp", "ports": "443", "target": "192.168.1.7", "hairpin": true, "log": false, "comment": "",
                "hits": {"packets": 0, "bytes": 0}}),
            json!({"target_port": 8443}),
        ),
        (
            "/api/v1/interface-settings",
            json!({"interface": "far0", "hardware": {"large_receive_offload": false, "rx_ring_descriptors": null}}),
            json!({"interface": "far0", "description": "", "addresses": [], "identity": {},
                "dhcp_client": {"ipv4": false, "ipv6": false},
                "lan_services": {"dns": false, "router_advertisements": false},
                "hardware": {"large_receive_offload": false}, "state": "absent"}),
            json!({"hardware": {"large_receive_offload": false, "rx_ring_descriptors": 4096}}),
        ),
        (
            "/api/v1/routes",
            json!({"destination": "2001:db8:7::/48", "gateway": "FE80::1", "interface": "wan0", "mtu_bytes": 1400}),
            json!({"destination": "2001:db8:7::/48", "kind": "unicast", "gateway": "fe80::1", "interface": "wan0",
                "metric": 100, "table": "main", "mtu_bytes": 1400, "enabled": true, "description": ""}),
            json!({"table": 100}),
        ),
        (
            "/api/v1/policy-routes",
            json!({"priority": 100, "source": "192.168.78.0/24", "table": 100}),
            json!({"priority": 100, "source": "192.168.78.0/24", "table": 100, "enabled": true, "description": ""}),
            json!({"input_interface": "lan1"}),
        ),
        (
            "/api/v1/dns-servers",
            json!({"address": "2620:FE::fe"}),
            json!({"address": "2620:fe::fe", "port": 53, "priority": 100, "description": ""}),
            json!({"port": 5353}),
        ),
    ]
}

/// An object without what only Ravelin knows beforehand.
fn said(object: &Value) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().expect("object");
    for name in ["id", "revision", "updated_at"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    object
}

#[test]
fn every_kind_is_made_found_changed_and_deleted() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    for (path, spec, shown, patch) in kinds(&lan, &wan) {
        let answer = world.admin().post(path, &spec).expect(201);
        let revision = world.control.revision().0.to_string();
        assert_eq!(header(&answer, "ravelin-revision"), revision);
        assert_eq!(header(&answer, "etag"), format!("\"{revision}\""));
        let object = answer.json();
        assert_eq!(said(&object), shown, "{path}");
        assert_eq!(object["revision"].to_string(), revision);
        let place = header(&answer, "location").to_owned();
        assert_eq!(place, format!("{path}/{}", id(&object)));
        assert_eq!(world.admin().get(&place).expect(200).json(), object);
        let all = world.admin().get(path).expect(200).json();
        assert!(all["items"].as_array().expect("items").contains(&object), "{all}");

        let tag = etag(&world, &place);
        let patched = Request::new(Method::PATCH, &place)
            .header("if-match", &tag)
            .body("application/merge-patch+json", patch.to_string());
        let patched = world.admin().send(&patched).expect(200);
        let mut expected = shown.clone();
        expected
            .as_object_mut()
            .expect("object")
            .extend(patch.as_object().expect("object").clone());
        assert_eq!(said(&patched.json()), expected, "{path}");
        assert_ne!(etag(&world, &place), tag);

        // The whole of it again takes the change back; a second time it changes nothing.
        let whole = Request::new(Method::PUT, &place)
            .header("if-match", "*")
            .json(&spec);
        let answer = world.admin().send(&whole).expect(200);
        assert_eq!(said(&answer.json()), shown, "{path}");
        let again = world.admin().send(&whole).expect(200);
        assert_eq!(
            header(&again, "ravelin-revision"),
            header(&answer, "ravelin-revision")
        );

        let gone = change(&world, Method::DELETE, &place, &Value::Null).expect(204);
        assert!(gone.body.is_empty());
        assert_eq!(
            header(&gone, "ravelin-revision"),
            world.control.revision().0.to_string()
        );
        check_problem(&world.admin().get(&place), 404, "not-found");
    }
}

#[test]
fn a_change_names_the_state_it_is_meant_for() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    for (path, spec, _, patch) in kinds(&lan, &wan) {
        let object = made(&world, path, &spec);
        let place = format!("{path}/{}", id(&object));
        let stale = etag(&world, &place);
        change(&world, Method::PATCH, &place, &patch).expect(200);
        for (method, body) in [
            (Method::PUT, &spec),
            (Method::PATCH, &patch),
            (Method::DELETE, &Value::Null),
        ] {
            let request = |tag: Option<&str>| {
                let request = Request::new(method.clone(), &place);
                let request = tag
                    .into_iter()
                    .fold(request, |request, tag| request.header("if-match", tag));
                if body.is_null() {
                    request
                } else {
                    request.json(body)
                }
            };
            check_refused(&world, &request(None), 428, "precondition-required");
            let problem = check_refused(&world, &request(Some(&stale)), 412, "precondition-failed");
            assert_eq!(problem["current_etag"], etag(&world, &place), "{method} {place}");
            check_refused(&world, &request(Some("12")), 400, "invalid-header");
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    for (path, spec, _, _) in kinds(&lan, &wan) {
        for id in ["zon_nothing", "rul_nothing", "x", "..%2f"] {
            let place = format!("{path}/{id}");
            for (method, body) in [
                (Method::GET, Value::Null),
                (Method::PUT, spec.clone()),
                (Method::PATCH, json!({})),
                (Method::DELETE, Value::Null),
            ] {
                let answer = change(&world, method, &place, &body);
                check_problem(&answer, 404, "not-found");
            }
        }
    }
}

#[test]
fn names_are_unique_among_their_kind() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    for (path, spec, shown, _) in kinds(&lan, &wan) {
        let first = made(&world, path, &spec);
        let slug = if shown.get("name").is_some() {
            "name-taken"
        } else {
            "taken"
        };
        let again = Request::new(Method::POST, path).json(&spec);
        let problem = check_refused(&world, &again, 409, slug);
        assert_eq!(problem["blocked_by"], json!([id(&first)]), "{problem}");
    }
}

#[test]
fn pages_follow_each_other_and_a_change_in_between_repeats_nothing() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    for (path, spec, _, _) in kinds(&lan, &wan) {
        if path.ends_with("pairs") {
            continue; // pairs have no names to tell them by
        }
        for n in 1..6 {
            let mut spec = spec.clone();
            let (member, value) = match path.rsplit('/').next() {
                Some("interface-settings") => ("interface", json!(format!("p{n}"))),
                Some("routes") => ("metric", json!(n)),
                Some("policy-routes") => ("priority", json!(n)),
                Some("dns-servers") => ("port", json!(n)),
                _ => ("name", json!(format!("p{n}"))),
            };
            spec[member] = value;
            if path.ends_with("zones") {
                spec["interfaces"] = json!([]);
            }
            made(&world, path, &spec);
        }
        let first = world.admin().get(&format!("{path}?limit=3")).expect(200).json();
        let seen = first["items"].as_array().expect("items").clone();
        assert_eq!(seen.len(), 3);
        let last = id(&seen[2]).to_owned();
        change(&world, Method::DELETE, &format!("{path}/{last}"), &Value::Null).expect(204);
        let cursor = first["next_cursor"].as_str().expect("cursor");
        let rest = world
            .admin()
            .get(&format!("{path}?limit=1000&cursor={cursor}"))
            .expect(200)
            .json();
        assert_eq!(rest["next_cursor"], Value::Null);
        let all = world
            .admin()
            .get(&format!("{path}?limit=1000"))
            .expect(200)
            .json();
        let all: Vec<&str> = all["items"].as_array().expect("items").iter().map(id).collect();
        let read: Vec<&str> = seen[..2]
            .iter()
            .chain(rest["items"].as_array().expect("items"))
            .map(id)
            .collect();
        assert_eq!(read, all, "{path}");
    }
    check_refused(
        &world,
        &Request::new(Method::GET, "/api/v1/rules?cursor=YQ"),
        400,
        "invalid-query",
    );
}

#[test]
fn the_built_in_zone_stays_what_it_is() {
    let world = World::new();
    let local = "/api/v1/zones/zon_local";
    let zone = world.admin().get(local).expect(200).json();
    assert_eq!(
        (zone["name"].as_str(), zone["built_in"].as_bool()),
        (Some("local"), Some(true))
    );
    let delete = Request::new(Method::DELETE, local).header("if-match", "*");
    check_refused(&world, &delete, 409, "built-in");
    for (patch, pointer) in [
        (json!({"name": "box"}), "/name"),
        (json!({"interfaces": ["lan0"]}), "/interfaces"),
        (json!({"management": true}), "/management"),
    ] {
        let request = Request::new(Method::PATCH, local)
            .header("if-match", "*")
            .json(&patch);
        let problem = check_refused(&world, &request, 409, "built-in");
        assert_eq!(errors(&problem), [(pointer, "built_in")]);
    }
    change(&world, Method::PATCH, local, &json!({"description": "this box"})).expect(200);
}

#[test]
fn an_idempotency_key_makes_one_rule_only() {
    let world = World::new();
    let create = Request::new(Method::POST, "/api/v1/rules")
        .header("idempotency-key", "k")
        .json(&json!({"name": "once", "action": "drop"}));
    let first = world.admin().send(&create).expect(201);
    let second = world.admin().send(&create).expect(201);
    assert_eq!(second.json(), first.json());
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let rules = world.admin().get("/api/v1/rules").expect(200).json();
    assert_eq!(super::names(&rules), ["once"]);
}
