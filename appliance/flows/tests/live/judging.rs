use std::collections::BTreeSet;

use ravelin_model::{FlowTuple, LiveFlows, VerdictLine};

use crate::rig::{DNS, PUBLISHED, WEB, World, kinds, make, now, run};

async fn judge(world: &World, rules: &[u32], cut: bool) -> LiveFlows {
    let judged = world.flows.judge(Some(world.policy(rules)), cut).await;
    judged.expect("they are judged")
}

fn originals(judged: &LiveFlows) -> BTreeSet<FlowTuple> {
    judged.sample.iter().map(|cut| cut.original).collect()
}

#[test]
fn a_policy_cuts_what_it_does_not_allow() {
    run(|world| async move {
        let kinds = kinds();
        make(kinds.values());
        // Without the rule of DNS; nobody ever let a shell in from outside.
        let without = [WEB, PUBLISHED];
        let expected = ["dns", "shell"].map(|name| kinds[name].original).into();
        let dry = judge(&world, &without, false).await;
        assert_eq!((dry.kept, dry.cut, dry.unjudged), (6, 2, 1));
        assert_eq!(originals(&dry), expected);
        for kind in kinds.values() {
            assert!(now(kind).is_some(), "{kind:?}");
        }
        let dns = dry
            .sample
            .iter()
            .find(|cut| cut.original == kinds["dns"].original);
        let dns = dns.expect("it is named");
        let zones = [&dns.from_zone, &dns.to_zone].map(|zone| zone.as_ref().map(|zone| zone.as_str()));
        assert_eq!(zones, [Some("zon_lan"), Some("zon_wan")]);
        assert_eq!(dns.line, VerdictLine::UnwrittenPair);
        let cut = judge(&world, &without, true).await;
        assert_eq!(
            (cut.kept, cut.cut, originals(&cut)),
            (dry.kept, dry.cut, expected)
        );
        for (name, kind) in &kinds {
            assert_eq!(now(kind).is_none(), matches!(*name, "dns" | "shell"), "{name}");
        }
        let again = judge(&world, &without, true).await;
        assert_eq!((again.kept, again.cut), (6, 0));
    });
}

#[test]
fn without_a_policy_everything_stays() {
    run(|world| async move {
        let kinds = kinds();
        make(kinds.values());
        let judged = world.flows.judge(None, true).await.expect("they are counted");
        assert_eq!((judged.kept, judged.cut), (8, 0));
        assert!(kinds.values().all(|kind| now(kind).is_some()));
    });
}

#[test]
fn an_interface_without_zone_lets_nothing_live() {
    run(|world| async move {
        let kinds = kinds();
        make(kinds.values());
        let policy = world.policy(&[WEB, DNS, PUBLISHED]);
        let mut ruleset = (**policy.ruleset()).clone();
        ruleset.zone_of_interface.remove(&world.index("wan0"));
        let judge = ravelin_compile::Judge::new(ruleset.into(), None);
        let judged = world
            .flows
            .judge(Some(judge.into()), false)
            .await
            .expect("judged");
        // What has to do with wan0: all but what stays within the box or goes nowhere.
        assert_eq!((judged.kept, judged.cut, judged.unjudged), (2, 6, 1));
        assert!(judged.sample.iter().all(|cut| cut.line == VerdictLine::NoZone));
    });
}
