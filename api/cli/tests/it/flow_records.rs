//! What is left of connections.

use crate::engine::{Engine, Reply};
use crate::run::ravelin;
use crate::samples::{page, page_text};

const WEB: &str = r#"{"number":8,"protocol":6,"original":{"source":"192.0.2.1","destination":"203.0.113.9","source_port":40000,"destination_port":443},"reply":{"source":"203.0.113.9","destination":"198.51.100.1","source_port":443,"destination_port":61000},"nat":{"source":{"address":"198.51.100.1","port":61000}},"counts":{"original":{"packets":12,"bytes":3400},"reply":{"packets":20,"bytes":18446744073709551615}},"started_at":"2026-11-20T09:59:57.9Z","ended_at":"2026-11-20T10:00:00Z","duration_ms":2100,"end_reason":"closed","tcp_state":"time_wait","line":{"origin":"rule","origin_id":"rul_1","origin_name":"web"},"revision":5,"from_zone":"zon_1","to_zone":"zon_2","offload":"xdp","community_id":"1:LQU9qZlK+B5F3KDmev6m5PMibrg="}"#;
const NAME: &str = r#"{"number":7,"protocol":17,"original":{"source":"2001:db8::1","destination":"2001:db8::53","source_port":5353,"destination_port":53},"reply":{"source":"2001:db8::53","destination":"2001:db8::1","source_port":53,"destination_port":5353},"nat":{},"counts":{"original":{"packets":1,"bytes":60},"reply":{"packets":0,"bytes":0}},"ended_at":"2026-11-20T09:59:00Z","end_reason":"timeout","revision":5,"offload":"no"}"#;

const HEADING: &str = "NUMBER  ENDED                 SECONDS  REASON   PROTOCOL  SOURCE        PORT  DESTINATION   PORT  PACKETS  BYTES  BACK-PACKETS            BACK-BYTES  BY\n";

#[test]
fn records_are_shown_oldest_first() {
    let engine = Engine::new([(
        "GET /api/v1/flow-records?limit=2",
        Reply::json(&page_text(&[WEB, NAME], r#""Nw""#)),
    )]);
    let run = ravelin(&engine, &["flow-records", "--limit", "2"]);
    let rows = "     7  2026-11-20T09:59:00Z  -        timeout        17  2001:db8::1   5353  2001:db8::53    53        1     60             0                     0  -
     8  2026-11-20T10:00:00Z  2.100    closed          6  192.0.2.1    40000  203.0.113.9    443       12   3400            20  18446744073709551615  rule:web\n";
    assert_eq!(
        (run.status, run.out.as_str()),
        (0, format!("{HEADING}{rows}").as_str())
    );
    assert!(run.err.contains("more records"), "{}", run.err);
}

#[test]
fn what_is_asked_for_is_named_in_the_query() {
    let query = "GET /api/v1/flow-records?limit=1000&since=2026-11-20T00%3A00%3A00Z&until=2026-11-21T00%3A00%3A00Z\
        &address=192.0.2.0%2F24&port=443&protocol=tcp&zone=lan&rule=web&end_reason=closed&min_bytes=1000\
        &community_id=1%3ALQU9qZlK%2BB5F3KDmev6m5PMibrg%3D";
    let engine = Engine::new([
        (query, page(&[])),
        ("GET /api/v1/flow-records/8", Reply::json(WEB)),
    ]);
    let arguments = "flow-records --since 2026-11-20T00:00:00Z --until 2026-11-21T00:00:00Z \
        --address 192.0.2.0/24 --port 443 --protocol tcp --zone lan --rule web --end-reason closed --min-bytes 1000 \
        --community-id 1:LQU9qZlK+B5F3KDmev6m5PMibrg= --limit 0";
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    let run = ravelin(&engine, &arguments);
    assert_eq!(run.status, 0, "{}", run.err);
    let run = ravelin(&engine, &["flow-records", "8", "--json"]);
    let [shown, engines]: [serde_json::Value; 2] =
        [&run.out, WEB].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(shown, engines);
    let run = ravelin(&engine, &["flow-records", "8", "--port", "1"]);
    assert_eq!(run.status, 2, "{}", run.err);
}
