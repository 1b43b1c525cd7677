//! Commands of docs/install.md, pasted on a computer in the LAN.

use std::fs;
use std::path::Path;

use ravelin_test_harness::RunDir;
use ravelin_tests_image::{Appliance, Networks};

/// Lines of the blocks of a kind: "```sh KIND".
fn commands(kind: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/install.md");
    let page = fs::read_to_string(path).expect("docs/install.md");
    let opening = format!("```sh {kind}\n");
    let found: String = page
        .split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect();
    assert!(!found.is_empty(), "no block of kind {kind}");
    found
}

/// Runs the blocks of these kinds in one shell, each command of which must succeed; gives what they printed. The shell
/// is in a directory of its own with the admin token.
#[track_caller]
pub fn paste(appliance: &Appliance<'_>, networks: &Networks, kinds: &[&str]) -> String {
    let directory = RunDir::new();
    fs::write(directory.join("admin-token"), appliance.admin_token()).expect("admin-token");
    let lines: String = kinds.iter().map(|kind| commands(kind)).collect();
    let output = networks
        .lan
        .namespace
        .command("bash")
        .args(["-c", &format!("set -euo pipefail\n{lines}")])
        .current_dir(directory.path())
        .output()
        .expect("bash");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}\n{printed}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

/// From the certificate to the first rule.
#[track_caller]
pub fn commands_work(appliance: &Appliance<'_>, networks: &Networks) {
    let printed = paste(appliance, networks, &["certificate", "token", "rule"]);
    let fingerprint = appliance.shown("certificate SHA-256 ");
    assert!(
        printed.contains(fingerprint.trim()),
        "{fingerprint} is not in {printed}"
    );
    for said in ["\"appliance\": true", "no-mail", "ads.example", "dns_blocklist"] {
        assert!(printed.contains(said), "{said} is not in {printed}");
    }
}
