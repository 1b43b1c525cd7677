//! The machine: shown, updated, restarted.

use serde_json::json;

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin};

const SYSTEM: &str = r#"{"appliance":true,"version":"0.1.0","image_version":"2.0.0","slots":[
{"name":"a","version":"2.0.0","booted":true,"good":true,"next":false,"bad":false},
{"name":"b","version":"2.1.0","installed_at":"2026-11-20T10:00:00Z","booted":false,"good":false,"next":true,"bad":false}],
"booted_slot":"a","trial":{"slot":"a","left_seconds":120,"waiting_for":"the engine is not ready"},
"state_disk":{"size_bytes":1000,"used_bytes":400,"free_bytes":600},
"temperatures":[{"sensor":"coretemp","label":"Package id 0","celsius":41.5}],"load":[0.5,0.25,0],
"memory":{"total_bytes":512,"available_bytes":256},"uptime_seconds":93784.5,
"clock":{"now":"2026-11-20T10:00:00Z","synchronised":true},"first_boot":false,
"recovery":{"state":"none","volatile":false}}"#;

#[test]
fn the_machine_is_shown() {
    let engine = Engine::new([("GET /api/v1/system", Reply::json(SYSTEM))]);
    let shown = ravelin(&engine, &["system"]);
    assert_eq!(shown.status, 0, "{}", shown.err);
    for line in [
        "image                  2.0.0",
        "uptime                 1 d 02:03:04",
        "disk                   400 of 1000 bytes",
        "coretemp Package id 0  41.5 °C",
        "a     2.0.0    -                     yes   yes   no    yes",
        "b     2.1.0    2026-11-20T10:00:00Z  no    no    yes   yes",
        "slot a is on trial for 120 more seconds: the engine is not ready",
    ] {
        assert!(
            shown.out.lines().any(|shown| shown == line),
            "{line} in {}",
            shown.out
        );
    }
}

fn update(state: &str, more: &str) -> String {
    format!(
        r#"{{"id":"upd_3","state":"{state}","source":"upload","allow_downgrade":false,"reboot":false,
        "created_at":"2026-11-20T10:00:00Z","changed_at":"2026-11-20T10:00:00Z","version":"2.1.0","slot":"b",
        "received_bytes":6{more}}}"#
    )
}

const READY: &str = "UPDATE  STATE          VERSION  SLOT  RECEIVED  WRITTEN  CREATED               REASON
upd_3   ready_to_boot  2.1.0    b            6  100 %    2026-11-20T10:00:00Z  -
";

#[test]
fn a_bundle_is_sent_and_waited_for() {
    let written = update("ready_to_boot", r#","written_percent":100"#);
    let engine = Engine::new([
        (
            "POST /api/v1/system/updates?reboot=true",
            Reply::new(202, "content-type: application/json\r\n", &update("writing", "")),
        ),
        (
            "GET /api/v1/system/updates/upd_3",
            Reply::json(&update("writing", "")),
        ),
        ("GET /api/v1/system/updates/upd_3", Reply::json(&written)),
    ]);
    let bundle = engine.file("new.raucb", "bundle");
    check(
        &engine,
        &["system", "update", "--reboot", bundle.to_str().unwrap()],
        READY,
    );
    let sent = engine.requests().remove(0);
    assert_eq!(sent.body, "bundle");
    assert_eq!(sent.header("content-type"), Some("application/octet-stream"));
    assert_eq!(sent.header("content-length"), Some("6"));
}

#[test]
fn a_bundle_is_fetched_and_its_failure_is_told() {
    let problem = r#","problem":{"type":"/problems/update-untrusted","title":"t","detail":"another key"}"#;
    let engine = Engine::new([
        (
            "POST /api/v1/system/updates",
            Reply::new(
                202,
                "content-type: application/json\r\n",
                &update("receiving", ""),
            ),
        ),
        (
            "GET /api/v1/system/updates/upd_3",
            Reply::json(&update("failed", problem)),
        ),
    ]);
    let url = "https://updates.example/new.raucb";
    let run = ravelin(&engine, &["system", "update", "--allow-downgrade", url]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(
        run.out.contains("another key") && run.err.contains("another key"),
        "{run:?}"
    );
    let sent = engine.requests().remove(0).json();
    assert_eq!(
        sent,
        json!({ "url": url, "allow_downgrade": true, "reboot": false })
    );
}

#[test]
fn power_and_slots_are_asked_for() {
    let engine = Engine::new([
        ("POST /api/v1/system/reboot", Reply::new(202, "", "")),
        ("POST /api/v1/system/factory-reset", Reply::new(202, "", "")),
        (
            "POST /api/v1/system/slots/b/boot",
            Reply::new(202, "", &update("ready_to_boot", r#","written_percent":100"#)),
        ),
    ]);
    check(&engine, &["system", "reboot"], "the machine restarts\n");
    let unmeant = ravelin(&engine, &["system", "factory-reset"]);
    assert_eq!(unmeant.status, 2, "{}", unmeant.err);
    check(
        &engine,
        &["system", "factory-reset", "--erase-everything"],
        "the machine restarts and is empty then\n",
    );
    assert_eq!(
        engine.requests()[1].json(),
        json!({ "confirm": "erase everything" })
    );
    check(&engine, &["system", "boot", "b", "--allow-downgrade"], READY);
    assert_eq!(
        engine.requests()[2].json(),
        json!({ "allow_downgrade": true, "reboot": false })
    );
}

#[test]
fn logs_are_filtered_and_the_support_bundle_is_written_once() {
    let page = r#"{"items":[{"at":"2026-11-20T10:00:00Z","unit":"raveld.service","priority":4,"message":"hello"}],
        "next_cursor":null}"#;
    let engine = Engine::new([
        (
            "GET /api/v1/system/logs?limit=5&unit=raveld.service&priority=4",
            Reply::json(page),
        ),
        (
            "GET /api/v1/system/support-bundle",
            Reply::new(200, "", "archive"),
        ),
    ]);
    check(
        &engine,
        &[
            "system",
            "logs",
            "--limit",
            "5",
            "--unit",
            "raveld.service",
            "--priority",
            "4",
        ],
        "AT                    PRIORITY  FROM            MESSAGE\n\
         2026-11-20T10:00:00Z         4  raveld.service  hello\n",
    );
    let file = engine.socket().with_file_name("support.tar.gz");
    let path = file.to_str().unwrap();
    let written = ravelin(&engine, &["system", "support-bundle", path]);
    assert_eq!(written.status, 0, "{}", written.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "archive");
    let again = ravelin(&engine, &["system", "support-bundle", path]);
    assert_ne!(again.status, 0, "what is there is not overwritten");
}
