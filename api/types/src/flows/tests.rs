use ravelin_model::{ConnectionStatus, FlowState, NatMatch, Offload, Policy, TcpState};
use serde_json::{Value, json};

use super::*;
use crate::{BadBody, parse_value};

fn read(body: &Value) -> Result<CheckedKill, Vec<(String, String)>> {
    let policy = Policy::default();
    let told = parse_value(body, |node, errors| FlowKill::read(node, &policy, errors));
    told.map_err(|bad| match bad {
        BadBody::Invalid(errors) => errors
            .into_iter()
            .map(|error| (error.pointer, error.code))
            .collect(),
        BadBody::Malformed(detail) => panic!("{detail}"),
    })
}

#[track_caller]
fn check_refused(body: Value, expected: &[(&str, &str)]) {
    let refused = read(&body).expect_err("is refused");
    let refused: Vec<_> = refused
        .iter()
        .map(|(pointer, code)| (pointer.as_str(), code.as_str()))
        .collect();
    assert_eq!(refused, expected, "{body}");
}

#[test]
fn a_kill_says_whom_it_means() {
    let kill = read(&json!({
        "filter": {
            "protocol": "tcp", "source": "192.0.2.9/24", "destination": "2001:db8::7", "port": 443,
            "rule": "rul_1", "state": "time_wait", "offload": "hw", "nat": "dnat",
        },
        "reset": true,
    }));
    let kill = kill.expect("is well");
    let model::FlowFilter {
        source, destination, ..
    } = &kill.filter;
    let text = |network: &Option<ipnet::IpNet>| network.map(|network| network.to_string());
    assert_eq!(text(source).as_deref(), Some("192.0.2.0/24"));
    assert_eq!(text(destination).as_deref(), Some("2001:db8::7/128"));
    let filter = model::FlowFilter {
        protocol: Some(6),
        port: Some(443),
        rule: Some("rul_1".parse().expect("id")),
        state: Some(FlowState::Tcp(TcpState::TimeWait)),
        offload: Some(Offload::Hardware),
        nat: Some(NatMatch::Destination),
        ..kill.filter.clone()
    };
    assert_eq!(kill.filter, filter);
    assert_eq!((kill.reset, kill.dry_run), (true, false));
    let all = read(&json!({"all": true, "dry_run": true})).expect("is well");
    assert!(all.filter.is_empty() && all.dry_run);
}

#[test]
fn a_kill_of_everything_has_to_be_said() {
    check_refused(json!({}), &[("/filter", "required")]);
    check_refused(json!({"filter": {}}), &[("/filter", "required")]);
    check_refused(json!({"filter": {}, "all": false}), &[("/filter", "required")]);
    // Every protocol is every connection.
    check_refused(json!({"filter": {"protocol": "any"}}), &[("/filter", "required")]);
    check_refused(
        json!({"filter": {"port": 80}, "all": true}),
        &[("/all", "not_applicable")],
    );
}

#[test]
fn everything_wrong_with_a_filter_is_told() {
    check_refused(json!([]), &[("", "type")]);
    check_refused(
        json!({
            "filter": {
                "protocol": "tpc", "source": "192.0.2.0/33", "address": 7, "port": 65536, "zone": "nowhere",
                "rule": "no rule", "state": "open", "offload": "yes", "nat": true, "ports": [],
            },
            "reset": "yes",
        }),
        &[
            ("/filter/protocol", "format"),
            ("/filter/source", "format"),
            ("/filter/address", "type"),
            ("/filter/port", "range"),
            ("/filter/zone", "reference"),
            ("/filter/rule", "reference"),
            ("/filter/state", "format"),
            ("/filter/offload", "format"),
            ("/filter/nat", "type"),
            ("/filter/ports", "unknown_field"),
            ("/reset", "type"),
        ],
    );
}

#[test]
fn translations_say_what_addresses_become() {
    let tuple = |source: (&str, u16), destination: (&str, u16), protocol| model::FlowTuple {
        source: source.0.parse().expect("address"),
        destination: destination.0.parse().expect("address"),
        protocol,
        source_port: source.1,
        destination_port: destination.1,
    };
    let endpoint = |address: &str, port| {
        Some(FlowEndpoint {
            address: address.parse().expect("address"),
            port,
        })
    };
    let original = tuple(("10.0.0.7", 40000), ("203.0.113.80", 443), 6);
    assert_eq!(
        FlowTranslation::of(&original, &original.inverted()),
        FlowTranslation::default()
    );
    let reply = tuple(("192.168.1.80", 443), ("198.51.100.1", 40000), 6);
    assert_eq!(
        FlowTranslation::of(&original, &reply),
        FlowTranslation {
            source: endpoint("198.51.100.1", 40000),
            destination: endpoint("192.168.1.80", 443),
        }
    );
    // An echo and its reply are of different types.
    let original = tuple(("10.0.0.7", 77), ("203.0.113.80", 8 << 8), 1);
    let reply = tuple(("203.0.113.80", 77), ("198.51.100.1", 0), 1);
    assert_eq!(
        FlowTranslation::of(&original, &reply),
        FlowTranslation {
            source: endpoint("198.51.100.1", 0),
            destination: None,
        }
    );
}

#[test]
fn status_is_told_in_words() {
    let bits = ConnectionStatus::ASSURED | ConnectionStatus::DNAT | 1 << 30;
    assert_eq!(Flow::status(ConnectionStatus(bits)), ["assured", "dnat"]);
}
