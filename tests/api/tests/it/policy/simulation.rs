//! What would become of a packet.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{id, made, rule, zones};
use crate::check::{check_problem, check_refused, errors};
use crate::world::World;

const SIMULATE: &str = "/api/v1/simulate";

fn simulate(world: &World, members: &Value) -> Value {
    let mut packet = json!({"from_zone": "lan", "to_zone": "wan", "source": "192.168.1.5", "destination": "203.0.113.7",
        "destination_port": 443});
    let given = members.as_object().expect("object");
    packet.as_object_mut().expect("object").extend(given.clone());
    packet
        .as_object_mut()
        .expect("object")
        .retain(|_, value| !value.is_null());
    world.admin().post(SIMULATE, &packet).expect(200).json()
}

#[test]
fn the_rule_that_decides_is_named_and_why_others_did_not() {
    let world = World::new();
    let (lan, wan) = zones(&world);
    let ssh = rule(
        &world,
        "ssh",
        &json!({"services": [{"protocol": "tcp", "destination_ports": [22]}]}),
    );
    let web = rule(
        &world,
        "web",
        &json!({"from_zone": "lan", "to_zone": "wan",
        "services": [{"protocol": "tcp", "destination_ports": [80, 443]}]}),
    );
    let answer = simulate(&world, &json!({}));
    assert_eq!(answer["verdict"], "accept", "{answer}");
    assert_eq!(answer["reason"], "rule");
    assert_eq!(
        answer["rule"],
        json!({"kind": "rule", "id": id(&web), "name": "web"})
    );
    assert_eq!(answer["from_zone"], json!({"id": id(&lan), "name": "lan"}));
    assert_eq!(answer["to_zone"], json!({"id": id(&wan), "name": "wan"}));
    assert_eq!(answer["agree"], true);
    assert_eq!(answer["by_reference"]["verdict"], "accept");
    let considered = answer["considered"].as_array().expect("lines");
    let passed = considered
        .iter()
        .find(|line| line["line"]["origin_id"] == ssh["id"])
        .expect("ssh");
    assert_eq!(passed["matched"], false);
    assert!(
        passed["why_not"].as_str().is_some_and(|why| !why.is_empty()),
        "{passed}"
    );
    let last = considered.last().expect("a line");
    assert_eq!(
        (&last["line"]["origin_id"], &last["matched"]),
        (&web["id"], &json!(true))
    );

    let dropped = simulate(&world, &json!({"destination_port": 25}));
    assert_eq!(
        (&dropped["verdict"], &dropped["reason"]),
        (&json!("drop"), &json!("unwritten_pair")),
        "{dropped}"
    );
    assert_eq!(dropped["rule"], Value::Null);
    let pair = made(
        &world,
        "/api/v1/zone-pairs",
        &json!({"from": "lan", "to": "wan", "default_action": "reject"}),
    );
    let rejected = simulate(&world, &json!({"destination_port": 25}));
    assert_eq!(rejected["verdict"], "reject");
    assert_eq!(rejected["decided_by"]["origin_id"], pair["id"]);
    let by_interface = simulate(&world, &json!({"from_zone": null, "interface": "lan0"}));
    assert_eq!(by_interface["verdict"], "accept");
    let six = simulate(
        &world,
        &json!({"source": "2001:db8::5", "destination": "2001:db8:1::7"}),
    );
    assert_eq!(six["verdict"], "accept");
    let icmp = simulate(&world, &json!({"protocol": "icmp", "destination_port": null}));
    assert_eq!(icmp["verdict"], "reject");
}

#[test]
fn translation_is_told() {
    let world = World::new();
    zones(&world);
    let shop = json!({"name": "shop", "from_zone": "wan", "address": "203.0.113.1", "protocol": "tcp", "ports": 8443,
        "target": "192.168.1.7", "target_port": 443});
    let shop = made(&world, "/api/v1/published-services", &shop);
    let packet = json!({"from_zone": "wan", "to_zone": "lan", "source": "198.51.100.9", "destination": "203.0.113.1",
        "destination_port": 8443});
    let answer = simulate(&world, &packet);
    assert_eq!(
        answer["translation"],
        json!({"origin": "published_service", "origin_id": id(&shop), "destination": "192.168.1.7", "destination_port": 443})
    );
    assert_eq!(
        (&answer["verdict"], &answer["reason"]),
        (&json!("accept"), &json!("published_service"))
    );
}

#[test]
fn packets_that_cannot_be_are_refused() {
    let world = World::new();
    zones(&world);
    for (packet, expected) in [
        (
            json!({"source": "192.0.2.1", "destination": "192.0.2.2", "destination_port": 1}),
            ("/interface", "required"),
        ),
        (
            json!({"from_zone": "moon", "source": "192.0.2.1", "destination": "192.0.2.2", "destination_port": 1}),
            ("/from_zone", "reference"),
        ),
        (
            json!({"from_zone": "lan", "source": "192.0.2.1", "destination": "::1", "destination_port": 1}),
            ("/destination", "format"),
        ),
        (
            json!({"from_zone": "lan", "source": "192.0.2.1", "destination": "192.0.2.2"}),
            ("/destination_port", "required"),
        ),
    ] {
        let request = Request::new(Method::POST, SIMULATE).json(&packet);
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), [expected], "{packet}");
    }
    let nowhere = json!({"interface": "moon0", "source": "192.0.2.1", "destination": "192.0.2.2", "destination_port": 1});
    let problem = check_problem(&world.admin().post(SIMULATE, &nowhere), 422, "invalid-content");
    assert_eq!(errors(&problem), [("/interface", "reference")]);
    let unzoned = World::new();
    let packet = json!({"from_zone": "local", "source": "192.0.2.1", "destination": "192.0.2.2", "destination_port": 1});
    check_problem(&unzoned.admin().post(SIMULATE, &packet), 409, "cannot-simulate");
}
