//! A commit that fails leaves the old policy in force and says which step failed.

use http::Method;
use ravelin_test_harness::{Answer, Connection, Request, Setup};
use serde_json::json;

use super::draft::{rule, tcp};
use super::engine::{Mode, create};
use super::ground::{Ground, crossing};
use super::prober::judge;
use super::shot::*;

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
    let detail = problem["detail"].as_str().expect("detail");
    assert!(detail.contains(step), "{problem} does not name {step}");
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
        let rules = ground.engine.items("rules").len();
        inside(&["mount", "--bind", "/bin/false", "/usr/sbin/nft"]);
        let answer = ground.engine.raveld.api().send(&everything());
        assert_failed(&answer, "nftables");
        assert_old_policy(&ground, "while nft fails");
        assert_eq!(ground.engine.items("rules").len(), rules);
        inside(&["umount", "/usr/sbin/nft"]);
        let open = syn(WAN, LAN, 80).passes("everything");
        ground.engine.raveld.api().send(&everything()).expect(200);
        judge(&open, &ground.prober.fire(&open, 4, ground.prober.own_port())).expect("it works again");
        let id = ground.engine.rule_id("everything");
        ground
            .engine
            .change(&[json!({ "op": "delete", "kind": "rule", "id": id })]);
        assert_old_policy(&ground, "after it worked again");
    }
}

#[test]
fn the_kernel_refuses_maps() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let rules = ground.engine.items("rules").len();
        let mut connection = Connection::open(&ground.engine.raveld.socket()).expect("a connection");
        connection
            .send(&Request::new(Method::GET, "/healthz"))
            .expect("an answer");
        let pid = ground.engine.raveld.process_id();
        let limit = |limit: &str| {
            let status = std::process::Command::new("prlimit")
                .args([&format!("--pid={pid}"), &format!("--nofile={limit}")])
                .status()
                .expect("prlimit");
            assert!(status.success(), "prlimit {limit}");
        };
        // No new descriptor, so no new map.
        let free = (0..).find(|number| !std::path::Path::new(&format!("/proc/{pid}/fd/{number}")).exists());
        limit(&format!("{}:65536", free.expect("a number")));
        let answer = connection.send(&everything()).expect("an answer");
        limit("65536:65536");
        assert_failed(&answer, "load");
        assert_old_policy(&ground, "after a refused map");
        assert_eq!(ground.engine.items("rules").len(), rules);
        let open = syn(WAN, LAN, 80).passes("everything");
        ground.engine.raveld.api().send(&everything()).expect(200);
        judge(&open, &ground.prober.fire(&open, 4, ground.prober.own_port())).expect("it works again");
        let id = ground.engine.rule_id("everything");
        ground
            .engine
            .change(&[json!({ "op": "delete", "kind": "rule", "id": id })]);
        assert_old_policy(&ground, "after it worked again");
    }
}

#[test]
fn somebody_else_changes_the_table() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for meddling in [
            ["flush", "chain", "inet", "ravelin", "forward"].as_slice(),
            &["delete", "table", "inet", "ravelin"],
        ] {
            crossing.router.run("nft", meddling);
            // A commit writes what is missing.
            let id = ground.engine.rule_id("web");
            let comment = format!("{mode:?} {meddling:?}");
            ground
                .engine
                .change(&[json!({ "op": "update", "kind": "rule", "id": id,
                "value": { "comment": comment, "log": meddling.len() == 4 } })]);
            assert_old_policy(&ground, &comment);
        }
    }
}
