//! Routes, policy routes and DNS servers.

use serde_json::{Value, json};

use crate::engine::{Engine, Reply};
use crate::run::check;
use crate::samples::page;

const ROUTE: &str = r#"{"id":"rte_1","destination":"::/0","kind":"unicast","gateway":"fe80::1","interface":"wan0","metric":100,"table":100,"enabled":true,"description":"","updated_at":"2026-01-31T12:00:00Z","revision":5}"#;
const POLICY_ROUTE: &str = r#"{"id":"prt_1","priority":100,"source":"10.0.0.0/8","table":"main","enabled":false,"description":"d","updated_at":"2026-01-31T12:00:00Z","revision":5}"#;
const SERVER: &str = r#"{"id":"dns_1","address":"192.0.2.53","port":53,"priority":7,"description":"","updated_at":"2026-01-31T12:00:00Z","revision":5}"#;

#[test]
fn objects_without_a_name_are_called_by_what_tells_them_apart() {
    check_collection(
        "routes",
        ("::/0", ROUTE),
        [
            "GET /api/v1/routes?limit=1000",
            "POST /api/v1/routes",
            "DELETE /api/v1/routes/rte_1",
        ],
        "ID     DESTINATION  KIND     GATEWAY  INTERFACE  METRIC  TABLE  ENABLED  DESCRIPTION
rte_1  ::/0         unicast  fe80::1  wan0          100    100  yes      -\n",
        &[
            "::/0",
            "--gateway",
            "fe80::1",
            "--interface",
            "wan0",
            "--table",
            "100",
        ],
        &json!({"destination": "::/0", "kind": "unicast", "gateway": "fe80::1", "interface": "wan0", "metric": null,
            "table": 100, "mtu_bytes": null, "description": ""}),
        "route rte_1 is gone\n",
    );
    check_collection(
        "policy-routes",
        ("100", POLICY_ROUTE),
        [
            "GET /api/v1/policy-routes?limit=1000",
            "POST /api/v1/policy-routes",
            "DELETE /api/v1/policy-routes/prt_1",
        ],
        "ID     PRIORITY  SOURCE      DESTINATION  INPUT  TABLE  ENABLED  DESCRIPTION
prt_1       100  10.0.0.0/8  -            -      main   no       d\n",
        &["100", "main", "--source", "10.0.0.0/8"],
        &json!({"priority": 100, "table": "main", "source": "10.0.0.0/8", "destination": null,
            "input_interface": null, "description": ""}),
        "policy route prt_1 is gone\n",
    );
    check_collection(
        "dns-servers",
        ("192.0.2.53", SERVER),
        [
            "GET /api/v1/dns-servers?limit=1000",
            "POST /api/v1/dns-servers",
            "DELETE /api/v1/dns-servers/dns_1",
        ],
        "ID     ADDRESS     PORT  PRIORITY  DESCRIPTION\ndns_1  192.0.2.53    53         7  -\n",
        &["192.0.2.53", "--priority", "7"],
        &json!({"address": "192.0.2.53", "port": null, "priority": 7, "description": ""}),
        "DNS server dns_1 is gone\n",
    );
}

#[track_caller]
fn check_collection(
    path: &str,
    (name, object): (&str, &str),
    [list, create, delete]: [&'static str; 3],
    table: &str,
    add: &[&str],
    sent: &Value,
    gone: &str,
) {
    let engine = Engine::new([
        (list, page(&[object])),
        (create, Reply::new(201, "", object)),
        (delete, Reply::new(204, "", "")),
    ]);
    check(&engine, &[path, "list"], table);
    check(&engine, &[&[path, "add"], add].concat(), table);
    assert_eq!(&engine.requests().pop().unwrap().json(), sent);
    check(&engine, &[path, "delete", name], gone);
}
