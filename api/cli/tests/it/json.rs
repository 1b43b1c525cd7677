//! What programs see.

use serde_json::{Value, json};

use crate::engine::{Engine, Reply};
use crate::run::ravelin;
use crate::samples::{self, ADS, BLOCKLIST, DNS_BLOCKLIST, STATISTICS, TUN, WAN, page, page_text};

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The answer is printed as it came, on one line.
#[track_caller]
fn check(engine: &Engine, arguments: &[&str], expected: &Value) {
    let run = ravelin(engine, &[&["--json"], arguments].concat());
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{arguments:?}");
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert_eq!(parse(&run.out), *expected, "{arguments:?}");
}

#[test]
fn answers_are_passed_on() {
    let engine = Engine::new([
        ("GET /api/v1/ebpf/features/statistics", Reply::json(STATISTICS)),
        ("GET /api/v1/lists?limit=1000", page(&[BLOCKLIST, ADS])),
        ("GET /api/v1/ebpf/stats", Reply::json(r#"{"a_newer":"engine"}"#)),
    ]);
    check(&engine, &["features", "show", "statistics"], &parse(STATISTICS));
    let lists = json!({ "items": [parse(BLOCKLIST), parse(ADS)], "next_cursor": null });
    check(&engine, &["lists", "list"], &lists);
    check(&engine, &["stats"], &json!({ "a_newer": "engine" }));
}

#[test]
fn pages_are_joined() {
    let engine = Engine::new([
        (
            "GET /api/v1/lists?limit=1000",
            Reply::json(&page_text(&[BLOCKLIST], r#""c/1""#)),
        ),
        ("GET /api/v1/lists?limit=1000&cursor=c%2F1", page(&[ADS])),
    ]);
    let lists = json!({ "items": [parse(BLOCKLIST), parse(ADS)], "next_cursor": null });
    check(&engine, &["lists", "list"], &lists);
}

#[test]
fn status_is_one_object() {
    let engine = samples::engine(Reply::json(r#"{"status":"ready","revision":9}"#));
    let expected = json!({
        "readiness": { "status": "ready", "revision": 9 },
        "features": { "items": [parse(STATISTICS), parse(DNS_BLOCKLIST)], "next_cursor": null },
        "interfaces": { "items": [parse(WAN), parse(TUN)], "next_cursor": null },
    });
    check(&engine, &["status"], &expected);
}

#[test]
fn an_answer_without_body_prints_nothing() {
    let engine = Engine::new([("DELETE /api/v1/lists/lst_1", Reply::new(204, "", ""))]);
    let run = ravelin(&engine, &["--json", "lists", "delete", "lst_1"]);
    assert_eq!((run.status, run.out.as_str()), (0, ""));
}

#[test]
fn problems_are_passed_on_too() {
    let engine = samples::engine(Reply::json("{}"));
    let run = ravelin(&engine, &["--json", "features", "show", "nonsense"]);
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert_eq!(parse(&run.err)["type"], "/problems/not-found");
}

#[test]
fn a_terminal_gets_no_control_characters_from_json_either() {
    let name = "{\"a\":\"\u{9b}31m\u{202e}\"}";
    let engine = Engine::new([("GET /api/v1/ebpf/stats", Reply::json(name))]);
    let run = ravelin(&engine, &["--json", "stats"]);
    assert_eq!(run.out, "{\"a\":\"\\u009b31m\\u202e\"}\n");
}
