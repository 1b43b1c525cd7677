//! A commit that fails leaves the old policy in force and says which step failed.

use std::path::Path;
use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Answer, Connection, Process, Request, Setup, wait_until};
use serde_json::json;

use super::draft::{rule, tcp};
use super::engine::{Mode, create};
use super::ground::{Ground, crossing};
use super::prober::judge;
use super::shot::*;

/// The engine compares what is there with what should be every few seconds.
const RECONCILED: Duration = Duration::from_secs(20);

#[track_caller]
fn assert_old_policy(ground: &Ground<'_>, when: &str) {
    for family in [4, 6] {
        for shot in [
            syn(LAN, WAN, 80).passes("web"),
            udp(LAN, WAN, 80).dropped(UNWRITTEN),
            syn(LAN, WAN, 81).dropped(UNWRITTEN),
            syn(WAN, LAN, 80).dropped(UNWRITTEN),
        ] {
            let outcome = ground.prober.fire(&shot, family, ground.prober.own_port());
            judge(&shot, &outcome).unwrap_or_else(|why| panic!("{when}, IPv{family}, {shot:?}: {why}"));
        }
    }
}

fn old(ground: &Ground<'_>) {
    ground
        .engine
        .apply_rules(&[rule("web").from("lan").to("wan").service(tcp(&["80"])).accept()]);
}

/// What lets everything in.
fn everything() -> Request {
    let operation = create("rule", &rule("everything").accept().value());
    Request::new(Method::POST, "/api/v1/changes").json(&json!({ "operations": [operation] }))
}

/// The engine could not do it and says at which step.
#[track_caller]
fn assert_failed(answer: &Answer, step: &str) {
    assert!(answer.status >= 500, "{} {}", answer.status, answer.text());
    let problem = answer.json();
    assert_eq!(problem["failed_step"], step, "{problem}");
    let detail = problem["detail"].as_str().expect("detail");
    assert!(detail.contains(step), "{problem}");
}

#[test]
fn a_refused_change_changes_nothing() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let before = ground.engine.items("rules");
        let mut nowhere = rule("nowhere").accept().value();
        nowhere["to_zone"] = "there is none".into();
        let operations = [
            create("rule", &rule("everything").accept().value()),
            create("rule", &nowhere),
        ];
        let answer = ground
            .engine
            .raveld
            .api()
            .post("/api/v1/changes", &json!({ "operations": operations }))
            .expect(422)
            .json();
        assert_eq!(
            answer["errors"][0]["pointer"], "/operations/1/value/to_zone",
            "{answer}"
        );
        assert_old_policy(&ground, "after a refused change");
        assert_eq!(ground.engine.items("rules").len(), before.len());
    }
}

#[test]
fn nftables_fails() {
    let Some(crossing) = crossing() else { return };
    let setup = Setup {
        // Mounts of its own, so that another program can take the place of nft for it alone.
        wrapper: ["unshare", "--mount", "--propagation", "private"]
            .map(str::to_owned)
            .to_vec(),
        ..Setup::default()
    };
    let ground = Ground::start_with(&crossing, setup);
    old(&ground);
    let inside = |arguments: &[&str]| {
        let target = format!("--target={}", ground.engine.raveld.process_id());
        let status = std::process::Command::new("nsenter")
            .args([&target, "--mount", "--"])
            .args(arguments)
            .status()
            .expect("nsenter");
        assert!(status.success(), "{arguments:?}");
    };
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        inside(&["mount", "--bind", "/bin/false", "/usr/sbin/nft"]);
        let answer = ground.engine.raveld.api().send(&everything());
        assert_failed(&answer, "nftables");
        assert_old_policy(&ground, "while nft fails");
        inside(&["umount", "/usr/sbin/nft"]);
        assert_recovers(&ground);
    }
}

#[test]
fn the_kernel_refuses_descriptors() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    let pid = ground.engine.raveld.process_id();
    let limit = |limit: &str| {
        let status = std::process::Command::new("prlimit")
            .args([&format!("--pid={pid}"), &format!("--nofile={limit}:")])
            .status()
            .expect("prlimit");
        assert!(status.success(), "prlimit {limit}");
    };
    let before = soft_limit(pid);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let mut connection = Connection::open(&ground.engine.raveld.socket()).expect("a connection");
        connection
            .send(&Request::new(Method::GET, "/healthz"))
            .expect("an answer");
        // Neither a pipe to nft nor a map.
        let free = (0..).find(|number| !Path::new(&format!("/proc/{pid}/fd/{number}")).exists());
        limit(&free.expect("a number").to_string());
        let answer = connection.send(&everything()).expect("an answer");
        limit(&before);
        assert_failed(&answer, "nftables");
        assert_recovers(&ground);
    }
}

/// Fault injection of strace(1) has the system call bpf fail, as a verifier or a full kernel would.
#[test]
fn the_kernel_refuses_maps() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    ground.engine.judge_by(Mode::Classifier);
    let mut strace = std::process::Command::new("strace");
    strace
        .args(["--follow-forks", "--trace=bpf", "--inject=bpf:error=ENOMEM"])
        .arg(format!("--attach={}", ground.engine.raveld.process_id()));
    let strace = Process::spawn("strace", strace, crossing.dir.path());
    wait_until("strace is attached", RECONCILED, || {
        strace.log().contains("attached")
    });
    let answer = ground.engine.raveld.api().send(&everything());
    strace.terminate();
    assert_failed(&answer, "load");
    assert_recovers(&ground);
}

fn soft_limit(pid: u32) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let field = line.and_then(|line| line.split_whitespace().nth(3));
    field.expect("a limit").to_owned()
}

/// The old policy is in force, and the same change works now.
#[track_caller]
fn assert_recovers(ground: &Ground<'_>) {
    assert_old_policy(ground, "after a commit that failed");
    let rules = ground.engine.items("rules");
    assert!(rules.iter().all(|rule| rule["name"] != "everything"), "{rules:?}");
    ground.engine.raveld.api().send(&everything()).expect(200);
    let open = syn(WAN, LAN, 80).passes("everything");
    judge(&open, &ground.prober.fire(&open, 4, ground.prober.own_port())).expect("it works again");
    let id = ground.engine.rule_id("everything");
    ground
        .engine
        .change(&[json!({ "op": "delete", "kind": "rule", "id": id })]);
    assert_old_policy(ground, "after it worked again");
}

#[test]
fn somebody_else_deletes_the_table() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        crossing
            .router
            .run("nft", &["delete", "table", "inet", "ravelin"]);
        // A commit writes what is missing.
        let id = ground.engine.rule_id("web");
        let value = json!({ "log": mode == Mode::Classifier });
        ground
            .engine
            .change(&[json!({ "op": "update", "kind": "rule", "id": id, "value": value })]);
        assert_old_policy(&ground, "after a commit");
        crossing
            .router
            .run("nft", &["delete", "table", "inet", "ravelin"]);
        wait_until("the engine sees that it is gone", RECONCILED, || {
            let tables = crossing.router.run("nft", &["list", "tables"]);
            tables.contains("ravelin")
        });
        assert_old_policy(&ground, "without a commit");
    }
}
