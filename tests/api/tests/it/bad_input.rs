use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

use crate::check::{check_problem, check_refused, errors};
use crate::raw::Raw;
use crate::world::World;

const ENTRIES: &str = "/api/v1/lists/blocklist/entries";
const STATISTICS: &str = "/api/v1/ebpf/features/statistics/config";

fn body(method: &Method, path: &str, media_type: &str, text: &str) -> Request {
    Request::new(method.clone(), path)
        .header("if-match", "*")
        .body(media_type, text.to_owned())
}

#[test]
fn json_that_is_none_is_malformed_everywhere() {
    let world = World::new();
    for (method, path) in [
        (Method::POST, "/api/v1/lists"),
        (Method::PATCH, "/api/v1/lists/blocklist"),
        (Method::POST, ENTRIES),
        (Method::PATCH, "/api/v1/interfaces/wan0"),
        (Method::PUT, STATISTICS),
        (Method::PATCH, STATISTICS),
        (Method::PUT, "/api/v1/ebpf/features/dns_blocklist/config"),
        (Method::PATCH, "/api/v1/ebpf/features/ddos_protection/config"),
    ] {
        for text in ["", "{", r#"{"name":"a""#, "{}{}", "\u{feff}{}", "{'a':1}", "NaN"] {
            check_refused(
                &world,
                &body(&method, path, "application/json", text),
                400,
                "malformed-json",
            );
        }
        let deep = "[".repeat(100_000);
        check_refused(
            &world,
            &body(&method, path, "application/json", &deep),
            400,
            "malformed-json",
        );
        check_refused(
            &world,
            &body(&method, path, "text/plain", "{}"),
            415,
            "unsupported-media-type",
        );
    }
}

#[test]
fn unknown_and_missing_fields_are_all_named() {
    let world = World::new();
    for (method, path, given, expected) in [
        (
            Method::POST,
            "/api/v1/lists",
            json!({"kind": "addresses", "colour": 1, "owner": 2}),
            vec![
                ("/name", "required"),
                ("/kind", "format"),
                ("/colour", "unknown_field"),
                ("/owner", "unknown_field"),
            ],
        ),
        (
            Method::PATCH,
            "/api/v1/interfaces/wan0",
            json!({"external": 1}),
            vec![("/external", "type")],
        ),
        (
            Method::PUT,
            STATISTICS,
            json!({}),
            vec![("/measure_run_time", "required")],
        ),
        (
            Method::PATCH,
            STATISTICS,
            json!({"measure_run_time": null}),
            vec![("/measure_run_time", "required")],
        ),
        (
            Method::PATCH,
            STATISTICS,
            json!({"a/b": {}}),
            vec![("/a~1b", "unknown_field")],
        ),
        (Method::PATCH, STATISTICS, json!([]), vec![("", "type")]),
        (
            Method::PUT,
            "/api/v1/ebpf/features/flow_monitoring/config",
            json!({
                "tcp_established_timeout_seconds": 0, "tcp_transitory_timeout_seconds": 1.5,
                "udp_timeout_seconds": "9", "other_timeout_seconds": 18_446_744_073_709_551_615_u64
            }),
            vec![
                ("/tcp_established_timeout_seconds", "range"),
                ("/tcp_transitory_timeout_seconds", "range"),
                ("/udp_timeout_seconds", "type"),
                ("/other_timeout_seconds", "range"),
            ],
        ),
        (
            Method::PATCH,
            "/api/v1/ebpf/features/ddos_protection/config",
            json!({"lists": ["blocklist", "nonsense"], "interfaces": "some"}),
            vec![("/lists/1", "format"), ("/interfaces", "format")],
        ),
    ] {
        let request = Request::new(method, path).header("if-match", "*").json(&given);
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), expected, "{given}");
    }
}

#[test]
fn a_configuration_may_name_only_lists_that_can_serve() {
    let world = World::new();
    for lists in [json!(["dns-blocklist"]), json!(["lst_nothing"])] {
        let request = Request::new(Method::PATCH, "/api/v1/ebpf/features/ddos_protection/config")
            .header("if-match", "*")
            .json(&json!({"lists": lists}));
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), [("/lists", "reference")], "{lists}");
    }
}

#[test]
fn values_that_are_none_are_named_by_place() {
    let world = World::new();
    let long = "a".repeat(300);
    let given = json!({"entries": [
        {"value": "203.0.113.7"}, {"value": "999.1.1.1/33"}, {"value": "10.0.0.0/33"}, {"value": long},
        {"value": "example.com"}, {"value": "1.2.3.4", "expires_at": "2020-01-01T00:00:00Z"}, {"value": "::1\n"},
    ]});
    let request = Request::new(Method::POST, ENTRIES).json(&given);
    let problem = check_refused(&world, &request, 422, "invalid-content");
    assert_eq!(
        errors(&problem),
        [
            ("/entries/1/value", "format"),
            ("/entries/2/value", "format"),
            ("/entries/3/value", "format"),
            ("/entries/4/value", "format"),
            ("/entries/5/expires_at", "range"),
            ("/entries/6/value", "format"),
        ]
    );
    for name in [
        long.as_str(),
        "",
        "Upper",
        "-a",
        "a b",
        "a;b",
        "../a",
        "a\u{0}b",
        "ä",
    ] {
        let request =
            Request::new(Method::POST, "/api/v1/lists").json(&json!({"name": name, "kind": "address"}));
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), [("/name", "format")], "{name:?}");
    }
}

