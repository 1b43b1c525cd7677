//! Live connections.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin};
use crate::samples::{page, page_text};

const WEB: &str = r#"{"id":"flw_1","protocol":6,"original":{"source":"10.0.0.7","destination":"203.0.113.80","source_port":40000,"destination_port":443},"reply":{"source":"203.0.113.80","destination":"198.51.100.1","source_port":443,"destination_port":40000},"nat":{"source":{"address":"198.51.100.1","port":40000}},"state":"established","status":["seen_reply","assured","snat"],"from":{"zone":{"id":"zon_1","name":"lan"},"interface":"lan0"},"to":{"zone":{"id":"zon_2","name":"wan"},"interface":"wan0"},"conntrack_zone":0,"started_at":"2026-11-20T10:00:00Z","age_seconds":18130,"idle_seconds":3,"timeout_seconds":431997,"counts":{"original":{"packets":10,"bytes":1200},"reply":{"packets":12,"bytes":64000}},"rate":{"original_bps":800,"reply_bps":120000,"window_ms":2000},"line":{"origin":"rule","origin_id":"rul_1","origin_name":"web"},"mark":100,"offload":"xdp"}"#;
const PING: &str = r#"{"id":"flw_2","protocol":58,"original":{"source":"2001:db8::7","destination":"2001:db8::1","source_port":77,"destination_port":32768},"reply":{"source":"2001:db8::1","destination":"2001:db8::7","source_port":77,"destination_port":33024},"nat":{},"state":"replied","status":["seen_reply"],"from":{"interface":"spare\u001b[2J0"},"to":{},"conntrack_zone":0,"mark":0,"offload":"no","offload_reason":"XDP forwards TCP and UDP only"}"#;

const TABLE: &str = "PROTOCOL  SOURCE          DESTINATION       NAT   STATE        FROM             TO     AGE    IDLE  BYTES     BPS  OFFLOAD  LINE  ID
tcp       10.0.0.7:40000  203.0.113.80:443  snat  established  lan              wan    5h02m  3s    65200  120800  xdp      web   flw_1
icmpv6    2001:db8::7     2001:db8::1       -     replied      spare\\u{1b}[2J0  local  -      -         -       -  no       -     flw_2
";

#[test]
fn connections_are_listed_filtered_and_ordered() {
    let engine = Engine::new([
        ("GET /api/v1/flows?limit=100", page(&[WEB, PING])),
        (
            "GET /api/v1/flows?limit=1&protocol=tcp&source=10.0.0.0%2F8&port=443&zone=lan&offload=xdp&sort=bytes&order=asc",
            Reply::json(&page_text(&[WEB], "\"more\"")),
        ),
    ]);
    check(&engine, &["flows"], TABLE);
    check(&engine, &["flows", "list"], TABLE);
    let some = [
        "flows",
        "--protocol",
        "tcp",
        "--source",
        "10.0.0.0/8",
        "--port",
        "443",
        "--zone",
        "lan",
        "--offload",
        "xdp",
        "--sort",
        "bytes",
        "--ascending",
        "--limit",
        "1",
    ];
    let run = ravelin(&engine, &some);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.err.contains("--limit 0 shows all"), "{run:?}");
    assert_eq!(run.out.lines().count(), 2, "{run:?}");
}

#[test]
fn one_connection_is_shown_with_all_that_is_known() {
    let engine = Engine::new([("GET /api/v1/flows/flw_1", Reply::json(WEB))]);
    let expected = "PROPERTY             VALUE
id                   flw_1
protocol             tcp
source               10.0.0.7:40000
destination          203.0.113.80:443
source becomes       198.51.100.1:40000
destination becomes  -
state                established
status               seen_reply,assured,snat
from                 lan (lan0)
to                   wan (wan0)
line                 web
started              2026-11-20T10:00:00Z
age                  5h02m
idle                 3s
forgotten in         4d23h
sent                 10 packets, 1200 bytes, 800 bit/s
received             12 packets, 64000 bytes, 120.0k bit/s
mark                 0x00000064
conntrack zone       0
offload              xdp
why not faster       -
";
    check(&engine, &["flows", "show", "flw_1"], expected);
}

