//! Tuning: shown, and changed by keys with dots.

use serde_json::json;

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin};

const TUNING: &str = r#"{"mode":"auto","window_seconds":10,"memory_ceiling_bytes":536870912,"limits":{
"flow_cache_connections":{"min":1024,"max":1048576},"event_buffers":{"min":4,"max":256},"event_batch":{"min":16,"max":256},
"event_workers":{"min":1,"max":4},"event_rate":{"min":25,"max":200},"receive_queues":{"min":1,"max":64}},
"objects":[{"object":"flow_cache_connections","value":8192,"min":1024,"max":1048576,"memory_bytes":5816320,
"last_changed_at":"2026-11-20T10:00:00Z"},
{"object":"receive_queues","interface":"wan0","value":4,"min":1,"max":64,"memory_bytes":0}],
"window":{"ended_at":"2026-11-20T10:00:00Z","seconds":10.02,"flow_cache":{"hit_rate":null,"occupancy":0.5,
"ipv4_connections":4096,"ipv6_connections":0,"inserted_connections":3,"refused_connections":2,"hit_packets":0,
"missed_packets":0},"event_workers":{"count":1,"busy_seconds":0.0},"store":{"batches":0,"rows":0,
"mean_batch_seconds":null},"receive_queues":[]},
"decisions":[{"sequence":2,"at":"2026-11-20T10:00:00Z","object":"flow_cache_connections","from":4096,"to":8192,
"reason":"3000 of 4096","outcome":"failed","problem":"no memory"}],"revision":7}"#;

const SHOWN: &str = "MODE  WINDOW-SECONDS  CEILING-BYTES  REVISION
auto              10      536870912         7

OBJECT                  INTERFACE  VALUE   MIN      MAX    BYTES  CHANGED
flow_cache_connections  -           8192  1024  1048576  5816320  2026-11-20T10:00:00Z
receive_queues          wan0           4     1       64        0  -

LAST WINDOW           VALUE
seconds               10.0
flow cache hit rate   -
flow cache occupancy  50.0 %
connections refused   2

AT                    OBJECT                  FROM    TO  OUTCOME  REASON
2026-11-20T10:00:00Z  flow_cache_connections  4096  8192  failed   3000 of 4096; no memory
";

#[test]
fn tuning_is_shown() {
    let engine = Engine::new([("GET /api/v1/tuning", Reply::tagged("\"7\"", TUNING))]);
    check(&engine, &["tuning"], SHOWN);
    check(&engine, &["tuning", "show"], SHOWN);
}

#[test]
fn tuning_is_changed_where_it_was_read() {
    let engine = Engine::new([
        ("GET /api/v1/tuning", Reply::tagged("\"7\"", TUNING)),
        ("PATCH /api/v1/tuning", Reply::json(TUNING)),
    ]);
    let set = [
        "tuning",
        "set",
        "mode=advise",
        "limits.event_rate.max=100",
        "limits.event_rate.min=50",
    ];
    check(&engine, &set, SHOWN);
    let patch = engine.requests().pop().expect("a request");
    assert_eq!(patch.header("if-match"), Some("\"7\""));
    let expected = json!({ "mode": "advise", "limits": { "event_rate": { "min": 50, "max": 100 } } });
    assert_eq!(patch.json(), expected);
    assert_eq!(ravelin(&engine, &["tuning", "set"]).status, 2);
}
