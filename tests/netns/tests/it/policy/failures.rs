//! A commit that fails leaves the old policy in force and says which step failed.

use serde_json::json;

use super::draft::{rule, tcp};
use super::ground::{Ground, Mode, create, crossing};
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
    ground.apply_rules(&[rule("web").from("lan").to("wan").service(tcp(&["80"])).accept()]);
}

/// Tries to let everything in and gives the answer.
fn open_up(ground: &Ground<'_>) -> ravelin_test_harness::Answer {
    let operation = create("rule", &rule("everything").accept().value());
    ground
        .raveld
        .api()
        .post("/api/v1/changes", &json!({ "operations": [operation] }))
}

#[test]
fn a_refused_change_changes_nothing() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    old(&ground);
    for mode in Mode::ALL {
        ground.judge_by(mode);
        let revision = ground.raveld.api().get("/api/v1/rules").expect(200);
        let mut nowhere = rule("nowhere").accept().value();
        nowhere["to_zone"] = "there is none".into();
        let operations = [
            create("rule", &rule("everything").accept().value()),
            create("rule", &nowhere),
        ];
        let answer = ground
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
        let after = ground.raveld.api().get("/api/v1/rules").expect(200);
        let items = |answer: &ravelin_test_harness::Answer| answer.json()["items"].as_array().map(Vec::len);
        assert_eq!(items(&revision), items(&after));
    }
}
