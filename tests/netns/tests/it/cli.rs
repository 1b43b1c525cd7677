//! The command line against the real engine.

use std::process::Output;
use std::time::Duration;

use ravelin_test_harness::{Gateway, Lab, Process, Raveld, binary, send_udp, wait_until};
use serde_json::{Value, json};

use crate::support::{feature, lab, sink_address};

fn call(lab: &Lab, raveld: &Raveld<'_>, arguments: &[&str]) -> Output {
    lab.router
        .command(binary("ravelin"))
        .arg("--socket")
        .arg(raveld.socket())
        .args(arguments)
        .output()
        .expect("ravelin")
}

/// Runs a command, checks its exit status, and gives what it printed.
#[track_caller]
fn check(lab: &Lab, raveld: &Raveld<'_>, arguments: &[&str], status: i32) -> String {
    let output = call(lab, raveld, arguments);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {printed}{said}"
    );
    if status != 0 {
        assert!(!said.is_empty(), "{arguments:?} fails without a word");
    }
    printed
}

/// The same with `--json`.
#[track_caller]
fn check_json(lab: &Lab, raveld: &Raveld<'_>, arguments: &[&str]) -> Value {
    let printed = check(lab, raveld, &[arguments, &["--json"]].concat(), 0);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
}

#[test]
fn commands_do_what_they_say() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    assert_eq!(
        check_json(&lab, &raveld, &["status"])["readiness"]["status"],
        "ready"
    );
    check(&lab, &raveld, &["status"], 0);

    check(&lab, &raveld, &["features", "enable", "ddos_protection"], 0);
    assert_eq!(feature(&raveld, "ddos_protection")["enabled"], true);
    let features = check_json(&lab, &raveld, &["features", "list"]);
    assert_eq!(features["items"].as_array().map(Vec::len), Some(9), "{features}");
    let table = check(&lab, &raveld, &["features", "list"], 0);
    assert!(
        table.contains("ddos_protection") && table.contains("active"),
        "{table}"
    );

    check(&lab, &raveld, &["lists", "add", "blocklist", "203.0.113.0/24"], 0);
    let entries = raveld
        .api()
        .get("/api/v1/lists/blocklist/entries")
        .expect(200)
        .json();
    assert_eq!(entries["items"][0]["value"], "203.0.113.0/24");

    check(&lab, &raveld, &["features", "disable", "ddos_protection"], 0);
    assert_eq!(feature(&raveld, "ddos_protection")["enabled"], false);
}

#[test]
fn failures_have_their_exit_status() {
    let Some(lab) = lab() else { return };
    let mut raveld = Raveld::start(&lab.router);
    check(&lab, &raveld, &["features", "enable", "no_such_feature"], 1);
    check(&lab, &raveld, &["lists", "add", "blocklist", "999.1.1.1/33"], 1);
    check(&lab, &raveld, &["no-such-command"], 2);
    raveld.terminate();
    check(&lab, &raveld, &["status"], 3);
}

#[test]
fn over_https_a_token_is_needed() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let gateway = Gateway::start(&lab.router, &raveld);
    let certificate = gateway.certificate().display().to_string();
    let token = raveld.state().join("admin-token").display().to_string();
    let url = gateway.url();
    let https = ["features", "list", "--url", &url, "--ca-cert", &certificate];
    check(&lab, &raveld, &https, 4);
    let listed = check_json(&lab, &raveld, &[&https[..], &["--token-file", &token]].concat());
    assert_eq!(listed["items"][0]["name"], "statistics", "{listed}");
}

#[test]
fn events_are_followed_across_a_restart() {
    let Some(lab) = lab() else { return };
    let mut raveld = Raveld::start(&lab.router);
    let mut command = lab.router.command(binary("ravelin"));
    command
        .arg("--socket")
        .arg(raveld.socket())
        .args(["events", "--follow", "--json"]);
    let events = Process::spawn("ravelin-events", command, lab.dir.path());
    let sees = |what: &str, test: &dyn Fn(&Value) -> bool, act: &dyn Fn()| {
        wait_until(&format!("{what} is shown"), Duration::from_secs(10), || {
            act();
            let log = events.log();
            let mut shown = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            shown.any(|event| test(&event))
        });
    };
    let listed = lab.add_client_host(66)[0];
    raveld.switch("ddos_protection", true);
    raveld.add_entry("blocklist", &listed.to_string());
    sees(
        "a dropped packet",
        &|event| event["packet_dropped"]["source"] == json!(listed),
        &|| send_udp(&lab.client, listed, sink_address(listed), 1, 10),
    );
    raveld.kill();
    raveld.start_again();
    sees(
        "a change after the restart",
        &|event| event["feature_changed"]["feature"] == "dns_blocklist",
        &|| {
            raveld.switch("dns_blocklist", true);
            raveld.switch("dns_blocklist", false);
        },
    );
}
