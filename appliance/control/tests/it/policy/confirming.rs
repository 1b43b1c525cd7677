//! Not locking oneself out.

use std::time::Duration;

use ravelin_control::{CallerConnection, CommitOptions, Config, ControlError, PolicyOperation};
use ravelin_model::{Action, Event, Revision};
use ravelin_store::Store;

use super::{commit, order, pair, rule, try_commit, zone, zone_spec, zoned};
use crate::engine::{Engine, actor, wait_for};

fn within(seconds: u64) -> CommitOptions {
    CommitOptions {
        confirm_within: Some(Duration::from_secs(seconds)),
        ..CommitOptions::default()
    }
}

fn quick() -> Config {
    Config {
        reconcile_every: Duration::from_millis(10),
        ..Config::default()
    }
}

/// Waits until the policy is at a revision.
async fn until(engine: &Engine, revision: u64) {
    let mut events = engine.control.subscribe(Some(0));
    if engine.control.policy().revision == Revision(revision) {
        return;
    }
    wait_for(&mut events, |event| match event {
        Event::PolicyChanged { revision: found, .. } => (*found == Revision(revision)).then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn what_is_not_confirmed_is_taken_back() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store, quick(), |_| {}).await;
    zoned(&engine).await;
    commit(&engine, vec![rule("old", Action::Accept, 1)]).await;
    let new = vec![rule("new", Action::Accept, 2)];
    let committed = engine
        .control
        .commit_policy(new, within(60), &actor())
        .await
        .expect("commit");
    let unconfirmed = committed.policy.unconfirmed.expect("it waits");
    assert_eq!(
        (unconfirmed.revision, unconfirmed.previous),
        (Revision(3), Revision(2))
    );
    let refused = try_commit(&engine, vec![rule("more", Action::Accept, 3)]).await;
    assert!(matches!(
        refused,
        Err(ControlError::AwaitsConfirmation {
            revision: Revision(3),
            ..
        })
    ));
    engine.ahead.send_replace(time::Duration::seconds(59));
    assert_eq!(order(&engine), ["rul_old", "rul_new"]);
    engine.ahead.send_replace(time::Duration::seconds(61));
    until(&engine, 4).await;
    assert_eq!(order(&engine), ["rul_old"]);
    assert_eq!(engine.control.policy().unconfirmed, None);
    let filter = engine.plane.now().filter.clone().expect("a table");
    assert_eq!(filter.revision(), Revision(4));
    commit(&engine, vec![rule("more", Action::Accept, 3)]).await;
}

#[tokio::test]
async fn what_is_confirmed_stays() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store, quick(), |_| {}).await;
    zoned(&engine).await;
    let new = vec![rule("new", Action::Accept, 2)];
    let committed = engine
        .control
        .commit_policy(new, within(60), &actor())
        .await
        .expect("commit");
    let wrong = engine.control.confirm(Revision(1), &actor()).await;
    assert!(matches!(wrong, Err(ControlError::NothingToConfirm(Revision(1)))));
    let view = engine
        .control
        .confirm(committed.revision, &actor())
        .await
        .expect("confirm");
    assert_eq!(view.unconfirmed, None);
    engine.ahead.send_replace(time::Duration::seconds(61));
    commit(&engine, vec![rule("more", Action::Accept, 3)]).await;
    assert_eq!(order(&engine), ["rul_new", "rul_more"]);
}

/// The first time server of a machine without a battery sets its clock decades ahead.
#[tokio::test]
async fn setting_the_clock_neither_ends_nor_prolongs_the_time_to_confirm() {
    for days in [20_000, -20_000] {
        let store = Store::in_memory().await.expect("store");
        let engine = Engine::with(store, quick(), |_| {}).await;
        zoned(&engine).await;
        commit(&engine, vec![rule("old", Action::Accept, 1)]).await;
        let new = vec![rule("new", Action::Accept, 2)];
        engine
            .control
            .commit_policy(new, within(60), &actor())
            .await
            .expect("commit");
        engine.stepped.send_replace(time::Duration::days(days));
        engine.ahead.send_replace(time::Duration::seconds(55));
        // Time enough for it to look at its clock many times over.
        for _ in 0..20 {
            tokio::time::sleep(quick().reconcile_every).await;
            let refused = try_commit(&engine, vec![rule("more", Action::Accept, 3)]).await;
            assert!(
                matches!(refused, Err(ControlError::AwaitsConfirmation { .. })),
                "{days}"
            );
        }
        assert_eq!(order(&engine), ["rul_old", "rul_new"], "{days}");
        engine.ahead.send_replace(time::Duration::seconds(61));
        until(&engine, 4).await;
        assert_eq!(order(&engine), ["rul_old"], "{days}");
    }
}