#[test]
fn a_body_of_ten_mebibytes_is_too_large_announced_or_not() {
    let world = World::new();
    let large = vec![b' '; 10 << 20];
    for (method, path) in [(Method::POST, ENTRIES), (Method::PUT, STATISTICS)] {
        let before = world.state();
        // The server may hang up before it was sent all: what counts is the answer.
        let mut raw = Raw::open(&world.socket());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nif-match: *\r\ncontent-type: application/json\r\n"
        );
        raw.send(format!("{head}content-length: {}\r\n\r\n", large.len()).as_bytes());
        let answer = raw.read_until("}");
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("/problems/body-too-large"), "{answer}");

        let mut raw = Raw::open(&world.socket());
        raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes());
        for chunk in large.chunks(64 << 10) {
            raw.send(format!("{:x}\r\n", chunk.len()).as_bytes());
            raw.send(chunk);
            raw.send(b"\r\n");
        }
        let answer = raw.read_until("}");
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert_eq!(world.state(), before);
    }
}

#[test]
fn a_body_that_breaks_off_changes_nothing() {
    let world = World::new();
    let before = world.state();
    for head in [
        format!("POST {ENTRIES} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"),
        format!("PUT {ENTRIES} HTTP/1.1\r\nhost: a\r\nif-match: *\r\ncontent-type: text/plain\r\n"),
    ] {
        let mut raw = Raw::open(&world.socket());
        raw.send(format!("{head}content-length: 1000\r\n\r\n203.0.113.1\n203.0.113.2\n").as_bytes());
        raw.finish();
        raw.read_to_end();
    }
    assert_eq!(world.state(), before);
}

#[test]
fn methods_a_path_does_not_know_are_listed() {
    let world = World::new();
    for (method, path, allowed) in [
        (Method::DELETE, "/api/v1/ebpf/features", "GET,HEAD"),
        (Method::GET, "/api/v1/ebpf/features/statistics/enable", "POST"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::PATCH, ENTRIES, "GET,HEAD,POST,PUT"),
        (Method::OPTIONS, "/api/v1/lists", "GET,HEAD,POST"),
        (Method::TRACE, "/metrics", "GET,HEAD"),
    ] {
        let answer = world.admin().send(&Request::new(method, path));
        check_problem(&answer, 405, "method-not-allowed");
        let mut methods: Vec<_> = answer.headers["allow"]
            .to_str()
            .expect("text")
            .split(',')
            .collect();
        methods.sort_unstable();
        let mut allowed: Vec<_> = allowed.split(',').collect();
        allowed.sort_unstable();
        assert_eq!(methods, allowed, "{path}");
    }
}

#[test]
fn what_names_nothing_is_not_found() {
    let world = World::new();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/api"),
        (Method::GET, "/api/v2/lists"),
        (Method::GET, "/api/v1/lists/"),
        (Method::GET, "//api/v1/lists"),
        (Method::GET, "/API/v1/lists"),
        (Method::GET, "/api/v1/%2e%2e/v1/lists"),
        (Method::GET, "/api/v1/lists/lst_nothing"),
        (Method::GET, "/api/v1/lists/..%2f..%2fetc"),
        (Method::GET, "/api/v1/lists/blocklist/entries/ent_1"),
        (Method::GET, "/api/v1/lists/blocklist/entries/1"),
        (Method::DELETE, "/api/v1/lists/blocklist/entries/ent_1"),
        (Method::GET, "/api/v1/ebpf/features/teleport"),
        (Method::POST, "/api/v1/ebpf/features/teleport/enable"),
        (Method::POST, "/api/v1/ebpf/features/teleport/disable"),
        (Method::GET, "/api/v1/ebpf/features/teleport/config"),
        (Method::PUT, "/api/v1/ebpf/features/teleport/config"),
        (Method::GET, "/api/v1/ebpf/maps/nothing"),
        (Method::GET, "/api/v1/interfaces/nothing0"),
        (Method::GET, "/docs/nothing.js"),
        (Method::GET, "/docs/..%2fCargo.toml"),
    ] {
        let request = Request::new(method, path).header("if-match", "*");
        check_refused(&world, &request, 404, "not-found");
    }
    let rename = Request::new(Method::PATCH, "/api/v1/interfaces/nothing0").json(&json!({"external": true}));
    check_refused(&world, &rename, 404, "not-found");
}

#[test]
fn query_fields_are_known_bounded_and_alone() {
    let world = World::new();
    for path in [
        "/api/v1/lists?colour=red",
        "/api/v1/lists?limit=0",
        "/api/v1/lists?limit=1001",
        "/api/v1/lists?limit=-1",
        "/api/v1/lists?limit=ten",
        "/api/v1/lists?limit=1&limit=2",
        "/api/v1/lists?cursor=***",
        "/api/v1/lists/blocklist/entries?cursor=YQ",
        "/api/v1/ebpf/stats?limit=1",
        "/api/v1/events?types=weather",
        "/healthz?a=b",
    ] {
        check_refused(&world, &Request::new(Method::GET, path), 400, "invalid-query");
    }
    let enable = Request::new(Method::POST, "/api/v1/ebpf/features/dns_blocklist/enable?now");
    check_refused(&world, &enable, 400, "invalid-query");
}

#[test]
fn no_get_changes_anything() {
    let world = World::new();
    world.list("mine", "address");
    let specification = world.admin().get("/api/v1/openapi.json").json();
    let before = world.state();
    for (path, _) in specification["paths"].as_object().expect("paths") {
        let path = path
            .replace("{id}", "blocklist")
            .replace("{name}", "statistics")
            .replace("{entry}", "ent_1")
            .replace("{revision}", "1")
            .replace("{file}", "index.html");
        if path == "/api/v1/events" {
            continue; // never ends; tests of events read it
        }
        for method in [Method::GET, Method::HEAD] {
            let request = Request::new(method, &path).header("x-http-method-override", "DELETE");
            world.admin().send(&request);
        }
    }
    assert_eq!(world.state(), before);
}
