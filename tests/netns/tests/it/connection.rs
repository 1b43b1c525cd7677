//! A keep-alive connection outlives every change of configuration.

use http::Method;
use ravelin_test_harness::{Connection, Raveld, Request};
use serde_json::json;

use crate::support::lab;

#[test]
fn a_connection_stays_open_across_changes() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let mut connection = Connection::open(&raveld.socket()).expect("connect");
    let mut check = |request: Request, status: u16| {
        connection
            .send(&request)
            .expect("the connection is open")
            .expect(status)
    };
    let features = "/api/v1/ebpf/features";
    let config = format!("{features}/flow_monitoring/config");
    for seconds in [10, 20, 30] {
        for name in ["ddos_protection", "dns_blocklist"] {
            check(
                Request::new(Method::POST, &format!("{features}/{name}/enable")),
                200,
            );
            check(
                Request::new(Method::POST, &format!("{features}/{name}/disable")),
                200,
            );
        }
        let patch = Request::new(Method::PATCH, &config)
            .header("if-match", "*")
            .json(&json!({ "udp_timeout_seconds": seconds }));
        check(patch, 200);
        let read = check(Request::new(Method::GET, &config), 200).json();
        assert_eq!(read["udp_timeout_seconds"], seconds);
        let refused = Request::new(Method::PATCH, &config)
            .header("if-match", "*")
            .json(&json!({ "udp_timeout_seconds": 0 }));
        check(refused, 422);
        let after = check(Request::new(Method::GET, &config), 200).json();
        assert_eq!(after, read, "a refused configuration changes nothing");
    }
}
