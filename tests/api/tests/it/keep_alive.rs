use http::Method;
use ravelin_test_harness::{Connection, Request};
use serde_json::json;

use crate::check::check_problem;
use crate::world::World;

#[test]
fn a_connection_survives_every_change_taken_or_refused() {
    let world = World::new();
    let mut connection = Connection::open(&world.socket()).expect("connect");
    let mut send = |request: Request| connection.send(&request).expect("the same connection");
    let config = "/api/v1/ebpf/features/dns_blocklist/config";
    for round in 0..20 {
        let action = if round % 2 == 0 { "drop" } else { "nxdomain" };
        let put = Request::new(Method::PUT, config).header("if-match", "*");
        let taken = send(
            put.clone()
                .json(&json!({"lists": ["dns-blocklist"], "action": action})),
        )
        .expect(200);
        assert_eq!(taken.json()["config"]["action"], action);
        check_problem(
            &send(put.clone().json(&json!({"action": action}))),
            422,
            "invalid-content",
        );
        check_problem(
            &send(put.clone().body("application/json", "{")),
            400,
            "malformed-json",
        );
        check_problem(
            &send(put.header("if-match", "*").json(&json!({}))),
            400,
            "invalid-header",
        );
        let switch = if round % 2 == 0 { "enable" } else { "disable" };
        send(Request::new(
            Method::POST,
            &format!("/api/v1/ebpf/features/dns_blocklist/{switch}"),
        ))
        .expect(200);
        let import = Request::new(Method::PUT, "/api/v1/lists/dns-blocklist/entries").header("if-match", "*");
        send(import.text(format!("n{round}.example\n"))).expect(200);
        let shown = send(Request::new(Method::GET, config)).expect(200);
        assert_eq!(shown.json()["action"], action);
    }
}
