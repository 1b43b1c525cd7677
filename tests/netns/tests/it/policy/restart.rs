//! The policy outlives its engine.

use super::draft::{rule, tcp};
use super::engine::Mode;
use super::ground::{Ground, crossing};
use super::prober::judge;
use super::shot::*;

fn shots() -> Vec<Shot> {
    vec![
        syn(LAN, WAN, 80).passes("web"),
        syn(LAN, WAN, 81).dropped(UNWRITTEN),
        udp(LAN, WAN, 82).prohibited("no"),
        syn(WAN, LAN, 80).dropped(UNWRITTEN),
        syn(WAN, ROUTER_WAN, 22).dropped(UNWRITTEN),
        syn(UNZONED, WAN, 80).dropped(NO_ZONE),
        udp(ROUTER_WAN, WAN, 53).passes(UNWRITTEN),
    ]
}

#[track_caller]
fn assert_enforced(ground: &Ground<'_>, when: &str) {
    for family in [4, 6] {
        for shot in shots() {
            let outcome = ground.prober.fire(&shot, family, ground.prober.own_port());
            judge(&shot, &outcome).unwrap_or_else(|why| panic!("{when}, IPv{family}, {shot:?}: {why}"));
        }
    }
}

#[test]
fn the_policy_stays_in_force_while_the_engine_is_gone() {
    let Some(crossing) = crossing() else { return };
    let mut ground = Ground::start(&crossing);
    ground.engine.apply_rules(&[
        rule("web").from("lan").to("wan").service(tcp(&["80"])).accept(),
        rule("no")
            .from("lan")
            .to("wan")
            .service(super::draft::udp(&["82"]))
            .reject(),
    ]);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for kill in [true, false] {
            let own = ground.prober.own_port();
            let request = syn(LAN, WAN, 80).passes("web");
            judge(&request, &ground.prober.fire(&request, 4, own)).expect("a connection begins");
            let counters = ground.engine.counters();
            if kill {
                ground.engine.raveld.kill();
            } else {
                ground.engine.raveld.terminate();
            }
            assert_enforced(&ground, "while it is gone");
            let reply = syn_ack(WAN, LAN, 80).passes("web");
            judge(&reply, &ground.prober.fire(&reply, 4, own)).expect("a reply passes");
            ground.engine.raveld.start_again();
            assert_enforced(&ground, "while it starts");
            ground.engine.raveld.wait_ready();
            assert_enforced(&ground, "when it is back");
            let segment = ack(LAN, WAN, 80).passes("web");
            judge(&segment, &ground.prober.fire(&segment, 4, own)).expect("the connection goes on");
            // Three rounds of the shots in two families, the reply and the segment.
            let grown = super::ground::grown(&counters, &ground.engine.counters());
            assert!(grown.contains(&("rule web".to_owned(), 8)), "{mode:?}: {grown:?}");
            assert!(grown.contains(&("rule no".to_owned(), 6)), "{mode:?}: {grown:?}");
        }
    }
}

#[test]
fn nothing_is_enforced_before_the_first_zone_has_an_interface() {
    let Some(crossing) = crossing() else { return };
    let raveld = ravelin_test_harness::Raveld::start(&crossing.router);
    let prober = super::prober::Prober::new(&crossing);
    let tables = || crossing.router.run("nft", &["list", "tables"]);
    assert_eq!(tables(), "", "nobody asked for a policy");
    let all = [
        syn(LAN, WAN, 80).passes(By::Nothing),
        udp(WAN, ROUTER_WAN, 53).passes(By::Nothing),
    ];
    for shot in all {
        judge(&shot, &prober.fire(&shot, 4, prober.own_port())).expect("passes");
    }
    let zone = serde_json::json!({ "name": "wan", "interfaces": ["wan0"] });
    raveld.api().post("/api/v1/zones", &zone).expect(201);
    assert!(tables().contains("ravelin"), "{}", tables());
    // The fence cannot pass either, so a rule for it is made.
    let fence = rule("fence")
        .service(super::draft::protocol(super::prober::FENCE))
        .accept();
    raveld.api().post("/api/v1/rules", &fence.value()).expect(201);
    let zone = serde_json::json!({ "name": "lan", "interfaces": ["lan0"] });
    raveld.api().post("/api/v1/zones", &zone).expect(201);
    for shot in [
        syn(LAN, WAN, 80).dropped(UNWRITTEN),
        udp(WAN, ROUTER_WAN, 53).dropped(UNWRITTEN),
        syn(DMZ, WAN, 80).dropped(NO_ZONE),
    ] {
        if shot.at != Port::Dmz {
            judge(&shot, &prober.fire(&shot, 4, prober.own_port())).expect("dropped");
        }
    }
}

#[test]
fn detach_takes_the_policy_away() {
    let Some(crossing) = crossing() else { return };
    let mut ground = Ground::start(&crossing);
    ground
        .engine
        .apply_rules(&[rule("web").from("lan").to("wan").service(tcp(&["80"])).accept()]);
    ground.engine.raveld.terminate();
    let output = ground.engine.raveld.detach();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(crossing.router.run("nft", &["list", "tables"]), "");
    let shot = syn(WAN, LAN, 80).passes(By::Nothing);
    judge(&shot, &ground.prober.fire(&shot, 4, ground.prober.own_port())).expect("nothing is filtered");
}
