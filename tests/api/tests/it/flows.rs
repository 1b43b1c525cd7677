use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use crate::check::{check_problem, check_refused, errors};
use crate::world::World;

const FLOWS: &str = "/api/v1/flows";
const KILL: &str = "/api/v1/flows/kill";

/// TCP from 192.0.2.7:40000 to 198.51.100.7:443, number 12345.
fn id() -> String {
    let mut bytes = vec![6, 192, 0, 2, 7, 198, 51, 100, 7];
    bytes.extend(40_000_u16.to_be_bytes());
    bytes.extend(443_u16.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(12_345_u32.to_be_bytes());
    format!("flw_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn without_a_kernel_there_are_no_connections() {
    let world = World::new();
    let admin = world.admin();
    for query in [
        "",
        "?limit=1000&sort=rate&order=asc",
        "?protocol=tcp&source=192.0.2.0/24&destination=2001:db8::7&address=198.51.100.7&port=443",
        "?protocol=6&zone=local&rule=rul_1&state=time_wait&offload=hw&nat=any&sort=age",
    ] {
        let page = admin.get(&format!("{FLOWS}{query}")).expect(200).json();
        assert_eq!(page, json!({"items": [], "next_cursor": null}), "{query}");
    }
    let kill = json!({"filter": {"protocol": "udp", "zone": "local"}, "reset": true});
    let answer = admin.post(KILL, &kill).expect(200);
    assert!(answer.headers.contains_key("ravelin-revision"));
    let nothing = json!({"dry_run": false, "matched": 0, "killed": 0, "sample": []});
    assert_eq!(answer.json(), nothing);
    let all = admin
        .post(KILL, &json!({"all": true, "dry_run": true}))
        .expect(200);
    assert_eq!(all.json()["dry_run"], true);
}

#[test]
fn queries_that_make_no_sense_are_refused() {
    let world = World::new();
    let cursor = |text: &str| format!("cursor={}", BASE64_URL_SAFE_NO_PAD.encode(text));
    let good = format!("bytes-7:{}", id());
    world
        .admin()
        .get(&format!("{FLOWS}?sort=bytes&{}", cursor(&good)))
        .expect(200);
    for query in [
        "colour=red",
        "limit=0",
        "limit=1001",
        "limit=many",
        "sort=size",
        "order=up",
        "sort=bytes&sort=rate",
        "protocol=tpc",
        "protocol=256",
        "source=192.0.2.0/33",
        "destination=host",
        "address=",
        "port=65536",
        "port=-1",
        "port=http",
        "zone=nowhere",
        "rule=no+rule",
        "state=open",
        "offload=yes",
        "nat=both",
        "cursor=!",
        &cursor("garbage"),
        &cursor("bytes-7:flw_AAAA"),
        // Of another order.
        &cursor(&good),
        &format!("sort=bytes&order=asc&{}", cursor(&good)),
    ] {
        let answer = world.admin().get(&format!("{FLOWS}?{query}"));
        let problem = check_problem(&answer, 400, "invalid-query");
        assert!(problem.get("errors").is_none(), "{query}: {problem}");
    }
    let answer = world.admin().get(&format!("{FLOWS}?port=70000&zone=nowhere"));
    let problem = check_problem(&answer, 400, "invalid-query");
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("port") && detail.contains("nowhere"), "{detail}");
}

#[test]
fn connections_that_are_not_there_are_not_found() {
    let world = World::new();
    let id = id();
    for name in ["flw_", "flw_AAAA", "rul_1", "kil", &id, &id[4..]] {
        for method in [Method::GET, Method::DELETE] {
            let request = Request::new(method, &format!("{FLOWS}/{name}"));
            check_refused(&world, &request, 404, "not-found");
        }
    }
    let request = Request::new(Method::DELETE, &format!("{FLOWS}/{id}?reset=maybe"));
    check_refused(&world, &request, 400, "invalid-query");
    check_refused(
        &world,
        &Request::new(Method::GET, KILL),
        405,
        "method-not-allowed",
    );
}

#[test]
fn kills_that_make_no_sense_are_refused_with_every_error() {
    let world = World::new();
    for (body, expected) in [
        (json!({}), vec![("/filter", "required")]),
        (json!({"filter": {}, "all": false}), vec![("/filter", "required")]),
        (
            json!({"filter": {"port": 80}, "all": true}),
            vec![("/all", "not_applicable")],
        ),
        (
            json!({"filter": {"port": "80", "zone": "nowhere", "colour": 1}, "reset": 1, "now": true}),
            vec![
                ("/filter/port", "type"),
                ("/filter/zone", "reference"),
                ("/filter/colour", "unknown_field"),
                ("/reset", "type"),
                ("/now", "unknown_field"),
            ],
        ),
        (json!([]), vec![("", "type")]),
    ] {
        let request = Request::new(Method::POST, KILL).json(&body);
        let problem = check_refused(&world, &request, 422, "invalid-content");
        assert_eq!(errors(&problem), expected, "{body}");
    }
    let text = Request::new(Method::POST, KILL).body("application/json", "{".to_owned());
    check_refused(&world, &text, 400, "malformed-json");
    let text = Request::new(Method::POST, KILL).body("text/plain", "{}".to_owned());
    check_refused(&world, &text, 415, "unsupported-media-type");
}

#[test]
fn a_kill_is_audited_and_answered_once() {
    let world = World::new();
    let request = |port: u16| {
        Request::new(Method::POST, KILL)
            .header("idempotency-key", "once")
            .json(&json!({"filter": {"port": port}}))
    };
    let first = world.admin().send(&request(80)).expect(200);
    let again = world.admin().send(&request(80)).expect(200);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(first.json(), again.json());
    check_problem(&world.admin().send(&request(81)), 422, "idempotency-key-reused");
    let audited = world.block_on(world.store.audit(None, 10)).expect("audit");
    let kills: Vec<(u16, String)> = audited
        .into_iter()
        .filter(|(_, entry)| entry.path == KILL)
        .map(|(_, entry)| (entry.status, entry.method))
        .collect();
    assert_eq!(
        kills,
        [(422, "POST"), (200, "POST"), (200, "POST")].map(|(status, method)| (status, method.to_owned()))
    );
    let nobody = world
        .gateway()
        .send(&Request::new(Method::POST, KILL).json(&Value::Null));
    check_problem(&nobody, 401, "unauthorized");
}
