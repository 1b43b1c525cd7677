//! Exit statuses and what is said on standard error.

use std::os::unix::net::UnixListener;

use crate::engine::{Engine, Reply};
use crate::run::{Run, ravelin, run};

#[track_caller]
fn check(run: &Run, status: i32, said: &[&str]) {
    assert_eq!((run.status, run.out.as_str()), (status, ""), "{}", run.err);
    for part in said {
        assert!(run.err.contains(part), "{part:?} is not in {:?}", run.err);
    }
}

#[test]
fn help_tells_every_exit_status() {
    let help = run(&["--help"], "");
    assert_eq!(help.status, 0);
    for status in 0..=6 {
        assert!(help.out.contains(&format!("\n  {status}  ")), "{status}");
    }
}

#[test]
fn a_refusal_is_told_in_full() {
    let problem = r#"{"type":"/problems/invalid-content","title":"The content is not valid","status":422,"detail":"2 values are wrong","request_id":"r1","errors":[{"pointer":"/entries/0/value","code":"format","detail":"is not an address\u001b"},{"pointer":"","code":"required","detail":"needs more"}]}"#;
    let engine = Engine::new([(
        "POST /api/v1/lists/blocklist/entries",
        Reply::problem(422, problem),
    )]);
    let run = ravelin(&engine, &["lists", "add", "blocklist", "x"]);
    let expected = "ravelin: The content is not valid (422)
  2 values are wrong
  /entries/0/value: is not an address\\u{1b}
  /: needs more
  request r1\n";
    check(&run, 1, &[expected]);
}

#[test]
fn a_dependency_is_named() {
    let problem = r#"{"type":"/problems/missing-dependency","title":"Another feature must be enabled first","status":409,"detail":"dns_blocklist needs statistics, which is disabled","request_id":"r1","blocked_by":["statistics"]}"#;
    let engine = Engine::new([(
        "POST /api/v1/ebpf/features/dns_blocklist/enable",
        Reply::problem(409, problem),
    )]);
    check(
        &ravelin(&engine, &["features", "enable", "dns_blocklist"]),
        1,
        &["in the way: statistics"],
    );
}

#[test]
fn nonsense_on_the_command_line_is_2() {
    check(&run(&["nonsense"], ""), 2, &["nonsense"]);
    check(
        &run(&["interfaces", "set", "wan0", "--external", "maybe"], ""),
        2,
        &["maybe"],
    );
    check(&run(&["lists", "add", "blocklist"], ""), 2, &["VALUE"]);
    check(
        &run(&["lists", "add", "l", "v", "--expires-in", "10"], ""),
        2,
        &["length of time"],
    );
    check(
        &run(&["features", "config", "statistics", "--set", "x"], ""),
        2,
        &["KEY=VALUE"],
    );
    check(
        &run(&["--url", "http://localhost:8443", "status"], ""),
        2,
        &["https://"],
    );
    check(
        &run(&["--url", "https://user:secret@localhost", "status"], ""),
        2,
        &["without a user"],
    );
}

#[test]
fn files_that_are_not_there_or_not_right_are_2() {
    let engine = Engine::new([]);
    check(
        &ravelin(&engine, &["lists", "import", "blocklist", "/nonexistent"]),
        2,
        &["cannot read /nonexistent"],
    );
    check(
        &ravelin(&engine, &["--token-file", "/nonexistent", "status"]),
        2,
        &["cannot read /nonexistent"],
    );
    let empty = engine.file("empty", " \n");
    check(
        &ravelin(&engine, &["--token-file", empty.to_str().unwrap(), "status"]),
        2,
        &["holds no token"],
    );
    let url = [
        "--url",
        "https://localhost:1",
        "--ca-cert",
        empty.to_str().unwrap(),
        "status",
    ];
    check(&run(&url, ""), 2, &["no certificate"]);
    let config = engine.file("config.json", "{");
    let file = [
        "features",
        "config",
        "statistics",
        "--file",
        config.to_str().unwrap(),
    ];
    check(&ravelin(&engine, &file), 2, &["cannot use"]);
}

#[test]
fn an_engine_that_is_not_there_is_3_and_says_what_to_check() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("raveld.sock");
    let status = || run(&["--socket", socket.to_str().unwrap(), "status"], "");
    check(
        &status(),
        3,
        &[
            "cannot reach the engine at",
            "raveld.sock",
            "No such file",
            "Check that raveld runs",
        ],
    );
    drop(UnixListener::bind(&socket).unwrap());
    check(&status(), 3, &["Connection refused", "nobody listens"]);
    let gateway = run(&["--url", "https://127.0.0.1:1", "status"], "");
    check(
        &gateway,
        3,
        &["https://127.0.0.1:1", "ravelin-gateway runs there"],
    );
}

#[test]
fn a_missing_credential_is_4() {
    let problem = r#"{"type":"/problems/unauthorized","title":"A valid credential is needed","status":401,"detail":"this request needs Authorization: Bearer and a token","request_id":"r1"}"#;
    let engine = Engine::new([("GET /api/v1/ebpf/stats", Reply::problem(401, problem))]);
    check(
        &ravelin(&engine, &["stats"]),
        4,
        &["A valid credential is needed (401)", "needs Authorization"],
    );
}

#[test]
fn an_answer_of_something_else_is_5() {
    let engine = Engine::new([
        ("GET /api/v1/ebpf/stats", Reply::new(200, "", "<html>")),
        ("GET /api/v1/lists/x", Reply::json(r#"{"id":7}"#)),
        ("GET /api/v1/lists/y", Reply::new(502, "", "Bad gateway")),
    ]);
    check(
        &ravelin(&engine, &["stats"]),
        5,
        &["cannot understand the answer"],
    );
    check(
        &ravelin(&engine, &["lists", "show", "x"]),
        5,
        &["cannot understand the answer"],
    );
    check(&ravelin(&engine, &["lists", "show", "y"]), 5, &["502"]);
}

#[test]
fn an_answer_that_breaks_off_is_3() {
    let engine = Engine::new([("GET /api/v1/ebpf/stats", Reply::broken_stream("{"))]);
    check(&ravelin(&engine, &["stats"]), 3, &["broke off"]);
}
