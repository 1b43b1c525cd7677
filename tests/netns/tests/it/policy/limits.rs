//! Rate limits: over the limit a rule does not match.

use std::time::{Duration, Instant};

use ravelin_test_harness::wait_until;

use super::draft::{Rule, rule};
use super::engine::Mode;
use super::ground::{Ground, crossing, wait_for_growth};
use super::prober::judge;
use super::shot::*;

const BURST: u64 = 5;

/// Fires new connections from a host and says how many passed and how long it took.
fn burst(ground: &Ground<'_>, family: u8, host: u8, count: u64) -> (u64, Duration) {
    let start = Instant::now();
    let shot = syn(Port::Lan.host(host), WAN, 80).passes("limited");
    let passed = (0..count)
        .filter(|_| {
            let outcome = ground.prober.fire(&shot, family, ground.prober.own_port());
            judge(&shot, &outcome).is_ok()
        })
        .count();
    (passed as u64, start.elapsed())
}

/// As many pass as the limit lets: a burst, and one more for each second it took.
#[track_caller]
fn assert_limited(passed: u64, took: Duration) {
    let most = BURST + took.as_secs() + 1;
    assert!(
        (BURST..=most).contains(&passed),
        "{passed} passed within {took:?}"
    );
}

fn limited(per: &str) -> [Rule; 2] {
    [
        rule("limited").from("lan").to("wan").limit(1, 5, per).accept(),
        rule("over the limit").from("lan").to("wan").drop(),
    ]
}

#[test]
fn a_limit_of_a_rule_is_shared_by_all() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for family in [4, 6] {
            ground.engine.apply_rules(&limited("rule"));
            let before = ground.engine.counters();
            let (passed, took) = burst(&ground, family, 10, 12);
            assert_limited(passed, took);
            let counts = [("rule limited", passed), ("rule over the limit", 12 - passed)];
            let counts = counts.map(|(name, count)| (name.to_owned(), count));
            wait_for_growth(&|| ground.engine.counters(), &before, &counts).expect("counters");
            let (other, took) = burst(&ground, family, 11, 5);
            assert!(other <= took.as_secs() + 1, "{other} of another host passed");
            wait_until("the limit lets one pass again", Duration::from_secs(5), || {
                burst(&ground, family, 10, 1).0 == 1
            });
        }
    }
}

#[test]
fn a_limit_per_source_is_each_ones_own() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for family in [4, 6] {
            ground.engine.apply_rules(&limited("source"));
            for host in [10, 11] {
                let (passed, took) = burst(&ground, family, host, 12);
                assert_limited(passed, took);
            }
        }
    }
}

#[test]
fn what_belongs_to_a_connection_is_not_limited() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground
        .engine
        .apply_rules(&[rule("limited").from("lan").to("wan").limit(1, 1, "rule").accept()]);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let own = ground.prober.own_port();
        let request = udp(LAN, WAN, 53).passes("limited");
        let reply = udp_reply(WAN, LAN, 53).passes("limited");
        wait_until("the first one passes", Duration::from_secs(5), || {
            judge(&request, &ground.prober.fire(&request, 4, own)).is_ok()
        });
        for _ in 0..20 {
            for shot in [&reply, &request] {
                judge(shot, &ground.prober.fire(shot, 4, own)).expect("not limited");
            }
        }
    }
}