#[test]
fn connections_are_ended_by_id_or_by_what_they_are() {
    let report = |dry_run: bool, killed: u64| {
        Reply::json(&format!(
            r#"{{"dry_run":{dry_run},"matched":2,"killed":{killed},"sample":[{WEB},{PING}]}}"#
        ))
    };
    let engine = Engine::new([
        ("DELETE /api/v1/flows/flw_1", Reply::new(204, "", "")),
        ("DELETE /api/v1/flows/flw_1?reset=true", Reply::new(204, "", "")),
        ("POST /api/v1/flows/kill", report(false, 1)),
        ("POST /api/v1/flows/kill", report(true, 0)),
    ]);
    check(&engine, &["flows", "kill", "flw_1"], "1 connection ended\n");
    check(
        &engine,
        &["flows", "kill", "flw_1", "--reset"],
        "1 connection ended\n",
    );
    let filter = [
        "flows",
        "kill",
        "--protocol",
        "17",
        "--port",
        "53",
        "--rule",
        "web",
        "--reset",
    ];
    check(&engine, &filter, &format!("{TABLE}1 of 2 connections ended\n"));
    let body = engine.requests().pop().expect("request").json();
    let said =
        json!({"filter": {"protocol": 17, "port": 53, "rule": "web"}, "reset": true, "dry_run": false});
    assert_eq!(body, said);
    let all = ["flows", "kill", "--all", "--dry-run"];
    check(&engine, &all, &format!("{TABLE}2 connections would end\n"));
    let body = engine.requests().pop().expect("request").json();
    assert_eq!(body, json!({"all": true, "reset": false, "dry_run": true}));
    let before = engine.lines().len();
    for nonsense in [
        &["flows", "kill"][..],
        &["flows", "kill", "--all", "--port", "53"],
        &["flows", "kill", "flw_1", "--all"],
        &["flows", "kill", "flw_1", "--dry-run"],
        &["flows", "kill", "flw_1", "--port", "53"],
    ] {
        assert_eq!(ravelin(&engine, nonsense).status, 2, "{nonsense:?}");
    }
    assert_eq!(engine.lines().len(), before);
}

#[test]
fn top_prints_one_screen_for_programs() {
    let engine = Engine::new([
        ("GET /api/v1/flows?limit=20&sort=rate", page(&[WEB, PING])),
        ("GET /api/v1/flows?limit=20&zone=lan&sort=age", page(&[WEB])),
    ]);
    let expected = "RATE    BYTES  AGE    PROTOCOL  SOURCE          DESTINATION       STATE        FROM             TO     OFFLOAD  LINE
120.8k  65.2k  5h02m  tcp       10.0.0.7:40000  203.0.113.80:443  established  lan              wan    xdp      web
-       -      -      icmpv6    2001:db8::7     2001:db8::1       replied      spare\\u{1b}[2J0  local  no       -
";
    check(&engine, &["top", "--once"], expected);
    let run = ravelin(&engine, &["--json", "top", "--sort", "age", "--zone", "lan"]);
    assert_eq!((run.status, run.out.lines().count()), (0, 1), "{run:?}");
    let run = ravelin(&engine, &["top"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.err.contains("--once"), "{run:?}");
}

/// Waits until the engine was asked this.
#[track_caller]
fn asked(engine: &Engine, line: &str) {
    let start = Instant::now();
    while !engine.lines().iter().any(|asked| asked == line) {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{line}: {:?}",
            engine.lines()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn top_takes_keys_and_gives_the_terminal_back() {
    const RATE: &str = "GET /api/v1/flows?limit=21&sort=rate";
    const BYTES: &str = "GET /api/v1/flows?limit=21&sort=bytes";
    const AGE: &str = "GET /api/v1/flows?limit=21&sort=age";
    let engine = Engine::new([RATE, BYTES, AGE].map(|line| (line, page(&[PING]))));
    let socket = engine.socket();
    let command = format!(
        "{} --socket {} top; echo ended with $?; stty -a",
        env!("CARGO_BIN_EXE_ravelin"),
        socket.display()
    );
    // Gives it a terminal of its own, which has no size.
    let mut child = Command::new("script")
        .args(["--quiet", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    for (line, key) in [(RATE, b"b"), (BYTES, b"a"), (AGE, b"q")] {
        asked(&engine, line);
        keys.write_all(key).unwrap();
        keys.flush().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("connections by age"), "{shown}");
    assert!(
        shown.contains("\u{1b}[?1049l") && shown.contains("ended with 0"),
        "{shown}"
    );
    assert!(shown.contains(" icanon") && shown.contains(" echo "), "{shown}");
    assert!(!shown.contains("spare\u{1b}"), "{shown}");
}
