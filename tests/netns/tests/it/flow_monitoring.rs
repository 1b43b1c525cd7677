//! Flows are counted in each direction and forgotten when they are idle.

use std::time::Duration;

use ravelin_test_harness::{Lab, Raveld, send_udp, wait_until};
use serde_json::json;

use crate::support::{Sinks, feature, lab, number, sink_address};

/// The engine sweeps the flow maps every few seconds.
const SWEEP: Duration = Duration::from_secs(30);

fn counter(raveld: &Raveld<'_>, name: &str) -> u64 {
    let counters = feature(raveld, "flow_monitoring")["counters"].clone();
    let counters = counters.as_array().expect("counters");
    let found = counters.iter().find(|counter| counter["name"] == name);
    number(&found.unwrap_or_else(|| panic!("no {name} in {counters:?}"))["value"])
}

#[test]
fn idle_flows_are_forgotten_and_their_number_is_told() {
    let Some(lab) = lab() else { return };
    let _sinks = Sinks::open(&lab);
    let raveld = Raveld::start(&lab.router);
    let config = "/api/v1/ebpf/features/flow_monitoring/config";
    let flows = 20;
    for source in Lab::client_addresses() {
        for _ in 0..flows {
            send_udp(&lab.client, source, sink_address(source), 2, 10);
        }
    }
    wait_until("the flows of both families are counted", SWEEP, || {
        counter(&raveld, "ipv4_entries") >= flows && counter(&raveld, "ipv6_entries") >= flows
    });
    let map = raveld.api().get("/api/v1/ebpf/maps/flow_map4").expect(200).json();
    assert!(number(&map["occupancy"]) >= flows, "{map}");

    raveld
        .api()
        .patch(config, &json!({ "udp_timeout_seconds": 1 }))
        .expect(200);
    wait_until("the UDP flows are forgotten", SWEEP, || {
        counter(&raveld, "udp_entries") == 0
    });
    assert!(counter(&raveld, "expired_entries") >= 2 * flows);
}
