//! Tables become others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ravelin_compile::generate::{Random, Shape, World};
use ravelin_compile::{NftRuleset, NftSettings, Ruleset, fixed_counter};
use ravelin_kernel::{KernelError, Nftables};
use ravelin_model::Revision;

use crate::support::{
    assert_same, compiled, counted_to, in_namespace, link_out, listed, listed_in_its_own_namespace,
    random_ruleset, visit,
};

#[test]
fn a_random_table_loads_and_reads_back() {
    in_namespace("load", || async {
        let mut random = Random::seeded();
        for rules in [0, 3, 30, 120] {
            let table = compiled(&random_ruleset(&mut random, rules));
            let mut nftables = Nftables::open().expect("open");
            nftables.apply(&table).await.expect("apply");
            assert_eq!(
                nftables.revision().await.expect("revision"),
                Some(table.revision())
            );
            assert_eq!(nftables.found().await.expect("found"), table.names());
            let counters = nftables.counters().await.expect("counters");
            assert!(counters.keys().eq(table.counters()));
        }
    });
}

/// Small changes and whole new policies, each from what was there before.
#[test]
fn what_a_difference_makes_is_what_a_fresh_table_is() {
    in_namespace("difference", || async {
        let mut random = Random::seeded();
        let mut nftables = Nftables::open().expect("open");
        let mut world = World::new(&mut random, &Shape::rules(60));
        for step in 0..13 {
            if step % 6 == 5 {
                world = World::new(&mut random, &Shape::rules(12 * step));
            } else {
                let at = random.below(world.policy.rules.len());
                match random.below(3) {
                    0 => drop(world.policy.rules.remove(at)),
                    1 => world.policy.rules.swap(0, at),
                    _ => world.lists = World::new(&mut random, &Shape::rules(8)).lists,
                }
            }
            let mut ruleset = world.resolve();
            ruleset.revision = Revision(step.try_into().expect("few"));
            let table = compiled(&ruleset);
            nftables.apply(&table).await.expect("apply");
            assert_eq!(nftables.found().await.expect("found"), table.names());
            assert_same(&listed(), &listed_in_its_own_namespace(&table));
        }
    });
}

#[test]
fn a_table_nobody_remembers_is_adopted_with_its_counts() {
    in_namespace("adopt", || async {
        let mut random = Random::seeded();
        let first = random_ruleset(&mut random, 40);
        let mut nftables = Nftables::open().expect("open");
        nftables.apply(&compiled(&first)).await.expect("apply");
        link_out();
        let sent = visit("192.0.2.1", 3);
        drop(nftables);

        let mut second = World::new(&mut random, &Shape::rules(60)).resolve();
        second.revision = Revision(7);
        let table = compiled(&second);
        let mut nftables = Nftables::open().expect("open");
        assert_eq!(nftables.revision().await.expect("revision"), Some(first.revision));
        nftables.apply(&table).await.expect("apply");
        assert_eq!(nftables.revision().await.expect("revision"), Some(Revision(7)));
        assert_same(&listed(), &listed_in_its_own_namespace(&table));
        assert_eq!(nftables.found().await.expect("found"), table.names());
        assert_eq!(
            counted_to(&mut nftables, fixed_counter::NO_ZONE).await.packets,
            sent
        );
    });
}

#[test]
fn counts_go_on_over_a_hundred_changes() {
    in_namespace("counts", || async {
        let mut random = Random::seeded();
        let mut nftables = Nftables::open().expect("open");
        let mut world = World::new(&mut random, &Shape::rules(30));
        let mut sent = 0;
        link_out();
        for step in 0..100 {
            let at = random.below(world.policy.rules.len());
            world.policy.rules.swap(0, at);
            let mut ruleset = world.resolve();
            ruleset.revision = Revision(step);
            nftables.apply(&compiled(&ruleset)).await.expect("apply");
            if step == 50 {
                nftables = Nftables::open().expect("open");
            }
            // Leaves by an interface in no zone.
            sent += visit("192.0.2.1", 2);
        }
        assert_eq!(
            counted_to(&mut nftables, fixed_counter::NO_ZONE).await.packets,
            sent
        );
        assert!(sent >= 200);
    });
}

