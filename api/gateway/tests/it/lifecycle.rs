//! Starting and stopping.

use std::process::Command;

use rustix::process::Signal;

use crate::client::{Http, client};
use crate::engine::Engine;
use crate::gateway::Place;

/// Runs `--check-config` on a file with this text.
#[track_caller]
fn check(text: &str, expected_status: i32, expected_text: &str) {
    let place = Place::new();
    let file = place.path("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_ravelin-gateway"))
        .args(["--check-config", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
    assert_eq!(run.status.code(), Some(expected_status), "{said}");
    assert!(said.contains(expected_text), "{said}");
}

#[test]
fn a_configuration_can_be_checked() {
    check("", 0, "valid");
    check(include_str!("../../gateway.toml"), 0, "valid");
    check("engine_sokcet = '/x'", 1, "engine_sokcet");
    check("[limits]\nconnections = 0", 1, "limits.connections is 0");
}

#[tokio::test]
async fn every_privilege_is_given_up() {
    let place = Place::new();
    let gateway = place.start("");
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(field("NoNewPrivs:"), "1");
    let threads = std::fs::read_dir(format!("/proc/{}/task", gateway.pid())).unwrap();
    for thread in threads {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    }
}

#[tokio::test]
async fn a_running_request_is_finished_before_the_end() {
    let place = Place::new();
    let engine = Engine::start(&place.engine_socket());
    for http in Http::BOTH {
        let mut gateway = place.start("");
        let pieces = engine.stream().await;
        let mut answer = client(&place, http)
            .get(gateway.url("/stream"))
            .send()
            .await
            .unwrap();
        gateway.signal(Signal::TERM);
        gateway.wait_for_log("stopping");
        pieces.unbounded_send("done".into()).unwrap();
        drop(pieces);
        assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"done"[..]));
        assert_eq!(answer.text().await.unwrap(), "");
        assert!(gateway.wait_for_exit().success(), "{http:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_does_not_hold_up_the_end() {
    let place = Place::new();
    let engine = Engine::start(&place.engine_socket());
    let mut gateway = place.start("[limits]\nshutdown_timeout_seconds = 1");
    let _pieces = engine.stream().await;
    let _answer = client(&place, Http::Two)
        .get(gateway.url("/stream"))
        .send()
        .await
        .unwrap();
    gateway.signal(Signal::TERM);
    assert!(gateway.wait_for_exit().success());
    gateway.wait_for_log("cutting off");
}
