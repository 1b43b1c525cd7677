//! Tuning over the API; that it tunes is shown where there is traffic.

use http::Method;
use ravelin_test_harness::{Answer, Request, wait_until};
use serde_json::{Value, json};

use crate::check::{check_refused, errors, etag};
use crate::world::World;

const TUNING: &str = "/api/v1/tuning";

fn patch(world: &World, tag: &str, body: &Value) -> Answer {
    let request = Request::new(Method::PATCH, TUNING)
        .header("if-match", tag)
        .json(body);
    world.admin().send(&request)
}

fn tag(world: &World) -> String {
    etag(world, TUNING)
}

#[test]
fn tuning_is_shown_with_limits_objects_and_without_invented_figures() {
    let world = World::new();
    let tuning = world.admin().get(TUNING).expect(200).json();
    assert_eq!(
        (&tuning["mode"], &tuning["window_seconds"]),
        (&json!("auto"), &json!(10))
    );
    assert_eq!(tuning["memory_ceiling_bytes"], 512 << 20);
    let bounds = &tuning["limits"]["flow_cache_connections"];
    assert_eq!(*bounds, json!({ "min": 1024, "max": 1_048_576 }));
    assert_eq!(tuning["limits"].as_object().expect("limits").len(), 6);
    assert_eq!(tuning["decisions"], json!([]));
    assert_eq!(tuning["revision"], 0);
    // Nothing was measured yet.
    assert!(tuning.get("window").is_none(), "{tuning}");
    let cache = || {
        let tuning = world.admin().get(TUNING).expect(200).json();
        let objects = tuning["objects"].as_array().expect("objects").clone();
        objects
            .into_iter()
            .find(|object| object["object"] == "flow_cache_connections")
    };
    wait_until(
        "the flow cache is read",
        std::time::Duration::from_secs(10),
        || cache().is_some(),
    );
    let cache = cache().expect("the flow cache");
    assert_eq!(
        (&cache["value"], &cache["min"]),
        (&json!(16_384), &json!(1024)),
        "{cache}"
    );
    assert!(cache.get("last_changed_at").is_none(), "{cache}");
}

#[test]
fn limits_are_changed_by_a_merge_patch_and_survive() {
    let world = World::new();
    let before = world.control.revision().0;
    let answer = patch(
        &world,
        &tag(&world),
        &json!({ "mode": "advise", "window_seconds": 3600, "memory_ceiling_bytes": 68_719_476_736_u64,
            "limits": { "event_workers": { "max": 2 }, "flow_cache_connections": { "min": 64, "max": 64 } } }),
    )
    .expect(200);
    assert_eq!(answer.headers["ravelin-revision"], (before + 1).to_string());
    let tuning = answer.json();
    assert_eq!(
        (&tuning["mode"], &tuning["window_seconds"]),
        (&json!("advise"), &json!(3600))
    );
    assert_eq!(tuning["limits"]["event_workers"], json!({ "min": 1, "max": 2 }));
    assert_eq!(
        tuning["limits"]["flow_cache_connections"],
        json!({ "min": 64, "max": 64 })
    );
    assert_eq!(answer.headers["etag"], tag(&world));
    let shown = world.admin().get(TUNING).expect(200).json();
    assert_eq!(shown["limits"], tuning["limits"]);

    // The same again is no change.
    let again = patch(&world, "*", &json!({ "mode": "advise" })).expect(200);
    assert_eq!(again.headers["ravelin-revision"], (before + 1).to_string());
}

#[test]
fn what_is_outside_its_limits_is_advised_at_once_and_not_in_off() {
    let world = World::new();
    let narrow = json!({ "flow_cache_connections": { "min": 64, "max": 4096 } });
    patch(&world, "*", &json!({ "mode": "off", "limits": narrow })).expect(200);
    patch(&world, "*", &json!({ "mode": "advise" })).expect(200);
    let decisions = || {
        let tuning = world.admin().get(TUNING).expect(200).json();
        tuning["decisions"].as_array().expect("decisions").clone()
    };
    // Long before a window is over.
    wait_until("it is advised", std::time::Duration::from_secs(8), || {
        !decisions().is_empty()
    });
    let decision = &decisions()[0];
    assert_eq!(decision["object"], "flow_cache_connections");
    assert_eq!(
        (&decision["from"], &decision["to"]),
        (&json!(16_384), &json!(4096))
    );
    assert_eq!(decision["outcome"], "advised");
    assert_eq!(decisions().len(), 1, "mode off decided something");
    let text = world.admin().get("/metrics").expect(200).text();
    let count = "ravelin_tuning_decisions_total{object=\"flow_cache_connections\",direction=\"down\",outcome=\"advised\"} 1";
    assert!(text.contains(count), "{text}");
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let world = World::new();
    let refuse = |body: Value, expected: &[(&str, &str)]| {
        let request = Request::new(Method::PATCH, TUNING)
            .header("if-match", "*")
            .json(&body);
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), expected, "{body}");
    };
    refuse(
        json!({ "mode": "fast", "window_seconds": 0, "memory_ceiling_bytes": 1, "speed": 1 }),
        &[
            ("/mode", "format"),
            ("/window_seconds", "range"),
            ("/memory_ceiling_bytes", "range"),
            ("/speed", "unknown_field"),
        ],
    );
    refuse(
        json!({ "limits": { "event_workers": { "min": 3, "max": 2 }, "event_rate": { "max": 0 },
            "dns_cache": { "min": 1, "max": 2 }, "event_batch": null } }),
        &[
            ("/limits/event_batch", "required"),
            ("/limits/event_workers/max", "range"),
            ("/limits/event_rate/max", "range"),
            ("/limits/dns_cache", "unknown_field"),
        ],
    );
    refuse(json!([]), &[("", "type")]);
    let request = Request::new(Method::PATCH, TUNING).json(&json!({ "mode": "off" }));
    check_refused(&world, &request, 428, "precondition-required");
    let stale = tag(&world);
    patch(&world, &stale, &json!({ "mode": "off" })).expect(200);
    let request = Request::new(Method::PATCH, TUNING)
        .header("if-match", &stale)
        .json(&json!({ "mode": "auto" }));
    let problem = check_refused(&world, &request, 412, "precondition-failed");
    assert_eq!(problem["current_etag"], tag(&world));
}
