//! The stream of events.

use crate::engine::{Engine, Reply};
use crate::run::ravelin;

const LIST: &str = r#"{"sequence":1,"at":"2026-11-20T10:00:00Z","type":"list_changed","list_changed":{"list":"blocklist","entries_count":2,"revision":4}}"#;
const DROP: &str = r#"{"sequence":2,"at":"2026-11-20T10:00:01Z","type":"packet_dropped","packet_dropped":{"interface_index":3,"interface":"wan0","reason":"source_listed","source":"203.0.113.7","destination":"192.0.2.1","protocol":6,"source_port":40000,"destination_port":443,"list":"blocklist","entry":"ent_1f"}}"#;
const DNS: &str = r#"{"sequence":3,"at":"2026-11-20T10:00:02Z","type":"dns_query_blocked","dns_query_blocked":{"name":"ads.example","lists":["dns-blocklist"],"packet":{"interface_index":4,"reason":"dns_answered","source":"2001:db8::5","destination":"2001:db8::53","protocol":17,"source_port":5353,"destination_port":53}}}"#;
const FEATURE: &str = r#"{"sequence":5,"at":"2026-11-20T10:00:03Z","type":"feature_changed","feature_changed":{"feature":"statistics","enabled":true,"state":"active","revision":5}}"#;
const UNAUTHORIZED: &str = r#"{"type":"/problems/unauthorized","title":"A valid credential is needed","status":401,"detail":"the token has expired","request_id":"r3"}"#;

fn message(id: u64, event: &str, data: &str) -> String {
    format!("id: {id}\nevent: {event}\ndata: {data}\n\n")
}

#[test]
fn without_follow_it_ends_with_the_stream() {
    let stream = [
        ": keep-alive\n\n".to_owned(),
        message(1, "list_changed", LIST),
        message(2, "packet_dropped", DROP),
        "event: gap\ndata: {\"lost\":5}\n\n".to_owned(),
        message(3, "dns_query_blocked", DNS),
        message(5, "feature_changed", FEATURE),
        message(
            5,
            "feature_changed",
            &FEATURE.replace("true", "false").replace("active", "disabled"),
        ),
        message(6, "of_the_future", r#"{"sequence":6,"new":"\u001b"}"#),
    ];
    let engine = Engine::new([("GET /api/v1/events", Reply::stream(&stream.concat()))]);
    let run = ravelin(&engine, &["events"]);
    let expected = "\
2026-11-20T10:00:00Z  list_changed  blocklist has 2 entries at revision 4
2026-11-20T10:00:01Z  packet_dropped  source_listed from 203.0.113.7 port 40000 to 192.0.2.1 port 443 protocol 6 on wan0 list blocklist entry ent_1f
gap: 5 events are missing here
2026-11-20T10:00:02Z  dns_query_blocked  ads.example dns_answered from 2001:db8::5 port 5353 to 2001:db8::53 port 53 protocol 17 on #4
2026-11-20T10:00:03Z  feature_changed  statistics is enabled and active at revision 5
2026-11-20T10:00:03Z  feature_changed  statistics is disabled at revision 5
of_the_future  {\"new\":\"\\u001b\",\"sequence\":6}
";
    assert_eq!((run.status, run.out.as_str()), (0, expected), "{}", run.err);
}

/// Follows streams that end one after the other, until the engine refuses.
#[track_caller]
fn check(streams: [Reply; 2], arguments: &[&str]) -> (String, Vec<Option<String>>) {
    let [first, second] = streams;
    let line = "GET /api/v1/events?types=list_changed%2Cpacket_dropped";
    let engine = Engine::new([
        (line, first),
        (line, second),
        (line, Reply::problem(401, UNAUTHORIZED)),
    ]);
    let follow = ["events", "--follow", "--types", "list_changed,packet_dropped"];
    let run = ravelin(&engine, &[&follow, arguments].concat());
    assert_eq!(run.status, 4, "{run:?}");
    assert_eq!(run.err.matches("connecting again").count(), 2, "{}", run.err);
    let resumed = engine.requests().into_iter();
    (
        run.out,
        resumed
            .map(|request| request.header("last-event-id").map(str::to_owned))
            .collect(),
    )
}

#[test]
fn follow_goes_on_where_the_stream_broke_off() {
    let unfinished = format!("id: 2\nevent: packet_dropped\ndata: {DROP}\n");
    let first = Reply::broken_stream(&[message(1, "list_changed", LIST), unfinished].concat());
    let second = Reply::stream(&message(2, "packet_dropped", DROP));
    let (out, resumed) = check([first, second], &[]);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert_eq!(resumed, [None, Some("1".to_owned()), Some("2".to_owned())]);
}

#[test]
fn json_is_one_object_a_line() {
    let first = Reply::stream(&message(1, "list_changed", LIST));
    let second = Reply::stream(
        &[
            "event: gap\ndata: {\"lost\":5}\n\n",
            &message(2, "packet_dropped", DROP),
        ]
        .concat(),
    );
    let (out, _) = check([first, second], &["--json"]);
    let got: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = [LIST, r#"{"type":"gap","lost":5}"#, DROP];
    let expected: Vec<serde_json::Value> = expected.map(|line| serde_json::from_str(line).unwrap()).into();
    assert_eq!(got, expected);
}
