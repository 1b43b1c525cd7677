use std::collections::BTreeSet;

use ravelin_flows::live::{FlowKill, Killed};
use ravelin_model::{FlowFilter, NatMatch, protocol};

use crate::rig::{WEB, World, kinds, make, now, run};

/// `RV_CONNECTION_RESET` of ravelin/policy.h.
const RESET: u32 = 1 << 21;

async fn kill(world: &World, filter: FlowFilter, reset: bool, dry_run: bool) -> Killed {
    let killed = world.flows.kill(FlowKill {
        filter,
        reset,
        dry_run,
    });
    killed.await.expect("asked")
}

#[test]
fn a_kill_ends_what_its_filter_means() {
    run(|world| async move {
        let kinds = kinds();
        make(kinds.values());
        let udp = || FlowFilter {
            protocol: Some(protocol::UDP),
            ..FlowFilter::default()
        };
        let meant: BTreeSet<_> = ["dns", "own", "lost"].map(|name| kinds[name].original).into();
        let dry = kill(&world, udp(), false, true).await;
        assert_eq!((dry.matched, dry.killed), (3, 0));
        let sample: BTreeSet<_> = dry.sample.iter().map(|view| view.original).collect();
        assert_eq!(sample, meant);
        assert!(kinds.values().all(|kind| now(kind).is_some()));
        let killed = kill(&world, udp(), false, false).await;
        assert_eq!((killed.matched, killed.killed), (3, 3));
        for (name, kind) in &kinds {
            assert_eq!(now(kind).is_none(), meant.contains(&kind.original), "{name}");
        }
        let again = kill(&world, udp(), false, false).await;
        assert_eq!(again, Killed::default());
    });
}

#[test]
fn a_reset_leaves_tcp_to_answer_its_sides() {
    run(|world| async move {
        world.judge.send_replace(Some(world.policy(&[WEB])));
        let kinds = kinds();
        make(kinds.values());
        let any = FlowFilter {
            source: "10.0.0.0/8".parse().ok(),
            ..FlowFilter::default()
        };
        let killed = kill(&world, any, true, false).await;
        assert_eq!((killed.matched, killed.killed), (3, 3));
        assert!(["dns", "lost"].iter().all(|name| now(&kinds[name]).is_none()));
        let web = now(&kinds["web"]).expect("it stays to be reset");
        assert_eq!(web.mark, WEB | RESET, "the rest of the mark stays");
        assert!(web.timeout_seconds.is_some_and(|left| left <= 30), "{web:?}");
        let untouched = now(&kinds["web6"]).expect("it was not meant");
        assert_eq!(untouched.mark, WEB);
        let snat = FlowFilter {
            nat: Some(NatMatch::Source),
            ..FlowFilter::default()
        };
        let found = world.list(snat).await;
        assert!(world.flows.kill_one(found[0].id, false).await.expect("asked"));
        assert_eq!(now(&kinds["web"]), None);
    });
}

#[test]
fn without_a_policy_nothing_can_be_reset_and_so_it_is_forgotten() {
    run(|world| async move {
        let kinds = kinds();
        make(kinds.values());
        let web = FlowFilter {
            port: Some(443),
            ..FlowFilter::default()
        };
        let killed = kill(&world, web, true, false).await;
        assert_eq!((killed.matched, killed.killed), (2, 2));
        assert!(["web", "web6"].iter().all(|name| now(&kinds[name]).is_none()));
    });
}
