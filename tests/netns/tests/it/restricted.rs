//! Where the engine may not do its work it stays up and says what is missing.

use ravelin_test_harness::{Lab, Raveld, Setup, wait_until};
use serde_json::Value;
use std::time::Duration;

use crate::support::{feature, lab};

/// Starts an engine in bad circumstances and checks that it tells them in `/readyz`, in its features, its log, and
/// that it takes changes all the same.
#[track_caller]
fn check(lab: &Lab, setup: Setup, reason: &str) {
    let raveld = Raveld::start_with(&lab.router, setup);
    let tells = |text: &str| text.to_lowercase().contains(&reason.to_lowercase());
    let mut problem = Value::Null;
    wait_until("readyz gives the reason", Duration::from_secs(5), || {
        let answer = raveld.api().get("/readyz");
        problem = answer.json();
        answer.status == 503 && tells(&answer.text())
    });
    raveld.switch("ddos_protection", true);
    for name in ["statistics", "flow_monitoring", "ddos_protection"] {
        let status = feature(&raveld, name);
        assert!(
            status["state"] == "failed" || status["state"] == "degraded",
            "{status}"
        );
        assert!(
            tells(status["state_reason"].as_str().expect("reason")),
            "{status}"
        );
    }
    assert!(tells(&raveld.log()), "the log does not say {reason:?}");
    raveld.add_entry("blocklist", "203.0.113.7");
    raveld.api().get("/api/v1/interfaces").expect(200);
}

fn without_capabilities(names: &str) -> Setup {
    let wrapper = ["setpriv", "--inh-caps=-all", &format!("--bounding-set={names}")];
    Setup {
        wrapper: wrapper.map(str::to_owned).to_vec(),
        ..Setup::default()
    }
}

#[test]
fn without_cap_bpf_it_stays_up_and_says_so() {
    let Some(lab) = lab() else { return };
    // CAP_SYS_ADMIN would do in its place.
    check(&lab, without_capabilities("-bpf,-sys_admin"), "CAP_BPF");
}

#[test]
fn without_bpffs_it_stays_up_and_says_so() {
    let Some(lab) = lab() else { return };
    let setup = Setup {
        bpffs: false,
        ..Setup::default()
    };
    check(&lab, setup, "bpf file system");
}