/// After a restart, only the clock says how much time is left: at most as much as there was.
#[tokio::test]
async fn a_clock_that_is_behind_after_a_restart_gives_no_more_time_than_there_was() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let engine = Engine::over(Store::open(&path).await.expect("open")).await;
    zoned(&engine).await;
    commit(&engine, vec![rule("old", Action::Accept, 1)]).await;
    let new = vec![rule("new", Action::Accept, 2)];
    engine.stepped.send_replace(time::Duration::days(20_000));
    engine
        .control
        .commit_policy(new, within(600), &actor())
        .await
        .expect("commit");
    let store = Store::open(&path).await.expect("open");
    // The clock of this start is that of the system, decades behind.
    let engine = engine.restarted(store, quick()).await;
    assert_eq!(order(&engine), ["rul_old", "rul_new"]);
    engine.ahead.send_replace(time::Duration::seconds(601));
    until(&engine, 4).await;
    assert_eq!(order(&engine), ["rul_old"]);
}

#[tokio::test]
async fn a_deadline_outlives_the_process() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let engine = Engine::over(Store::open(&path).await.expect("open")).await;
    zoned(&engine).await;
    commit(&engine, vec![rule("old", Action::Accept, 1)]).await;
    let new = vec![rule("new", Action::Accept, 2)];
    // Overdue as soon as it is there, and killed before anybody can act on it.
    let options = CommitOptions {
        confirm_within: Some(Duration::ZERO),
        ..CommitOptions::default()
    };
    engine
        .control
        .commit_policy(new, options, &actor())
        .await
        .expect("commit");
    let store = Store::open(&path).await.expect("open");
    let engine = engine.restarted(store, Config::default()).await;
    assert_eq!(order(&engine), ["rul_old"]);
    let filter = engine.plane.now().filter.clone().expect("a table");
    assert_eq!(filter.revision(), engine.control.policy().revision);
    assert_eq!(engine.control.policy().unconfirmed, None);
}

fn from(peer: &str) -> CommitOptions {
    CommitOptions {
        caller: Some(CallerConnection {
            peer: peer.parse().expect("peer"),
            local_address: None,
            local_port: 8443,
        }),
        ..CommitOptions::default()
    }
}

async fn commit_from(
    engine: &Engine,
    peer: &str,
    operations: Vec<PolicyOperation>,
) -> Result<(), ControlError> {
    engine
        .control
        .commit_policy(operations, from(peer), &actor())
        .await
        .map(drop)
}

/// `lan0` has 192.168.0.1/24 and `wan0` 203.0.113.1/24.
async fn addressed() -> Engine {
    let engine = Engine::with(Store::in_memory().await.expect("store"), quick(), |_| {}).await;
    let mut links = engine.links.borrow().to_vec();
    links[1].addresses = vec!["192.168.0.1/24".parse().expect("address")];
    links[2].addresses = vec!["203.0.113.1/24".parse().expect("address")];
    let mut events = engine.control.subscribe(None);
    engine.links.send_replace(links.into());
    wait_for(&mut events, |event| match event {
        Event::InterfaceChanged { interface, .. } => (interface == "wan0").then_some(()),
        _ => None,
    })
    .await;
    engine
}

#[tokio::test]
async fn nobody_cuts_the_branch_he_sits_on() {
    let engine = addressed().await;
    let zones = || vec![zone("lan", &["lan0"]), zone("wan", &["wan0"])];
    let peer = "192.168.0.10:40000";
    let refused = commit_from(&engine, peer, zones()).await;
    assert!(
        matches!(refused, Err(ControlError::WouldLockOut { .. })),
        "{refused:?}"
    );
    assert!(!engine.control.policy().enforced);
    // Somebody on the box itself cannot be locked out.
    commit_from(&engine, "[::1]:40000", zones())
        .await
        .expect("loopback");
    let engine = addressed().await;
    let open = || [zones(), vec![pair("lan", "local", Action::Accept)]].concat();
    let outside = commit_from(&engine, "203.0.113.7:40000", open()).await;
    assert!(
        matches!(outside, Err(ControlError::WouldLockOut { .. })),
        "{outside:?}"
    );
    commit_from(&engine, peer, open())
        .await
        .expect("the pair lets it in");
}

#[tokio::test]
async fn a_management_zone_or_a_deadline_lets_it_through() {
    let engine = addressed().await;
    let mut spec = zone_spec("lan", &["lan0"]);
    spec.management = true;
    let managed = PolicyOperation::Zone(ravelin_control::Operation::Create { id: None, spec });
    let peer = "192.168.0.10:40000";
    // 8443 is no management port of the default configuration of control, 443 is.
    let refused = commit_from(&engine, peer, vec![managed.clone()]).await;
    assert!(
        matches!(refused, Err(ControlError::WouldLockOut { .. })),
        "{refused:?}"
    );
    let mut options = from(peer);
    if let Some(caller) = &mut options.caller {
        caller.local_port = 443;
    }
    engine
        .control
        .commit_policy(vec![managed], options, &actor())
        .await
        .expect("management");
    let engine = addressed().await;
    let options = CommitOptions {
        confirm_within: Some(Duration::from_secs(60)),
        ..from(peer)
    };
    let locked = vec![zone("lan", &["lan0"])];
    engine
        .control
        .commit_policy(locked, options, &actor())
        .await
        .expect("with a deadline");
}
