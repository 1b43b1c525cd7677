//! Counters add up, whatever happens in between.

use ravelin_control::{Config, Hits, Operation, PolicyOperation};
use ravelin_datapath::HitCounter;
use ravelin_model::Action;
use ravelin_store::Store;

use super::{ANY, commit, counter, rule, rule_id, zoned};
use crate::engine::Engine;

/// Has both back-ends show so many packets of 100 bytes for a counter.
fn show(engine: &Engine, counter: u32, nft: u64, ebpf: u64) {
    let hits = |packets, bytes| HitCounter {
        packets,
        bytes: packets * bytes,
    };
    let mut script = engine.plane.now();
    script.filter_hits.insert(counter, hits(nft, 100));
    // Frames of Ethernet.
    script.policy_hits.insert(counter, hits(ebpf, 114));
}

async fn check(engine: &Engine, counter: u32, packets: u64) -> Hits {
    let hits = engine.control.rule_hits(&[counter]).await.expect("hits")[0];
    assert_eq!((hits.packets, hits.bytes), (packets, packets * 100));
    hits
}

#[tokio::test]
async fn both_back_ends_and_all_commits_add_up() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("a", Action::Drop, 1)]).await;
    let a = counter(&engine, "a");
    assert_eq!(check(&engine, a, 0).await.last_hit_at, None);
    show(&engine, a, 3, 4);
    let hits = check(&engine, a, 7).await;
    assert!(hits.last_hit_at.is_some());
    assert_eq!(check(&engine, a, 7).await, hits, "nothing new, no newer hit");
    for round in 0..5 {
        commit(&engine, vec![rule(&format!("r{round}"), Action::Accept, 2)]).await;
    }
    show(&engine, a, 5, 4);
    check(&engine, a, 9).await;
    // A table made anew counts from 0.
    show(&engine, a, 1, 4);
    check(&engine, a, 10).await;
}

#[tokio::test]
async fn a_counter_that_comes_to_another_rule_begins_at_nothing() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("a", Action::Drop, 1)]).await;
    let a = counter(&engine, "a");
    show(&engine, a, 3, 4);
    check(&engine, a, 7).await;
    // The number comes back when all the others have been given.
    for round in 0.. {
        assert!(round < 1000, "counter {a} never came back");
        let delete = PolicyOperation::Rule(Operation::Delete {
            id: rule_id("a"),
            precondition: ANY,
        });
        commit(&engine, vec![delete]).await;
        commit(&engine, vec![rule("a", Action::Drop, 1)]).await;
        if counter(&engine, "a") == a {
            break;
        }
    }
    check(&engine, a, 0).await;
    show(&engine, a, 1, 0);
    check(&engine, a, 1).await;
}

#[tokio::test]
async fn counts_outlive_a_restart_and_a_reboot() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let open = || async { Store::open(&path).await.expect("open") };
    let engine = Engine::over(open().await).await;
    zoned(&engine).await;
    commit(&engine, vec![rule("a", Action::Drop, 1)]).await;
    let a = counter(&engine, "a");
    show(&engine, a, 10, 20);
    // The back-ends go on counting while there is no engine.
    let engine = engine.restarted(open().await, Config::default()).await;
    let before = check(&engine, a, 30).await;
    show(&engine, a, 11, 20);
    check(&engine, a, 31).await;
    // A reboot: what is shown begins at 0, and passes what was shown before.
    engine.plane.now().filter_epoch = "another boot".to_owned();
    show(&engine, a, 15, 20);
    let engine = engine.restarted(open().await, Config::default()).await;
    let after = check(&engine, a, 46).await;
    assert!(after.last_hit_at > before.last_hit_at);
}

#[tokio::test]
async fn what_was_counted_outlives_the_table() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("a", Action::Drop, 1)]).await;
    let a = counter(&engine, "a");
    show(&engine, a, 10, 0);
    let unzoned = ["lan", "wan"].map(|text| {
        PolicyOperation::Zone(Operation::Replace {
            id: super::zone_id(text),
            spec: super::zone_spec(text, &[]),
            precondition: ANY,
        })
    });
    commit(&engine, unzoned.into()).await;
    check(&engine, a, 10).await;
}

#[tokio::test]
async fn metrics_add_up_by_action_and_zones() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(
        &engine,
        vec![rule("a", Action::Drop, 1), rule("b", Action::Drop, 2)],
    )
    .await;
    show(&engine, counter(&engine, "a"), 3, 0);
    show(&engine, counter(&engine, "b"), 4, 0);
    check(&engine, counter(&engine, "a"), 3).await;
    let metrics = engine.control.policy_metrics().await.expect("metrics");
    let [(action, from, to, hits)] = metrics.hits.as_slice() else {
        panic!("{metrics:?}");
    };
    assert_eq!((*action, from, to, hits.packets), (Action::Drop, &None, &None, 7));
}
