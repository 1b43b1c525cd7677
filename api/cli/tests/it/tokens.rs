//! Tokens.

use crate::engine::{Engine, Reply};
use crate::run::ravelin;

const STATS: &str = "GET /api/v1/ebpf/stats";
const EMPTY: &str = r#"{"interfaces":[],"event_losses":{"suppressed":0,"lost":0}}"#;

#[test]
fn the_admin_token_buys_an_access_token() {
    let token = r#"{"access_token":"eyJ.access","token_type":"Bearer","expires_in_seconds":600}"#;
    let engine = Engine::new([
        ("POST /api/v1/auth/token", Reply::json(token)),
        (STATS, Reply::json(EMPTY)),
    ]);
    let file = engine.file("token", "rva_admin\n");
    let run = ravelin(&engine, &["--token-file", file.to_str().unwrap(), "stats"]);
    assert_eq!(run.status, 0, "{run:?}");
    let sent: Vec<_> = engine
        .requests()
        .iter()
        .map(|r| r.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        sent,
        [
            Some("Bearer rva_admin".to_owned()),
            Some("Bearer eyJ.access".to_owned())
        ]
    );
}

#[test]
fn an_access_token_is_used_as_it_is() {
    let engine = Engine::new([(STATS, Reply::json(EMPTY))]);
    let file = engine.file("token", "eyJ.own");
    let run = ravelin(&engine, &["stats", "--token-file", file.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(engine.lines(), [STATS]);
    assert_eq!(
        engine.requests()[0].header("authorization"),
        Some("Bearer eyJ.own")
    );
}

#[test]
fn the_socket_needs_none() {
    let engine = Engine::new([(STATS, Reply::json(EMPTY))]);
    assert_eq!(ravelin(&engine, &["stats"]).status, 0);
    assert_eq!(engine.requests()[0].header("authorization"), None);
}

#[test]
fn a_token_is_never_shown() {
    let engine = Engine::new([]);
    for (name, text) in [
        ("two", "rva_secret and more"),
        ("refused", "rva_secret"),
        ("odd", "rva_secret\u{1}"),
    ] {
        let file = engine.file(name, text);
        let run = ravelin(&engine, &["--token-file", file.to_str().unwrap(), "stats"]);
        assert_ne!(run.status, 0);
        assert!(!(run.err + &run.out).contains("secret"), "{name}");
    }
}
