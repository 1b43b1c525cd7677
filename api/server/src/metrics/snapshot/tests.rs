use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use ravelin_model::{Cell, Direction, Protocol, Reason, Revision};

use super::*;

/// Samples of what could be read, without comments.
fn check(snapshot: Snapshot, expected: &[&str]) {
    let mut registry = Registry::with_prefix("ravelin");
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    encode(&mut text, &registry).expect("encode");
    for line in expected {
        assert!(text.lines().any(|found| found == *line), "{line} in {text}");
    }
}

fn nothing() -> Snapshot {
    Snapshot {
        readiness: Readiness {
            ready: false,
            revision: Revision(9),
            problems: Vec::new(),
        },
        features: None,
        interfaces: None,
        statistics: None,
        lists: None,
        programs: None,
        maps: None,
        losses: None,
        policy: None,
        system: None,
    }
}

fn program(id: u32, run_time: Option<(u64, u64)>) -> ProgramInfo {
    ProgramInfo {
        id,
        name: "rv_xdp".to_owned(),
        tag: String::new(),
        attachments: Vec::new(),
        verified_instructions: 1,
        jited_bytes: 2,
        memory_bytes: 4096,
        run_time,
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let expected = [
        "ravelin_ready 0",
        "ravelin_configuration_revision 9",
        "ravelin_scrape_success{part=\"features\"} 0",
        "ravelin_scrape_success{part=\"event_losses\"} 0",
    ];
    check(nothing(), &expected);
}

#[test]
fn programs_are_told_apart_and_timed_only_when_measured() {
    let snapshot = Snapshot {
        programs: Some(vec![program(1, Some((2_500_000_000, 7))), program(2, None)]),
        ..nothing()
    };
    let expected = [
        "ravelin_scrape_success{part=\"programs\"} 1",
        "ravelin_program_memory_bytes{program=\"rv_xdp\",id=\"1\"} 4096",
        "ravelin_program_memory_bytes{program=\"rv_xdp\",id=\"2\"} 4096",
        "# UNIT ravelin_program_run_seconds seconds",
        "ravelin_program_run_seconds_total{program=\"rv_xdp\",id=\"1\"} 2.5",
        "ravelin_program_runs_total{program=\"rv_xdp\",id=\"1\"} 7",
    ];
    check(snapshot, &expected);
}

#[test]
fn traffic_is_counted_by_interface_and_outcome() {
    let cell = Cell {
        direction: Direction::Ingress,
        protocol: Protocol::Ipv6Udp,
        reason: Reason::DnsAnswered,
        packets: 3,
        bytes: 300,
    };
    let snapshot = Snapshot {
        statistics: Some(vec![InterfaceStatistics {
            interface: "wan\"0".to_owned(),
            interface_index: 2,
            cells: vec![cell],
        }]),
        ..nothing()
    };
    let labels = r#"interface="wan\"0",direction="ingress",protocol="ipv6_udp",reason="dns_answered",verdict="answer""#;
    let expected = [
        format!("ravelin_traffic_packets_total{{{labels}}} 3"),
        format!("ravelin_traffic_bytes_total{{{labels}}} 300"),
    ];
    check(snapshot, &expected.each_ref().map(String::as_str));
}
