//! Configurations of features: read, change only what was read.

use serde_json::json;

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin};
use crate::samples::DNS_BLOCKLIST;

const PATH: &str = "GET /api/v1/ebpf/features/dns_blocklist/config";
const CONFIG: &str = r#"{"lists":["dns-blocklist"],"action":"nxdomain"}"#;
const CHANGED: &str = "SETTING  VALUE\naction   drop\nlists    [\"dns-blocklist\"]\n";

#[test]
fn a_configuration_is_shown() {
    let engine = Engine::new([(PATH, Reply::tagged("\"8\"", CONFIG))]);
    let expected = "SETTING  VALUE\naction   nxdomain\nlists    [\"dns-blocklist\"]\n";
    check(&engine, &["features", "config", "dns_blocklist"], expected);
}

#[test]
fn values_are_changed_in_what_was_read() {
    let engine = Engine::new([
        (PATH, Reply::tagged("\"8\"", CONFIG)),
        (
            "PATCH /api/v1/ebpf/features/dns_blocklist/config",
            Reply::json(DNS_BLOCKLIST),
        ),
    ]);
    let set = [
        "features",
        "config",
        "dns_blocklist",
        "--set",
        "action=drop",
        "--set",
        "lists=[\"dns-blocklist\"]",
    ];
    check(&engine, &set, CHANGED);
    let patch = engine.requests().pop().unwrap();
    assert_eq!(patch.header("if-match"), Some("\"8\""));
    assert_eq!(
        patch.json(),
        json!({ "action": "drop", "lists": ["dns-blocklist"] })
    );
}

#[test]
fn a_whole_configuration_comes_from_a_file() {
    let engine = Engine::new([
        (PATH, Reply::tagged("\"8\"", CONFIG)),
        (
            "PUT /api/v1/ebpf/features/dns_blocklist/config",
            Reply::json(DNS_BLOCKLIST),
        ),
    ]);
    let file = engine.file("config.json", CONFIG);
    check(
        &engine,
        &[
            "features",
            "config",
            "dns_blocklist",
            "--file",
            file.to_str().unwrap(),
        ],
        CHANGED,
    );
    let put = engine.requests().pop().unwrap();
    assert_eq!(put.header("if-match"), Some("\"8\""));
    assert_eq!(
        put.json(),
        serde_json::from_str::<serde_json::Value>(CONFIG).unwrap()
    );
}

#[test]
fn a_change_by_somebody_else_is_not_overwritten() {
    let stale = r#"{"type":"/problems/precondition-failed","title":"The resource has changed","status":412,"detail":"it is at revision 9","request_id":"r2","current_etag":"\"9\""}"#;
    let engine = Engine::new([
        (PATH, Reply::tagged("\"8\"", CONFIG)),
        (
            "PATCH /api/v1/ebpf/features/dns_blocklist/config",
            Reply::problem(412, stale),
        ),
    ]);
    let run = ravelin(
        &engine,
        &["features", "config", "dns_blocklist", "--set", "action=drop"],
    );
    assert_eq!(run.status, 1);
    assert_eq!(
        run.err,
        "ravelin: The resource has changed (412)\n  it is at revision 9\n  request r2\n"
    );
    assert_eq!(engine.lines().len(), 2, "nothing is tried again");
}
