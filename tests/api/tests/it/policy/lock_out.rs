//! A change that would cut its sender off.

use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use crate::check::check_problem;
use crate::world::World;

/// Somebody in the network of `lan0`, by way of the gateway.
fn from_the_lan(world: &World, path: &str, port: u16, body: &Value) -> Request {
    Request::new(Method::POST, path)
        .header("authorization", &format!("Bearer {}", world.access_token()))
        .header("x-ravelin-peer", "2001:db8::9")
        .header("x-ravelin-local", &format!("[2001:db8::1]:{port}"))
        .json(body)
}

#[test]
fn a_change_that_would_cut_its_sender_off_is_refused() {
    let world = World::new();
    let lan = json!({"name": "lan", "interfaces": ["lan0"]});
    let send = |request: &Request| world.gateway().send(request);
    let before = world.state();
    let problem = check_problem(
        &send(&from_the_lan(&world, "/api/v1/zones", 443, &lan)),
        409,
        "would-lock-out",
    );
    assert!(
        problem["detail"]
            .as_str()
            .expect("text")
            .contains("confirm_within_seconds"),
        "{problem}"
    );
    assert_eq!(world.state(), before);

    // Who waits to be confirmed may try; so may who stays reachable; so may who sits at the box.
    let tried = from_the_lan(&world, "/api/v1/zones?confirm_within_seconds=3600", 443, &lan);
    let dry = tried.clone().header("prefer", "dry-run");
    send(&dry).expect(200);
    let managed = json!({"name": "lan", "interfaces": ["lan0"], "management": true});
    let other_port = from_the_lan(&world, "/api/v1/zones", 8443, &managed);
    check_problem(&send(&other_port), 409, "would-lock-out");
    send(&from_the_lan(&world, "/api/v1/zones", 443, &managed)).expect(201);
    let wan = json!({"name": "wan", "interfaces": ["wan0"]});
    world.admin().post("/api/v1/zones", &wan).expect(201);
    send(&tried_rule(&world)).expect(201);
}

/// A rule that drops everything, to be confirmed.
fn tried_rule(world: &World) -> Request {
    let path = "/api/v1/rules?confirm_within_seconds=3600";
    from_the_lan(world, path, 8443, &json!({"name": "nothing", "action": "drop"}))
}
