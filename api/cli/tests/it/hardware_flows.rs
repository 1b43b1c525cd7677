//! Connections in network cards.

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin};
use crate::samples::{page, page_text};

const WEB: &str = r#"{"id":"flw_1","protocol":6,"original":{"source":"10.0.0.7","destination":"203.0.113.80","source_port":40000,"destination_port":443},"state":"installed","from":{"interface":"lan0"},"to":{"interface":"wan0","vlan_id":100},"packets_per_second":81000,"counts":{"original":{"packets":10,"bytes":1200},"reply":{"packets":12,"bytes":18446744073709551615}},"installed_at":"2026-11-20T10:00:00Z"}"#;
const CALL: &str = r#"{"id":"flw_2","protocol":17,"original":{"source":"2001:db8::7","destination":"2001:db8::9","source_port":5004,"destination_port":5004},"state":"would_install","from":{"interface":"lan\u001b[2J0"},"to":{"interface":"wan0"},"packets_per_second":50,"counts":{"original":{"packets":0,"bytes":0},"reply":{"packets":0,"bytes":0}}}"#;

const TABLE: &str = "PROTOCOL  SOURCE              DESTINATION         STATE          FROM           TO          PPS  PACKETS  BYTES  BACK-PACKETS            BACK-BYTES  SINCE                 ID
tcp       10.0.0.7:40000      203.0.113.80:443    installed      lan0           wan0.100  81000       10   1200            12  18446744073709551615  2026-11-20T10:00:00Z  flw_1
udp       [2001:db8::7]:5004  [2001:db8::9]:5004  would_install  lan\\u{1b}[2J0  wan0         50        0      0             0                     0  -                     flw_2
";

#[test]
fn connections_in_cards_are_listed() {
    let engine = Engine::new([("GET /api/v1/hardware-flows?limit=100", page(&[WEB, CALL]))]);
    check(&engine, &["hardware-flows"], TABLE);
    let run = ravelin(&engine, &["hardware-flows", "--json"]);
    let [shown, engines]: [serde_json::Value; 2] =
        [run.out, page_text(&[WEB, CALL], "null")].map(|text| serde_json::from_str(&text).unwrap());
    assert_eq!(shown, engines);
}

#[test]
fn only_some_are_asked_for() {
    let engine = Engine::new([(
        "GET /api/v1/hardware-flows?limit=1&interface=wan0&state=would_install",
        Reply::json(&page_text(&[CALL], "\"more\"")),
    )]);
    let arguments = "hardware-flows --interface wan0 --state would-install --limit 1";
    let run = ravelin(&engine, &arguments.split(' ').collect::<Vec<_>>());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.err.contains("--limit 0 shows all"), "{run:?}");
    assert_eq!(run.out.lines().count(), 2, "{run:?}");
    let run = ravelin(&engine, &["hardware-flows", "--state", "in-card"]);
    assert_eq!(run.status, 2, "{run:?}");
}
