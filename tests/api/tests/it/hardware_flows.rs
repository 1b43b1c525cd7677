use http::Method;
use ravelin_flows::live::FlowId;
use ravelin_flows::{HardwareFlow, HardwareFlowState};
use ravelin_model::{FlowCount, FlowTuple, protocol};
use ravelin_test_harness::Request;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::check::check_refused;
use crate::world::World;

const PATH: &str = "/api/v1/hardware-flows";

#[test]
fn without_cards_nothing_is_in_them() {
    let world = World::new();
    for query in [
        "",
        "?state=installed",
        "?state=would_install&interface=lan0&limit=1",
    ] {
        let page = world.admin().get(&format!("{PATH}{query}")).expect(200).json();
        assert_eq!(page, json!({"items": [], "next_cursor": null}), "{query}");
    }
    for query in [
        "?state=in_card",
        "?limit=0",
        "?limit=1001",
        "?cursor=*",
        "?card=lan0",
    ] {
        let request = Request::new(Method::GET, &format!("{PATH}{query}"));
        check_refused(&world, &request, 400, "invalid-query");
    }
}

/// A connection from the LAN, and whether it is in the card.
fn flow(source: &str, destination: &str, port: u16, state: HardwareFlowState) -> HardwareFlow {
    let original = FlowTuple {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
        protocol: protocol::TCP,
        source_port: port,
        destination_port: 443,
    };
    let installed = state == HardwareFlowState::Installed;
    let counted = |packets, bytes| FlowCount { packets, bytes };
    HardwareFlow {
        id: FlowId {
            original,
            zone: 0,
            number: port.into(),
        },
        original,
        state,
        interfaces: ["lan0", if installed { "wan0" } else { "dmz0" }].map(str::to_owned),
        tags: [None, installed.then_some(100)],
        packets_per_second: 81_000,
        counts: if installed {
            [counted(10, 1200), counted(12, u64::MAX)]
        } else {
            [FlowCount::default(); 2]
        },
        since: installed.then_some(datetime!(2026-11-20 10:00:00.5 UTC)),
    }
}

#[test]
fn connections_in_cards_are_listed_and_filtered() {
    let world = World::new();
    let installed = flow(
        "2001:db8::7",
        "2001:db8:2::9",
        40_000,
        HardwareFlowState::Installed,
    );
    let wanted = flow("10.0.0.7", "203.0.113.9", 40_001, HardwareFlowState::WouldInstall);
    let ids = [&installed, &wanted].map(|flow| flow.id.to_string());
    world.flows.simulate_hardware_flows(vec![installed, wanted]);
    let expected = [
        json!({
            "id": ids[0], "protocol": 6, "state": "installed",
            "original": {"source": "2001:db8::7", "destination": "2001:db8:2::9",
                "source_port": 40_000, "destination_port": 443},
            "from": {"interface": "lan0"}, "to": {"interface": "wan0", "vlan_id": 100},
            "packets_per_second": 81_000,
            "counts": {"original": {"packets": 10, "bytes": 1200},
                "reply": {"packets": 12, "bytes": 18_446_744_073_709_551_615_u64}},
            "installed_at": "2026-11-20T10:00:00.5Z",
        }),
        json!({
            "id": ids[1], "protocol": 6, "state": "would_install",
            "original": {"source": "10.0.0.7", "destination": "203.0.113.9",
                "source_port": 40_001, "destination_port": 443},
            "from": {"interface": "lan0"}, "to": {"interface": "dmz0"},
            "packets_per_second": 81_000,
            "counts": {"original": {"packets": 0, "bytes": 0}, "reply": {"packets": 0, "bytes": 0}},
        }),
    ];
    let get = |query: &str| world.admin().get(&format!("{PATH}{query}")).expect(200).json();
    let items = |query: &str| get(query)["items"].as_array().expect("items").clone();
    let whole = items("");
    assert_eq!(whole.len(), 2);
    for one in &expected {
        assert!(whole.contains(one), "{one} is not in {whole:?}");
    }
    for (query, index) in [
        ("?state=installed", 0),
        ("?interface=wan0", 0),
        ("?state=would_install", 1),
        ("?interface=dmz0&state=would_install", 1),
    ] {
        assert_eq!(items(query), expected[index..=index], "{query}");
    }
    for query in ["?interface=wan", "?interface=wan0&state=would_install"] {
        assert_eq!(items(query), Vec::<Value>::new(), "{query}");
    }
    assert_eq!(items("?interface=lan0"), whole);
    // Page by page it is the same, in the same order.
    let first = get("?limit=1");
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = get(&format!("?limit=1&cursor={cursor}"));
    assert_eq!(second["next_cursor"], Value::Null);
    let pages = [&first, &second].map(|page| page["items"][0].clone());
    assert_eq!(pages.as_slice(), whole);
}
