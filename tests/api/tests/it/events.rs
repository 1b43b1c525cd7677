use ravelin_abi::{rv_event, rv_event_kind, rv_event_version};
use ravelin_datapath::RawEvent;
use ravelin_model::Reason;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use crate::check::{check_problem, check_refused};
use crate::raw::Raw;
use crate::world::World;

/// A stream of events over a connection of its own.
struct Stream(Raw);

impl Stream {
    fn open(world: &World, query: &str, last: Option<u64>) -> Self {
        let mut raw = Raw::open(&world.socket());
        let resume = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        raw.send(format!("GET /api/v1/events{query} HTTP/1.1\r\nhost: a\r\n{resume}\r\n").as_bytes());
        let head = raw.read_until("\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        Self(raw)
    }

    /// Id, type and data of the next event.
    fn next(&mut self) -> (String, String, Value) {
        let text = self.0.read_until("\n\n");
        // Chunks carry whole events: their sizes stand on lines of their own.
        let field = |name: &str| {
            let value = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_default().to_owned()
        };
        let data = serde_json::from_str(&field("data")).unwrap_or_else(|error| panic!("{error} in {text:?}"));
        (field("id"), field("event"), data)
    }
}

fn switch(world: &World, feature: &str, to: &str) {
    let path = format!("/api/v1/ebpf/features/{feature}/{to}");
    world.admin().post(&path, &Value::Null).expect(200);
}

fn packet(number: u16) -> RawEvent {
    RawEvent(rv_event {
        kind: u16::try_from(rv_event_kind::RV_EVENT_DROP).expect("small"),
        version: u16::try_from(rv_event_version::RV_EVENT_VERSION).expect("small"),
        length: 0,
        ktime_ns: 1,
        ifindex: 3,
        frame_length: 60,
        reason: Reason::SourceListed.number(),
        family: 4,
        protocol: 17,
        source_port: number,
        destination_port: 53,
        source: [192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        destination: [198, 51, 100, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        object: u32::MAX,
        list: 0,
        revision: 0,
        name_length: 0,
        from_zone: 0,
        to_zone: 0,
        pad: [0; 5],
        name: [0; 256],
    })
}

#[test]
fn changes_and_packets_are_told_as_they_happen() {
    let world = World::new();
    let mut stream = Stream::open(&world, "?types=feature_changed,packet_dropped", None);
    switch(&world, "ddos_protection", "enable");
    let (id, kind, data) = stream.next();
    assert_eq!(kind, "feature_changed");
    assert_eq!(
        (data["sequence"].to_string(), &data["type"]),
        (id, &json!("feature_changed"))
    );
    let change = &data["feature_changed"];
    assert_eq!(
        (&change["feature"], &change["enabled"]),
        (&json!("ddos_protection"), &json!(true))
    );
    assert_eq!(change["revision"], world.control.revision().0);

    world.block_on(world.events.send(packet(4242))).expect("queued");
    let (_, kind, data) = loop {
        let event = stream.next();
        if event.1 == "packet_dropped" {
            break event;
        }
    };
    assert_eq!(kind, "packet_dropped");
    let packet = &data["packet_dropped"];
    assert_eq!(packet["interface"], "wan0");
    assert_eq!(
        (&packet["source"], &packet["source_port"]),
        (&json!("192.0.2.1"), &json!(4242))
    );
    assert_eq!(packet["reason"], "source_listed");
    assert!(data.get("feature_changed").is_none(), "{data}");
}

#[test]
fn a_stream_goes_on_after_the_last_event_seen() {
    let world = World::new();
    let mut first = Stream::open(&world, "?types=list_changed", None);
    world.list("one", "address");
    let (seen, _, data) = first.next();
    assert!(
        data["list_changed"]["list"]
            .as_str()
            .expect("id")
            .starts_with("lst_"),
        "{data}"
    );
    drop(first);
    let two = world.list("two", "address");
    let mut again = Stream::open(&world, "?types=list_changed", Some(seen.parse().expect("number")));
    assert_eq!(again.next().2["list_changed"]["list"], json!(two));
}

#[test]
fn what_is_missing_is_counted() {
    let world = World::new();
    let mut stream = Stream::open(&world, "?types=packet_dropped", None);
    world.block_on(world.events.send(packet(0))).expect("queued");
    let first: u64 = stream.next().0.parse().expect("number");
    // More than the engine keeps.
    world.block_on(async {
        for number in 1..=5000 {
            world.events.send(packet(number)).await.expect("queued");
        }
    });
    // The last one is through once someone who follows has it.
    while stream.next().2["packet_dropped"]["source_port"] != 5000 {}
    let mut late = Stream::open(&world, "", Some(first));
    let (id, kind, data) = late.next();
    assert_eq!((id.as_str(), kind.as_str()), ("", "gap"));
    let lost = data["lost"].as_u64().expect("number");
    assert_eq!(lost, 5000 - 4096);
    let next: u64 = late.next().0.parse().expect("number");
    assert_eq!(next, first + lost + 1);
}

#[test]
fn a_stream_ends_with_the_engine() {
    let world = World::new();
    let mut stream = Stream::open(&world, "", None);
    world.control.shut_down();
    // The last chunk: the answer is over, the connection is not.
    stream.0.read_until("0\r\n\r\n");
}

#[test]
fn a_place_that_is_no_number_is_refused() {
    let world = World::new();
    let request = Request::new(http::Method::GET, "/api/v1/events").header("last-event-id", "yesterday");
    check_refused(&world, &request, 400, "invalid-header");
    check_problem(&world.admin().get("/api/v1/events?types="), 400, "invalid-query");
}

#[test]
fn kills_of_connections_are_told() {
    let world = World::new();
    let mut stream = Stream::open(&world, "?types=flows_killed", None);
    world.control.flows_killed(3, true);
    let (_, kind, data) = stream.next();
    assert_eq!(kind, "flows_killed");
    assert_eq!(data["flows_killed"], json!({"killed": 3, "reset": true}));
}
