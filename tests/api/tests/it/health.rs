use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

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
fn a_machine_without_a_data_plane_is_up_and_says_what_is_missing() {
    let world = World::without_datapath();
    world.admin().get("/healthz").expect(200);
    let problem = check_problem(&world.admin().get("/readyz"), 503, "not-ready");
    assert!(
        problem["detail"].as_str().expect("text").contains("CAP_BPF"),
        "{problem}"
    );
    let feature = world
        .admin()
        .get("/api/v1/ebpf/features/statistics")
        .expect(200)
        .json();
    assert_eq!(feature["state"], "failed");
    assert!(
        feature["state_reason"]
            .as_str()
            .expect("text")
            .contains("CAP_BPF"),
        "{feature}"
    );
    for path in [
        "/api/v1/ebpf/stats",
        "/api/v1/ebpf/maps",
        "/api/v1/ebpf/maps/events",
        "/api/v1/ebpf/programs",
    ] {
        let answer = world.admin().get(path);
        check_problem(&answer, 503, "datapath-unavailable");
        assert!(answer.headers.contains_key("retry-after"), "{path}");
    }
    let metrics = world.admin().get("/metrics").expect(200).text();
    for line in [
        "ravelin_ready 0",
        "ravelin_scrape_success{part=\"maps\"} 0",
        "ravelin_scrape_success{part=\"lists\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    // What is set is stored all the same.
    world
        .admin()
        .patch(
            "/api/v1/ebpf/features/dns_blocklist/config",
            &json!({"action": "drop"}),
        )
        .expect(200);
    world
        .admin()
        .put_text("/api/v1/lists/blocklist/entries", "203.0.113.0/24\n")
        .expect(200);
}

#[test]
fn head_answers_like_get_without_a_body() {
    let world = World::new();
    let stream = world
        .admin()
        .send(&Request::new(Method::HEAD, "/api/v1/events"))
        .expect(200);
    assert!(stream.body.is_empty());
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
