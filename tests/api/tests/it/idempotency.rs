use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

use crate::check::{check_problem, check_refused};
use crate::world::World;

fn create(name: &str, key: &str) -> Request {
    Request::new(Method::POST, "/api/v1/lists")
        .header("idempotency-key", key)
        .json(&json!({"name": name, "kind": "address"}))
}

#[test]
fn the_same_request_again_gets_the_same_answer_and_changes_nothing() {
    let world = World::new();
    let first = world.admin().send(&create("mine", "k1")).expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let state = world.state();
    let again = world.admin().send(&create("mine", "k1")).expect(201);
    assert_eq!(
        (again.json(), &again.headers["location"]),
        (first.json(), &first.headers["location"])
    );
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(world.state(), state);
    // Without the key, or with another one, it is another request.
    check_refused(&world, &create("mine", "k2"), 409, "name-taken");
}

#[test]
fn a_refusal_is_kept_too_and_other_requests_may_not_take_the_key() {
    let world = World::new();
    world.admin().send(&create("mine", "k1")).expect(201);
    check_refused(&world, &create("yours", "k1"), 422, "idempotency-key-reused");
    let elsewhere = Request::new(Method::POST, "/api/v1/ebpf/features/dns_blocklist/enable")
        .header("idempotency-key", "k1");
    check_refused(&world, &elsewhere, 422, "idempotency-key-reused");
    let first = world.admin().send(&create("Bad", "k3"));
    let again = world.admin().send(&create("Bad", "k3")).expect(422);
    assert_eq!(first.json(), again.json());
    check_problem(&first, 422, "invalid-content");
    check_refused(&world, &create("mine", &"k".repeat(300)), 400, "invalid-header");
}

#[test]
fn a_key_belongs_to_its_principal() {
    let world = World::new();
    world.admin().send(&create("mine", "k1")).expect(201);
    let authorization = format!("Bearer {}", world.access_token());
    let other = create("yours", "k1").header("authorization", &authorization);
    world.gateway().send(&other).expect(201);
}
