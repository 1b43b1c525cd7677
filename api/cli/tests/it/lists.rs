//! Lists and their entries.

use serde_json::json;

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin, ravelin_reading};
use crate::samples::{ADS, BLOCKLIST, HOST, NETWORK, page, page_text};

#[test]
fn lists_are_shown_made_and_deleted() {
    let engine = Engine::new([
        ("GET /api/v1/lists?limit=1000", page(&[BLOCKLIST, ADS])),
        ("GET /api/v1/lists/lst_1", Reply::json(ADS)),
        ("POST /api/v1/lists", Reply::new(201, "", ADS)),
        ("DELETE /api/v1/lists/lst_1", Reply::new(204, "", "")),
    ]);
    let list = "ID         NAME       KIND     BUILT-IN  ENTRIES  UPDATED
blocklist  blocklist  address  yes             2  2026-11-20T10:00:00Z
lst_1      ads        domain   no         120000  2026-11-20T11:30:00Z\n";
    check(&engine, &["lists", "list"], list);
    let one = "ID     NAME  KIND    BUILT-IN  ENTRIES  UPDATED
lst_1  ads   domain  no         120000  2026-11-20T11:30:00Z\n";
    check(&engine, &["lists", "show", "lst_1"], one);
    check(&engine, &["lists", "create", "ads", "--kind", "domain"], one);
    let post = engine.requests().pop().unwrap();
    assert_eq!(post.json(), json!({ "name": "ads", "kind": "domain" }));
    check(&engine, &["lists", "delete", "lst_1"], "list lst_1 is gone\n");
    assert_eq!(engine.requests().pop().unwrap().header("if-match"), Some("*"));
}

#[test]
fn entries_are_shown() {
    let engine = Engine::new([
        (
            "GET /api/v1/lists/blocklist/entries?limit=1000",
            page(&[NETWORK, HOST]),
        ),
        (
            "GET /api/v1/lists/blocklist/entries?limit=1000&search=a+b%2F",
            page(&[]),
        ),
        (
            "GET /api/v1/lists/blocklist/entries?limit=1",
            Reply::json(&page_text(&[NETWORK], r#""c1""#)),
        ),
    ]);
    let heading = "ENTRY   VALUE            EXPIRES               PACKETS  BYTES\n";
    let network = "ent_1f  203.0.113.0/24   2026-12-01T00:00:00Z       12   3456\n";
    let host = "ent_20  2001:db8::7/128  -                           0      0\n";
    check(
        &engine,
        &["lists", "entries", "blocklist"],
        &[heading, network, host].concat(),
    );
    let none = "ENTRY  VALUE  EXPIRES  PACKETS  BYTES\n";
    check(
        &engine,
        &["lists", "entries", "blocklist", "--search", "a b/"],
        none,
    );
    let first = ravelin(&engine, &["lists", "entries", "blocklist", "--limit", "1"]);
    assert_eq!(first.out.lines().count(), 2);
    assert_eq!(
        first.err,
        "ravelin: there are more entries; --limit 0 shows all\n"
    );
}

fn added(entries: &[&str]) -> Reply {
    let entries = entries.join(",");
    Reply::new(
        201,
        "",
        &format!(r#"{{"entries":[{entries}],"list":{BLOCKLIST},"revision":4}}"#),
    )
}

#[test]
fn entries_are_added_together() {
    let engine = Engine::new([("POST /api/v1/lists/blocklist/entries", added(&[NETWORK, HOST]))]);
    let add = [
        "lists",
        "add",
        "blocklist",
        "203.0.113.0/24",
        "2001:db8::7",
        "--expires-at",
        "2026-12-01T01:00:00+01:00",
    ];
    let run = ravelin(&engine, &add);
    assert_eq!((run.status, run.out.lines().count()), (0, 3), "{run:?}");
    let expected = json!({ "entries": [
        { "value": "203.0.113.0/24", "expires_at": "2026-12-01T00:00:00Z" },
        { "value": "2001:db8::7", "expires_at": "2026-12-01T00:00:00Z" },
    ] });
    assert_eq!(engine.requests().pop().unwrap().json(), expected);
}

#[test]
fn an_entry_can_expire_after_a_while() {
    let engine = Engine::new([("POST /api/v1/lists/blocklist/entries", added(&[HOST]))]);
    let before = time::OffsetDateTime::now_utc();
    let run = ravelin(
        &engine,
        &[
            "lists",
            "add",
            "blocklist",
            "2001:db8::7",
            "--expires-in",
            "1h30m",
        ],
    );
    assert_eq!(run.status, 0, "{run:?}");
    let after = time::OffsetDateTime::now_utc();
    let body = engine.requests().pop().unwrap().json();
    let text = body["entries"][0]["expires_at"].as_str().unwrap();
    let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    let length = time::Duration::minutes(90);
    assert!((before + length..=after + length).contains(&at), "{at}");
}

#[test]
fn an_entry_is_removed_by_id_or_by_value() {
    let engine = Engine::new([
        (
            "DELETE /api/v1/lists/blocklist/entries/ent_20",
            Reply::new(204, "", ""),
        ),
        (
            "GET /api/v1/lists/blocklist/entries?limit=1000&search=2001%3Adb8%3A%3A7%2F128",
            page(&[NETWORK, HOST]),
        ),
        (
            "GET /api/v1/lists/blocklist/entries?limit=1000&search=192.0.2.1%2F32",
            page(&[]),
        ),
    ]);
    let gone = "entry ent_20 is gone\n";
    check(&engine, &["lists", "remove", "blocklist", "ent_20"], gone);
    check(&engine, &["lists", "remove", "blocklist", "2001:DB8:0::7"], gone);
    let unknown = ravelin(&engine, &["lists", "remove", "blocklist", "192.0.2.1"]);
    assert_eq!(unknown.err, "ravelin: list blocklist has no entry 192.0.2.1/32\n");
    assert_eq!(unknown.status, 1);
}

const REPORT: &str = r#"{"list":{"id":"blocklist","name":"blocklist","kind":"address","built_in":true,"entries_count":2,"updated_at":"2026-11-20T10:00:00Z","revision":5},"accepted":2,"duplicates":1,"ignored":4,"invalid":1,"problems":[{"line":3,"detail":"is not an address"}],"revision":5}"#;

#[test]
fn a_file_or_standard_input_is_imported() {
    let engine = Engine::new([("PUT /api/v1/lists/blocklist/entries", Reply::json(REPORT))]);
    let text = "203.0.113.0/24\n# comment\nnonsense\n";
    let file = engine.file("list.txt", text);
    let expected = "LIST       ACCEPTED  DUPLICATES  IGNORED  INVALID  REVISION
blocklist         2           1        4        1         5

LINE  PROBLEM
   3  is not an address\n";
    check(
        &engine,
        &["lists", "import", "blocklist", file.to_str().unwrap()],
        expected,
    );
    let piped = ravelin_reading(&engine, &["lists", "import", "blocklist", "-"], text);
    assert_eq!((piped.status, piped.out.as_str()), (0, expected), "{piped:?}");
    for request in engine.requests() {
        assert_eq!(request.body, text);
        assert_eq!(request.header("content-type"), Some("text/plain"));
        assert_eq!(request.header("if-match"), Some("*"));
    }
}

#[test]
fn names_on_the_command_line_stay_one_segment_of_the_path() {
    let engine = Engine::new([]);
    ravelin(&engine, &["lists", "show", "a/../b?c#d"]);
    assert_eq!(engine.lines(), ["GET /api/v1/lists/a%2F..%2Fb%3Fc%23d"]);
}
