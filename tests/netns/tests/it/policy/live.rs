//! What changes the policy in force without a change to its rules.

use std::time::Duration;

use ravelin_test_harness::wait_until;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::case::Group;
use super::draft::{list, rule};
use super::engine::Mode;
use super::ground::{Ground, crossing};
use super::prober::judge;
use super::shot::*;
use crate::support::number;

#[track_caller]
fn assert_fate(ground: &Ground<'_>, shot: &Shot) {
    for family in [4, 6] {
        let outcome = ground.prober.fire(shot, family, ground.prober.own_port());
        judge(shot, &outcome).unwrap_or_else(|why| panic!("IPv{family}: {why}"));
    }
}

fn passes(ground: &Ground<'_>, shot: &Shot) -> bool {
    let shot = shot.passes(shot.by);
    judge(&shot, &ground.prober.fire(&shot, 4, ground.prober.own_port())).is_ok()
}

fn policy_revision(ground: &Ground<'_>) -> u64 {
    let rules = ground.engine.items("rules");
    rules
        .iter()
        .map(|rule| number(&rule["revision"]))
        .max()
        .expect("a rule")
}

#[test]
fn entries_of_a_list_act_at_once() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let group = Group::new("a list that grows")
        .list("banned", &["192.0.2.1", "2001:db8::1"])
        .rule(rule("banned").from("lan").source(list("banned")).drop())
        .rule(rule("rest").from("lan").to("wan").accept());
    ground.engine.apply(&group);
    let lists = ground.engine.items("lists");
    let id = lists
        .iter()
        .find(|list| list["name"] == "banned")
        .and_then(|list| list["id"].as_str())
        .expect("the list");
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for new in [syn(LAN, WAN, 80), udp(LAN, WAN, 80)] {
            ground.engine.raveld.import(id, "192.0.2.1\n2001:db8::1\n");
            assert_fate(&ground, &new.passes("rest"));
            ground
                .engine
                .raveld
                .import(id, "10.77.1.8/30\nfd77:1::8/126\n10.77.1.10\n");
            assert_fate(&ground, &new.dropped("banned"));
            ground.engine.raveld.import(id, "10.77.1.9\nfd77:1::9\n");
            assert_fate(&ground, &new.passes("rest"));
            for family in [4, 6] {
                ground
                    .engine
                    .raveld
                    .add_entry(id, &LAN.address(family).to_string());
            }
            assert_fate(&ground, &new.dropped("banned"));
        }
    }
}

#[test]
fn an_interface_joins_a_zone_and_leaves_it() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground
        .engine
        .apply_rules(&[rule("web").from("lan").to("wan").accept()]);
    let lan = ground
        .engine
        .items("zones")
        .into_iter()
        .find(|zone| zone["name"] == "lan")
        .expect("lan");
    let path = format!("/api/v1/zones/{}", lan["id"].as_str().expect("id"));
    let join = |interfaces: &[&str]| {
        let patch = json!({ "interfaces": interfaces });
        ground.engine.raveld.api().patch(&path, &patch).expect(200);
    };
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        assert_fate(&ground, &syn(UNZONED, WAN, 80).dropped(NO_ZONE));
        join(&["lan0", "lan1", "non0"]);
        assert_fate(&ground, &syn(UNZONED, WAN, 80).passes("web"));
        join(&["lan0", "lan1"]);
        assert_fate(&ground, &syn(UNZONED, WAN, 80).dropped(NO_ZONE));
        assert_fate(&ground, &syn(LAN, WAN, 80).passes("web"));
    }
}

#[test]
fn an_interface_that_comes_later_is_in_its_zone() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground
        .engine
        .apply_rules(&[rule("web").from("lan").to("wan").accept()]);
    let lan = ground
        .engine
        .items("zones")
        .into_iter()
        .find(|zone| zone["name"] == "lan")
        .expect("lan");
    let path = format!("/api/v1/zones/{}", lan["id"].as_str().expect("id"));
    let patch = json!({ "interfaces": ["lan0", "lan1", "late0"] });
    ground.engine.raveld.api().patch(&path, &patch).expect(200);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        // The same link under another name is another interface to the policy.
        crossing.router.ip("link set non0 down");
        crossing.router.ip("link set non0 name late0");
        crossing.router.ip("link set late0 up");
        wait_until(
            "packets of the interface are those of its zone",
            Duration::from_secs(10),
            || passes(&ground, &syn(UNZONED, WAN, 80).passes("web")),
        );
        crossing.router.ip("link set late0 down");
        crossing.router.ip("link set late0 name non0");
        crossing.router.ip("link set non0 up");
        wait_until("they are no longer", Duration::from_secs(10), || {
            !passes(&ground, &syn(UNZONED, WAN, 80).passes("web"))
        });
    }
}

#[test]
fn a_rule_ends_when_it_expires() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let at = OffsetDateTime::now_utc() + Duration::from_secs(3);
        let expiring = rule("for a while").from("lan").to("wan");
        ground
            .engine
            .apply_rules(&[expiring.expires_at(&at.format(&Rfc3339).expect("time")).accept()]);
        let shot = syn(LAN, WAN, 80).passes("for a while");
        assert_fate(&ground, &shot);
        let revision = policy_revision(&ground);
        wait_until("the rule expires", Duration::from_secs(10), || {
            !passes(&ground, &shot)
        });
        assert!(
            OffsetDateTime::now_utc() >= at,
            "{mode:?}: it ended before its time"
        );
        assert_fate(&ground, &shot.dropped(UNWRITTEN));
        assert_eq!(policy_revision(&ground), revision, "nobody changed the policy");
    }
}

/// Takes up to two minutes, so it is one of the long ones.
#[test]
fn a_schedule_acts_at_its_minute() {
    if crate::support::repetitions(0, 1) == 0 {
        return;
    }
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let now = OffsetDateTime::now_utc();
    let start = (now + Duration::from_secs(60))
        .replace_second(0)
        .and_then(|at| at.replace_nanosecond(0))
        .expect("the beginning of a minute");
    let end = start + Duration::from_secs(60);
    let time = |time: OffsetDateTime| format!("{:02}:{:02}", time.hour(), time.minute());
    let schedule = json!({ "from": time(start), "to": time(end), "timezone": "UTC" });
    ground
        .engine
        .apply_rules(&[rule("a minute").from("lan").to("wan").schedule(schedule).accept()]);
    let shot = syn(LAN, WAN, 80).passes("a minute");
    assert_fate(&ground, &shot.dropped(UNWRITTEN));
    wait_until("the minute begins", Duration::from_secs(65), || {
        passes(&ground, &shot)
    });
    let late = OffsetDateTime::now_utc() - start;
    assert!(
        late >= Duration::ZERO && late < Duration::from_secs(2),
        "{late} late"
    );
    assert_fate(&ground, &shot);
    wait_until("the minute ends", Duration::from_secs(65), || {
        !passes(&ground, &shot)
    });
    let late = OffsetDateTime::now_utc() - end;
    assert!(
        late >= Duration::ZERO && late < Duration::from_secs(2),
        "{late} late"
    );
}
