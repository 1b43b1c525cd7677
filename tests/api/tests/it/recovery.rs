//! An engine that goes by another store than it should: told, acknowledged, ended by a policy.

use http::Method;
use ravelin_model::{Recovery, RecoveryState, Revision};
use ravelin_test_harness::{Answer, Request};
use serde_json::{Value, json};

use crate::check::check_problem;
use crate::world::World;

const ACKNOWLEDGE: &str = "/api/v1/system/recovery/acknowledge";

fn recovery(state: RecoveryState) -> Recovery {
    Recovery {
        state,
        reason: "the store is missing".to_owned(),
        revision: Some(Revision(7)),
        since: None,
        lost_after_revision: Some(Revision(7)),
        volatile: false,
    }
}

fn acknowledge(world: &World) -> Answer {
    world.admin().post(ACKNOWLEDGE, &Value::Null)
}

fn shown(world: &World) -> Value {
    world.admin().get("/api/v1/system").expect(200).json()["recovery"].clone()
}

#[test]
fn a_recovery_is_told_until_somebody_acknowledges_it() {
    let world = World::new();
    assert_eq!(shown(&world), json!({"state": "none", "volatile": false}));
    check_problem(&acknowledge(&world), 409, "nothing-to-acknowledge");
    world
        .control
        .begin_recovery(recovery(RecoveryState::LastKnownGood));
    let problem = check_problem(&world.admin().get("/readyz"), 503, "not-ready");
    let detail = problem["detail"].as_str().expect("detail");
    assert!(
        detail.contains("last-known-good") && detail.contains("the store is missing"),
        "{detail}"
    );
    let expected = json!({"state": "last_known_good", "reason": "the store is missing", "revision": 7,
        "lost_after_revision": 7, "volatile": false});
    assert_eq!(shown(&world), expected);
    let done = acknowledge(&world).expect(200).json();
    assert_eq!(done, json!({"state": "none", "volatile": false}));
    assert_eq!(shown(&world), done);
    world.admin().get("/readyz").expect(200);
}

#[test]
fn a_policy_that_stays_ends_a_recovery_and_a_trial_does_not() {
    let world = World::new();
    world.control.begin_recovery(recovery(RecoveryState::Lockdown));
    let create = |name: &str| Request::new(Method::POST, "/api/v1/zones").json(&json!({ "name": name }));
    let dry = create("lan").header("prefer", "dry-run");
    world.admin().send(&dry).expect(200);
    assert_eq!(shown(&world)["state"], "lockdown");
    let refused = Request::new(Method::POST, "/api/v1/zones").json(&json!({"name": "any"}));
    world.admin().send(&refused).expect(422);
    assert_eq!(shown(&world)["state"], "lockdown");
    world.admin().send(&create("lan")).expect(201);
    assert_eq!(shown(&world)["state"], "none");
}

#[test]
fn what_could_not_be_kept_is_refused() {
    let world = World::new();
    world.control.begin_recovery(Recovery {
        volatile: true,
        ..recovery(RecoveryState::LastKnownGood)
    });
    let zone = Request::new(Method::POST, "/api/v1/zones").json(&json!({"name": "lan"}));
    let answer = world.admin().send(&zone);
    check_problem(&answer, 503, "not-kept");
    assert!(answer.headers.contains_key("retry-after"));
    let list = world
        .admin()
        .post("/api/v1/lists", &json!({"name": "ads", "kind": "domain"}));
    check_problem(&list, 503, "not-kept");
    check_problem(&acknowledge(&world), 503, "not-kept");
    world.admin().get("/api/v1/zones").expect(200);
}
