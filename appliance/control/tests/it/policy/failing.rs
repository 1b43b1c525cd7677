//! Steps that fail leave the old policy everywhere, and are named.

use std::sync::Arc;

use ravelin_control::{CommitStep, Config, ControlError};
use ravelin_model::{Action, Revision};
use ravelin_store::Store;

use super::{commit, order, rule, try_commit, zoned};
use crate::datapath::{Call, Script};
use crate::engine::Engine;

/// A commit fails at a step, as the script has it, and leaves nothing; without the failure it goes through.
async fn check(step: CommitStep, spoil: impl Fn(&mut Script), heal: impl Fn(&mut Script)) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let engine = Engine::over(Store::open(&path).await.expect("open")).await;
    zoned(&engine).await;
    commit(&engine, vec![rule("old", Action::Accept, 80)]).await;
    let (policy, filter) = {
        let script = engine.plane.now();
        (
            script.policy.clone().expect("a policy"),
            script.filter.clone().expect("a table"),
        )
    };
    spoil(&mut engine.plane.now());
    let failed = try_commit(&engine, vec![rule("new", Action::Drop, 80)]).await;
    let Err(ControlError::CommitFailed { step: found, .. }) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(found, step);
    assert_eq!(order(&engine), ["rul_old"]);
    assert_eq!(engine.control.revision(), Revision(2));
    let stored = Store::open(&path)
        .await
        .expect("open")
        .policy()
        .await
        .expect("policy");
    assert_eq!(stored.policy, *engine.control.policy().policy);
    heal(&mut engine.plane.now());
    {
        let script = engine.plane.now();
        let held = script.policy.as_ref().expect("a policy");
        assert!(
            Arc::ptr_eq(&held.policy, &policy.policy),
            "eBPF has the old policy"
        );
        assert_eq!(
            script.filter.as_ref().expect("a table"),
            &filter,
            "nftables has the old policy"
        );
    }
    commit(&engine, vec![rule("new", Action::Drop, 81)]).await;
    assert_eq!(order(&engine), ["rul_old", "rul_new"]);
    let metrics = engine.control.policy_metrics().await.expect("metrics");
    assert_eq!((metrics.failed_commits, metrics.commits.0), (1, 3));
}

#[tokio::test]
async fn nftables_refuses() {
    let refuse = |script: &mut Script| {
        script.refuse.insert(Call::Filter);
    };
    check(CommitStep::Nftables, refuse, |script| script.refuse.clear()).await;
}

#[tokio::test]
async fn the_maps_refuse() {
    let refuse = |script: &mut Script| {
        script.refuse.insert(Call::Policy);
    };
    check(CommitStep::Load, refuse, |script| script.refuse.clear()).await;
}

#[tokio::test]
async fn what_is_read_back_is_something_else() {
    let lie = |script: &mut Script| script.filter_lies = true;
    check(CommitStep::ReadBack, lie, |script| script.filter_lies = false).await;
}

#[tokio::test]
async fn the_store_refuses_at_the_end() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let engine = Engine::over(Store::open(&path).await.expect("open")).await;
    zoned(&engine).await;
    commit(&engine, vec![rule("old", Action::Accept, 80)]).await;
    // A foreign key nobody checks before the commit.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let spoiler = sqlx::SqlitePool::connect_with(options).await.expect("open");
    for statement in [
        "CREATE TABLE witness (rule TEXT REFERENCES zone (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE zone (id TEXT PRIMARY KEY)",
        "CREATE TRIGGER spoil AFTER INSERT ON policy_object WHEN NEW.id = 'rul_new'
         BEGIN INSERT INTO witness VALUES ('nobody'); END",
    ] {
        sqlx::query(statement).execute(&spoiler).await.expect(statement);
    }
    let filter = engine.plane.now().filter.clone();
    let failed = try_commit(&engine, vec![rule("new", Action::Drop, 80)]).await;
    assert!(
        matches!(
            failed,
            Err(ControlError::CommitFailed {
                step: CommitStep::Store,
                ..
            })
        ),
        "{failed:?}"
    );
    assert_eq!(order(&engine), ["rul_old"]);
    assert_eq!(engine.plane.now().filter, filter);
    assert_eq!(engine.control.policy().revision, Revision(2));
    sqlx::query("DROP TRIGGER spoil")
        .execute(&spoiler)
        .await
        .expect("heal");
    commit(&engine, vec![rule("new", Action::Drop, 80)]).await;
    assert_eq!(order(&engine), ["rul_old", "rul_new"]);
}

#[tokio::test]
async fn a_start_without_the_maps_leaves_it_to_nftables_and_says_so() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    zoned(&engine).await;
    drop(engine);
    let config = Config {
        reconcile_every: std::time::Duration::from_millis(10),
        ..Config::default()
    };
    let engine = Engine::with(store, config, |told| {
        told.now().refuse.insert(Call::Policy);
    })
    .await;
    assert!(engine.control.policy().enforced);
    assert!(engine.plane.now().filter.is_some());
    assert!(!engine.plane.now().switches.policy_classifier);
    let problems = engine.control.readiness().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("policy_classifier failed")),
        "{problems:?}"
    );
    let mut events = engine.control.subscribe(None);
    engine.plane.now().refuse.clear();
    crate::engine::wait_for(&mut events, |event| match event {
        ravelin_model::Event::FeatureChanged { feature, state, .. } => (*feature
            == ravelin_model::Feature::PolicyClassifier
            && *state == ravelin_model::FeatureState::Active)
            .then_some(()),
        _ => None,
    })
    .await;
    assert!(engine.plane.now().switches.policy_classifier);
    assert!(engine.plane.now().policy.is_some());
}

#[tokio::test]
async fn a_start_without_nftables_says_so_and_tries_again() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    zoned(&engine).await;
    drop(engine);
    let config = Config {
        reconcile_every: std::time::Duration::from_millis(10),
        ..Config::default()
    };
    let engine = Engine::with(store, config, |told| {
        told.now().refuse.insert(Call::Filter);
    })
    .await;
    let view = engine.control.policy();
    assert!(!view.enforced);
    assert!(view.problems[0].contains("nftables"), "{:?}", view.problems);
    assert!(!engine.control.readiness().ready);
    assert!(
        !engine.plane.now().switches.policy_classifier,
        "nothing drops that nobody lets in again"
    );
    let mut events = engine.control.subscribe(None);
    engine.plane.now().refuse.clear();
    crate::engine::wait_for(&mut events, |event| match event {
        ravelin_model::Event::PolicyChanged { enforced: true, .. } => Some(()),
        _ => None,
    })
    .await;
    assert!(engine.control.policy().problems.is_empty());
}
