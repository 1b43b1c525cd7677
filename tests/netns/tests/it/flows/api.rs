//! What the API says of live connections.

use ravelin_test_harness::Tuple;
use serde_json::Value;

use super::ground::Ground;

/// Addresses and ports as the API tells them.
#[track_caller]
pub fn tuple(value: &Value) -> Tuple {
    let text = |field: &str| {
        value[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {value}"))
    };
    let port = |field: &str| u16::try_from(value[field].as_u64().expect("a port")).expect("a port");
    let protocol = match text("protocol") {
        "tcp" => 6,
        "udp" => 17,
        other => panic!("{other} in {value}"),
    };
    Tuple {
        protocol,
        source: (text("source").parse().expect("address"), port("source_port")),
        destination: (
            text("destination").parse().expect("address"),
            port("destination_port"),
        ),
    }
}

pub fn tells(_: &Ground<'_>, _: &[Tuple]) {}