#[test]
fn a_table_the_kernel_refuses_leaves_the_one_before() {
    in_namespace("refuse", || async {
        let mut random = Random::seeded();
        let good = random_ruleset(&mut random, 30);
        let mut nftables = Nftables::open().expect("open");
        nftables.apply(&compiled(&good)).await.expect("apply");
        let before = listed();
        for refused in refused(&good) {
            let error = nftables.apply(&refused).await.expect_err("refused");
            let KernelError::NftRefused { said, .. } = &error else {
                panic!("{error}")
            };
            assert!(!said.is_empty() && !said.contains("internal:0:0"), "{said}");
            assert_same(&listed(), &before);
        }
        // And the next one is made as if nothing had been.
        let mut next = good;
        next.revision = Revision(2);
        let applied = nftables.apply(&compiled(&next)).await.expect("apply");
        assert_eq!((applied.added, applied.removed), (1, 1));
    });
}

/// Tables that no kernel takes.
fn refused(good: &Ruleset) -> Vec<Arc<NftRuleset>> {
    let mut long = good.clone();
    let zone = long
        .zones
        .values_mut()
        .find(|zone| !zone.interfaces.is_empty())
        .expect("a zone");
    zone.interfaces.push("a-name-no-interface-can-have".to_owned());
    let group = NftSettings {
        log_rate: 0,
        ..NftSettings::default()
    };
    vec![compiled(&long), Arc::new(NftRuleset::new(good, &group))]
}

#[test]
fn a_table_somebody_else_changed_is_written_anew() {
    in_namespace("meddle", || async {
        let mut random = Random::seeded();
        let mut ruleset = random_ruleset(&mut random, 30);
        let mut nftables = Nftables::open().expect("open");
        nftables.apply(&compiled(&ruleset)).await.expect("apply");
        for meddle in [
            vec!["delete", "table", "inet", "ravelin"],
            vec!["add", "chain", "inet", "ravelin", "pair_2_99"],
            vec!["flush", "set", "inet", "ravelin", "rule_counts"],
        ] {
            let status = std::process::Command::new("nft")
                .args(&meddle)
                .status()
                .expect("run nft");
            assert!(status.success(), "{meddle:?}");
            // A counter comes and one goes, which the meddling is in the way of.
            ruleset.revision.0 += 1;
            ruleset.lines.pop();
            let table = compiled(&ruleset);
            nftables.apply(&table).await.expect("apply");
            if meddle[0] != "add" {
                assert_same(&listed(), &listed_in_its_own_namespace(&table));
            }
        }
    });
}

#[test]
fn what_was_removed_is_gone_and_comes_back() {
    in_namespace("remove", || async {
        let mut nftables = Nftables::open().expect("open");
        nftables.remove().await.expect("nothing to remove is fine");
        assert_eq!(nftables.revision().await.expect("revision"), None);
        assert_eq!(nftables.counters().await.expect("counters"), BTreeMap::new());
        let table = compiled(&random_ruleset(&mut Random::seeded(), 10));
        for _ in 0..2 {
            nftables.apply(&table).await.expect("apply");
            assert_eq!(
                nftables.revision().await.expect("revision"),
                Some(table.revision())
            );
            nftables.remove().await.expect("remove");
            assert_eq!(listed(), BTreeSet::new());
        }
    });
}

#[test]
fn nft_that_is_not_there_is_told() {
    in_namespace("missing", || async {
        let mut nftables = Nftables::with_program("/nonexistent/nft".into()).expect("open");
        let table = compiled(&random_ruleset(&mut Random::seeded(), 3));
        let error = nftables.apply(&table).await.expect_err("no nft");
        assert!(matches!(error, KernelError::StartNft(_)), "{error}");
    });
}
