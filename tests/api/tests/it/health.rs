use http::Method;
use ravelin_test_harness::Request;

use crate::check::check_problem;
use crate::world::World;

#[test]
fn health_needs_no_credential_and_readiness_does() {
    let world = World::new();
    assert_eq!(world.gateway().get("/healthz").expect(200).json()["status"], "ok");
    check_problem(&world.gateway().get("/readyz"), 401, "unauthorized");
    let ready = world.admin().get("/readyz").expect(200);
    assert_eq!(ready.json()["revision"], world.control.revision().0);
    assert_eq!(
        ready.headers["ravelin-revision"],
        world.control.revision().0.to_string()
    );
}

#[test]
fn an_engine_that_goes_down_says_so() {
    let world = World::new();
    world.control.shut_down();
    let answer = world.admin().post(
        "/api/v1/ebpf/features/dns_blocklist/enable",
        &serde_json::Value::Null,
    );
    check_problem(&answer, 503, "shutting-down");
    assert!(answer.headers.contains_key("retry-after"));
}

#[test]
fn head_answers_like_get_without_a_body() {
    let world = World::new();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/lists",
        "/api/v1/lists/blocklist",
        "/docs/index.html",
    ] {
        let get = world.admin().get(path).expect(200);
        let head = world.admin().send(&Request::new(Method::HEAD, path)).expect(200);
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "etag"] {
            assert_eq!(head.headers.get(name), get.headers.get(name), "{path}");
        }
    }
}
