//! Settings of interfaces: what the card makes of them.

use http::Method;
use ravelin_control::Hardware;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{change, id, made};
use crate::check::{check_refused, errors};
use crate::world::World;

const PATH: &str = "/api/v1/interface-settings";

fn rx_ring(world: &World, interface: &str) -> u32 {
    let probe = world.hardware.probe(interface).expect("a card");
    probe.rings.known().expect("rings").rx
}

#[test]
fn settings_show_whether_they_are_in_force() {
    let world = World::new();
    let before = rx_ring(&world, "wan0");
    let hardware = json!({"rx_ring_descriptors": before * 2, "ntuple_filters": true});
    let settings = made(&world, PATH, &json!({"interface": "wan0", "hardware": hardware}));
    assert_eq!(
        (settings["state"].as_str(), settings.get("state_reason")),
        (Some("applied"), None)
    );
    assert_eq!(rx_ring(&world, "wan0"), before * 2);
    let place = format!("{PATH}/{}", id(&settings));
    assert_eq!(world.admin().get(&place).expect(200).json(), settings);

    // Nobody writes the state.
    let patch = json!({"state": "applied"});
    let patch = Request::new(Method::PATCH, &place)
        .header("if-match", "*")
        .json(&patch);
    let problem = check_refused(&world, &patch, 422, "invalid-content");
    assert_eq!(errors(&problem), [("/state", "unknown_field")]);

    change(
        &world,
        Method::PATCH,
        &place,
        &json!({"hardware": {"rx_ring_descriptors": null}}),
    )
    .expect(200);
    assert_eq!(rx_ring(&world, "wan0"), before);
    change(&world, Method::DELETE, &place, &Value::Null).expect(204);
}

#[test]
fn what_the_card_cannot_is_refused_with_its_place() {
    let world = World::new();
    let before = rx_ring(&world, "wan0");
    let body =
        json!({"interface": "wan0", "hardware": {"rx_ring_descriptors": 1_000_000, "hw_tc_offload": true}});
    let request = Request::new(Method::POST, PATH).json(&body);
    let problem = check_refused(&world, &request, 422, "invalid-content");
    assert_eq!(
        errors(&problem),
        [
            ("/hardware/hw_tc_offload", "invalid"),
            ("/hardware/rx_ring_descriptors", "invalid")
        ]
    );
    let body = json!({"operations": [
        {"op": "create", "kind": "rule", "value": {"name": "r", "action": "drop"}},
        {"op": "create", "kind": "interface_settings", "value": body}]});
    let request = Request::new(Method::POST, "/api/v1/changes").json(&body);
    let problem = check_refused(&world, &request, 422, "invalid-content");
    assert_eq!(
        errors(&problem)[1],
        ("/operations/1/value/hardware/rx_ring_descriptors", "invalid")
    );
    assert_eq!(rx_ring(&world, "wan0"), before);
}

#[test]
fn a_dry_run_tells_of_the_card() {
    let world = World::new();
    let before = rx_ring(&world, "wan0");
    let body = json!({"interface": "wan0", "hardware": {"rx_ring_descriptors": before * 2}});
    let request = Request::new(Method::POST, PATH)
        .header("prefer", "dry-run")
        .json(&body);
    let report = world.admin().send(&request).expect(200).json();
    let told = &report["diagnostics"][0];
    assert_eq!(
        (told["code"].as_str(), told["severity"].as_str()),
        (Some("hardware_change"), Some("warning"))
    );
    assert_eq!(told["object"]["name"], "wan0");
    assert_eq!(rx_ring(&world, "wan0"), before);
}
