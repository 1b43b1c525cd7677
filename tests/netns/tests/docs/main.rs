//! Every command the README shows and every line `scripts/up` prints is run. Makes the lab of `scripts/up`, of which
//! there is one per machine.

mod paste;
mod script;

use std::path::Path;

use ravelin_test_harness::privileged;

use paste::{Block, blocks, indented};
use script::{Script, call};

const LEFTOVERS: [&str; 5] = [
    "/run/ravelin-lab",
    "/var/lib/ravelin-lab",
    "/run/netns/ravelin-lan",
    "/run/netns/ravelin-router",
    "/run/netns/ravelin-wan",
];

fn readme() -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    blocks(&std::fs::read_to_string(path).expect("README.md"))
}

/// Commands of the README's blocks of a kind.
fn commands(kind: &str) -> Vec<String> {
    readme()
        .into_iter()
        .filter(|block| block.kind == kind)
        .flat_map(|block| block.lines)
        .collect()
}

fn check_nothing_is_left() {
    for path in LEFTOVERS {
        assert!(!Path::new(path).exists(), "{path} is left");
    }
}

#[test]
fn every_block_of_the_readme_is_of_a_kind_that_is_run() {
    for block in readme() {
        let known = ["entry", "lab"].contains(&block.kind.as_str());
        assert!(
            known,
            "block of kind {:?} is not run: {:?}",
            block.kind, block.lines
        );
    }
    assert_eq!(commands("entry"), ["scripts/up", "scripts/test"]);
    // These tests are part of scripts/test; that it can be started is what is left to see.
    call("scripts/test", &["--help"]);
}

#[test]
fn the_lab_comes_up_takes_every_line_and_goes_away() {
    if !privileged("netns") {
        return;
    }
    call("scripts/up", &["--down"]);
    check_nothing_is_left();
    let mut lab = Script::start("scripts/up", &[]);
    let printed = lab.wait_for("End it: scripts/up --down");

    let answers = paste::run(&commands("lab"));
    let [resolved, blocked] = ["10.77.2.2", "NXDOMAIN"].map(|text| answers.find(text).expect(text));
    assert!(resolved < blocked, "{answers}");

    let hints = indented(&printed);
    assert!(
        hints.iter().filter(|line| line.contains("curl")).count() >= 5,
        "{printed}"
    );
    let answers = paste::run(&hints);
    assert!(
        answers.contains("\"dns_blocklist\"") && answers.contains("NXDOMAIN"),
        "{answers}"
    );

    let again = call("scripts/up", &[]);
    assert!(again.contains("End it: scripts/up --down"), "{again}");

    lab.interrupt();
    check_nothing_is_left();
}

#[test]
fn a_killed_lab_is_replaced() {
    if !privileged("netns") {
        return;
    }
    call("scripts/up", &["--detach"]);
    let pid = std::fs::read_to_string("/run/ravelin-lab/pids/raveld").expect("pid file");
    let pid = pid.split_whitespace().next().expect("pid");
    call("kill", &["-KILL", pid]);
    let printed = call("scripts/up", &["--detach"]);
    let answers = paste::run(&indented(&printed));
    assert!(answers.contains("NXDOMAIN"), "{answers}");
    call("scripts/up", &["--down"]);
    check_nothing_is_left();
    call("scripts/up", &["--down"]);
}

#[test]
fn the_simulated_engine_comes_up_takes_every_line_and_goes_away() {
    let printed = call("scripts/up", &["--sim", "--detach"]);
    let answers = paste::run(&indented(&printed));
    assert!(
        answers.contains("\"dns_blocklist\"") && answers.contains("blocked.example"),
        "{answers}"
    );
    call("scripts/up", &["--sim", "--down"]);
    let socket = indented(&printed)
        .iter()
        .find_map(|line| Some(line.split_once("--unix-socket ")?.1.split(' ').next()?.to_owned()))
        .expect("socket");
    assert!(!Path::new(&socket).exists(), "{socket} is left");
}
