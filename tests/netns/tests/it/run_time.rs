//! Run times are measured on demand, by an engine that does not keep the capability for it.

use std::time::Duration;

use ravelin_test_harness::{Lab, Raveld, send_udp, wait_until};
use serde_json::json;

use crate::support::{feature, lab, number, sink_address};

const PACKETS: u64 = 50;
const ARRIVAL: Duration = Duration::from_secs(5);

/// Runs and nanoseconds of the XDP program; None while they are not measured.
fn run_time(raveld: &Raveld<'_>) -> Option<(u64, u64)> {
    let programs = raveld.api().get("/api/v1/ebpf/programs").expect(200).json();
    let programs = programs["items"].as_array().expect("items");
    let program = programs.iter().find(|program| program["name"] == "rv_xdp");
    let run_time = program.expect("rv_xdp").get("run_time")?;
    Some((number(&run_time["runs"]), number(&run_time["total_ns"])))
}

fn measure(raveld: &Raveld<'_>, on: bool) {
    let path = "/api/v1/ebpf/features/statistics/config";
    raveld
        .api()
        .patch(path, &json!({ "measure_run_time": on }))
        .expect(200);
}

#[test]
fn runs_are_timed_while_the_configuration_says_so() {
    let Some(lab) = lab() else { return };
    let [own4, _] = Lab::client_addresses();
    let raveld = Raveld::start(&lab.router);
    assert_eq!(run_time(&raveld), None);
    measure(&raveld, true);
    assert_eq!(feature(&raveld, "statistics")["state"], "active");
    let (runs, nanoseconds) = run_time(&raveld).expect("measured");
    send_udp(&lab.client, own4, sink_address(own4), PACKETS, 100);
    wait_until("the runs are counted", ARRIVAL, || {
        run_time(&raveld).expect("measured").0 >= runs + PACKETS
    });
    assert!(run_time(&raveld).expect("measured").1 > nanoseconds);
    measure(&raveld, false);
    assert_eq!(run_time(&raveld), None);
}
