//! A listed source is dropped, everybody else is not, and the counters agree to the packet.

use std::net::IpAddr;
use std::time::Duration;

use ravelin_test_harness::{Lab, Raveld, send_udp, wait_until};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{HEADERS4, HEADERS6, Sinks, cell, interface, lab, metric, number, sink_address};

const PACKETS: u64 = 137;
const PAYLOAD: usize = 100;
const ARRIVAL: Duration = Duration::from_secs(5);

/// Sends from a source and checks that everything arrives, or nothing.
#[track_caller]
fn check(lab: &Lab, sinks: &Sinks, source: IpAddr, arrives: bool) {
    let [own4, own6] = Lab::client_addresses();
    let own = if source.is_ipv4() { own4 } else { own6 };
    let before = [sinks.count(source), sinks.count(own)];
    let arrived = || [sinks.count(source) - before[0], sinks.count(own) - before[1]];
    send_udp(&lab.client, source, sink_address(source), PACKETS, PAYLOAD);
    // One more from an unlisted source: when it is there, whatever came before it has been decided.
    send_udp(&lab.client, own, sink_address(own), 1, PAYLOAD);
    let expected = if source == own {
        [PACKETS + 1, PACKETS + 1]
    } else {
        [if arrives { PACKETS } else { 0 }, 1]
    };
    wait_until(&format!("the packets of {source} have arrived"), ARRIVAL, || {
        arrived()
            .iter()
            .zip(expected)
            .all(|(arrived, expected)| *arrived >= expected)
    });
    assert_eq!(arrived(), expected, "from {source}");
}

fn hits(raveld: &Raveld<'_>, list: &str, value: &str) -> (u64, u64) {
    let page = raveld
        .api()
        .get(&format!("/api/v1/lists/{list}/entries?search={value}"))
        .expect(200)
        .json();
    let entry = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|entry| entry["value"] == value)
        .unwrap_or_else(|| panic!("no entry {value} in {page}"));
    (number(&entry["hits"]["packets"]), number(&entry["hits"]["bytes"]))
}

#[test]
fn listed_sources_are_dropped_and_counted_to_the_packet() {
    let Some(lab) = lab() else { return };
    let sinks = Sinks::open(&lab);
    let [one4, one6] = lab.add_client_host(66);
    let [net4, net6] = lab.add_client_host(140);
    let raveld = Raveld::start(&lab.router);
    let entries = [
        "10.77.1.66/32",
        "10.77.1.128/25",
        "fd77:1::42/128",
        "fd77:1::80/121",
    ];
    for entry in entries {
        raveld.add_entry("blocklist", entry);
    }
    for source in [one4, one6, net4, net6] {
        check(&lab, &sinks, source, true);
    }
    raveld.switch("ddos_protection", true);
    for source in [one4, one6, net4, net6] {
        check(&lab, &sinks, source, false);
    }
    for source in Lab::client_addresses() {
        check(&lab, &sinks, source, true);
    }

    let bytes4 = PACKETS * (HEADERS4 + PAYLOAD as u64);
    let bytes6 = PACKETS * (HEADERS6 + PAYLOAD as u64);
    for (entry, bytes) in entries.iter().zip([bytes4, bytes4, bytes6, bytes6]) {
        assert_eq!(hits(&raveld, "blocklist", entry), (PACKETS, bytes), "{entry}");
    }
    let dropped = 2 * PACKETS;
    assert_eq!(
        cell(&raveld, "lan0", "ipv4_udp", "source_listed"),
        (dropped, 2 * bytes4)
    );
    assert_eq!(
        cell(&raveld, "lan0", "ipv6_udp", "source_listed"),
        (dropped, 2 * bytes6)
    );
    // Everything else that was sent from the LAN in this test: the four sources before, the client's own.
    let passed = 2 * PACKETS + 2 + 2 + PACKETS + 1;
    assert_eq!(cell(&raveld, "lan0", "ipv4_udp", "pass").0, passed);
    assert_eq!(cell(&raveld, "lan0", "ipv6_udp", "pass").0, passed);

    for (protocol, bytes) in [("ipv4_udp", 2 * bytes4), ("ipv6_udp", 2 * bytes6)] {
        let labels = [
            ("interface", "lan0"),
            ("direction", "ingress"),
            ("protocol", protocol),
            ("reason", "source_listed"),
        ];
        assert_eq!(metric(&raveld, "ravelin_traffic_packets_total", &labels), dropped);
        assert_eq!(metric(&raveld, "ravelin_traffic_bytes_total", &labels), bytes);
    }
    let labels = [("list", "blocklist")];
    assert_eq!(
        metric(&raveld, "ravelin_list_hits_packets_total", &labels),
        2 * dropped
    );
    assert_eq!(
        metric(&raveld, "ravelin_list_hits_bytes_total", &labels),
        2 * (bytes4 + bytes6)
    );
}

#[test]
fn counters_stay_with_an_entry_through_a_replacement() {
    let Some(lab) = lab() else { return };
    let sinks = Sinks::open(&lab);
    let [listed4, _] = lab.add_client_host(66);
    let raveld = Raveld::start(&lab.router);
    raveld.add_entry("blocklist", "10.77.1.66");
    raveld.switch("ddos_protection", true);
    check(&lab, &sinks, listed4, false);
    raveld.import("blocklist", "198.51.100.0/24\n10.77.1.66\n");
    check(&lab, &sinks, listed4, false);
    assert_eq!(hits(&raveld, "blocklist", "10.77.1.66/32").0, 2 * PACKETS);
}

#[test]
fn an_entry_stops_matching_when_it_expires() {
    let Some(lab) = lab() else { return };
    let sinks = Sinks::open(&lab);
    let raveld = Raveld::start(&lab.router);
    raveld.switch("ddos_protection", true);
    for listed in lab.add_client_host(66) {
        let at = OffsetDateTime::now_utc() + Duration::from_secs(3);
        let entry = json!({ "value": listed, "expires_at": at.format(&Rfc3339).expect("time") });
        raveld.api().post("/api/v1/lists/blocklist/entries", &entry);
        check(&lab, &sinks, listed, false);
        wait_until("the entry expires", Duration::from_secs(6), || {
            send_udp(&lab.client, listed, sink_address(listed), 1, PAYLOAD);
            sinks.count(listed) > 0
        });
        assert!(
            OffsetDateTime::now_utc() >= at,
            "{listed} passed before its entry expired"
        );
        // More than one of those may have passed: behind the packets of another source they have all arrived.
        let [own4, own6] = Lab::client_addresses();
        check(&lab, &sinks, if listed.is_ipv4() { own4 } else { own6 }, true);
        check(&lab, &sinks, listed, true);
    }
}

#[test]
fn external_only_looks_at_external_interfaces() {
    let Some(lab) = lab() else { return };
    let sinks = Sinks::open(&lab);
    let raveld = Raveld::start(&lab.router);
    raveld.switch("ddos_protection", true);
    let config = "/api/v1/ebpf/features/ddos_protection/config";
    raveld
        .api()
        .patch(config, &json!({ "interfaces": "external" }))
        .expect(200);
    for listed in lab.add_client_host(66) {
        raveld.add_entry("blocklist", &listed.to_string());
        check(&lab, &sinks, listed, true);
        let lan = "/api/v1/interfaces/lan0";
        raveld.api().patch(lan, &json!({ "external": true })).expect(200);
        assert_eq!(interface(&raveld, "lan0").expect("lan0")["external"], true);
        check(&lab, &sinks, listed, false);
        raveld.api().patch(lan, &json!({ "external": false })).expect(200);
        check(&lab, &sinks, listed, true);
    }
}
