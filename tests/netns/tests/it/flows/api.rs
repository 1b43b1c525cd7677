//! What the API says of live connections.

use std::collections::BTreeMap;

use http::Method;
use ravelin_test_harness::{Request, Tuple};
use serde_json::Value;

use super::ground::Ground;
use crate::support::number;

/// A connection as the API tells it.
#[derive(Debug, Clone)]
pub struct Flow {
    pub id: String,
    pub original: Tuple,
    pub reply: Tuple,
    pub state: String,
    /// `no`, `xdp`, `flowtable` or `hw`.
    pub offload: String,
    /// Packets and bytes each way.
    pub counts: [(u64, u64); 2],
    /// All of it.
    pub value: Value,
}

/// Addresses and ports of one side of a connection as the API tells them.
#[track_caller]
pub fn tuple(flow: &Value, side: &str) -> Tuple {
    let end = |field: &str| {
        let address = flow[side][field].as_str().and_then(|text| text.parse().ok());
        let port = u16::try_from(number(&flow[side][format!("{field}_port")])).expect("a port");
        (
            address.unwrap_or_else(|| panic!("no {side} {field} in {flow}")),
            port,
        )
    };
    Tuple {
        protocol: u8::try_from(number(&flow["protocol"])).expect("a protocol"),
        source: end("source"),
        destination: end("destination"),
    }
}

#[track_caller]
fn flow(value: &Value) -> Flow {
    let text = |field: &str| {
        let text = value[field].as_str();
        text.unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
    };
    let count = |side: &str| {
        let count = &value["counts"][side];
        (number(&count["packets"]), number(&count["bytes"]))
    };
    Flow {
        id: text("id"),
        original: tuple(value, "original"),
        reply: tuple(value, "reply"),
        state: text("state"),
        offload: text("offload"),
        counts: ["original", "reply"].map(count),
        value: value.clone(),
    }
}

/// Every connection of TCP or UDP that fits a query, all pages of it.
#[track_caller]
pub fn flows(ground: &Ground<'_>, query: &str) -> Vec<Flow> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/flows?limit=500&{query}{cursor}");
        let page = ground
            .engine
            .ask(&Request::new(Method::GET, &path))
            .expect(200)
            .json();
        found.extend(page["items"].as_array().expect("items").iter().map(flow));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Fails unless the API tells of these connections what the kernel knows, and that XDP forwards them.
#[track_caller]
pub fn tells(ground: &Ground<'_>, originals: &[Tuple]) {
    let tracked = ground.tracked(originals);
    let told: BTreeMap<Tuple, Flow> = ["tcp", "udp"]
        .iter()
        .flat_map(|protocol| flows(ground, &format!("protocol={protocol}")))
        .map(|flow| (flow.original, flow))
        .collect();
    for (original, tracked) in &tracked {
        let flow = told
            .get(original)
            .unwrap_or_else(|| panic!("the API has no {original}, only {}", told.len()));
        // UDP is assured after two seconds, as soon as the kernel sees a packet of it then.
        let states: &[&str] = match original.protocol {
            6 => &["established"],
            _ => &["replied", "assured"],
        };
        assert_eq!(flow.reply, tracked.reply, "{}", flow.value);
        assert!(states.contains(&flow.state.as_str()), "{}", flow.value);
        assert_eq!(flow.offload, "xdp", "{}", flow.value);
        let seen = tracked.counts.expect("conntrack counts");
        for (told, seen) in flow.counts.iter().zip(seen) {
            // What XDP forwards is counted on top.
            assert!(
                told.0 > seen.0 && told.1 > seen.1,
                "{} is not more than {seen:?}",
                flow.value
            );
        }
    }
}
