//! A step that fails leaves the old state in the data plane and in the store.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use ravelin_control::{Config, ControlError, Precondition};
use ravelin_model::{
    DnsBlockAction, DnsBlocklistConfig, Event, Feature, FeatureConfig, FeatureState, Revision,
};
use ravelin_store::Store;
use sqlx::{Connection, SqliteConnection};

use crate::datapath::{Call, Told};
use crate::engine::{Engine, actor, id, value, wait_for};

/// Makes every commit of a change fail from now on: each change leaves a dangling reference that SQLite looks at
/// only when it commits.
async fn poison(path: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut second = SqliteConnection::connect_with(&options)
        .await
        .expect("second handle");
    for statement in [
        "CREATE TABLE poison (x INTEGER REFERENCES list (number) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER poisoned AFTER INSERT ON revision BEGIN INSERT INTO poison VALUES (-1); END",
    ] {
        sqlx::query(statement).execute(&mut second).await.expect("poison");
    }
    second.close().await.expect("close");
}

#[tokio::test]
async fn a_store_that_fails_takes_the_data_plane_back() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("ravelin.db");
    let engine = Engine::over(Store::open(&path).await.expect("store")).await;
    engine.add("blocklist", &["192.0.2.1"]).await;
    engine.add("dns-blocklist", &["example.com"]).await;
    engine.enable(Feature::DdosProtection).await;
    engine.enable(Feature::DnsBlocklist).await;
    poison(&path).await;
    let before = engine.control.features().await.expect("features");

    let drop_queries = FeatureConfig::DnsBlocklist(DnsBlocklistConfig {
        lists: vec![id("dns-blocklist")],
        action: DnsBlockAction::Drop,
    });
    let any = Precondition::Exists;
    let control = &engine.control;
    for (change, outcome) in [
        (
            "add",
            control
                .add_entries(&id("blocklist"), vec![value("192.0.2.2")], &actor())
                .await
                .err(),
        ),
        (
            "import",
            control
                .import_entries(&id("dns-blocklist"), any, &b"example.net"[..], &actor())
                .await
                .err(),
        ),
        (
            "disable",
            control
                .set_enabled(Feature::DdosProtection, false, &actor())
                .await
                .err(),
        ),
        (
            "configure",
            control.set_config(drop_queries, any, &actor()).await.err(),
        ),
        (
            "external",
            control.set_interface_external("wan0", true, &actor()).await.err(),
        ),
    ] {
        assert!(
            matches!(outcome, Some(ControlError::Store(_))),
            "{change}: {outcome:?}"
        );
    }
    {
        let told = engine.plane.now();
        assert!(told.drops("192.0.2.1") && !told.drops("192.0.2.2"));
        assert!(told.blocks("example.com") && !told.blocks("example.net"));
        assert!(!told.switches.dns_drop);
        assert!(!told.attached[&3].external);
    }
    assert_eq!(engine.control.features().await.expect("features"), before);
    let again = Engine::over(Store::open(&path).await.expect("store")).await;
    assert_eq!(again.control.revision(), engine.control.revision());
    assert!(again.plane.now().drops("192.0.2.1") && !again.plane.now().drops("192.0.2.2"));
}

#[tokio::test]
async fn a_data_plane_that_refuses_keeps_the_store_as_it_was() {
    let engine = Engine::start().await;
    engine.add("blocklist", &["192.0.2.1"]).await;
    engine.enable(Feature::DdosProtection).await;
    let revision = engine.control.revision();
    for call in [Call::Addresses, Call::Switches, Call::Names, Call::Attach] {
        engine.plane.now().refuse = BTreeSet::from([call]);
        let control = &engine.control;
        let refused = match call {
            Call::Addresses => {
                let values = vec![value("192.0.2.2")];
                control
                    .add_entries(&id("blocklist"), values, &actor())
                    .await
                    .err()
            }
            Call::Switches => control
                .set_enabled(Feature::DdosProtection, false, &actor())
                .await
                .err(),
            Call::Names => control
                .set_enabled(Feature::DnsBlocklist, true, &actor())
                .await
                .err(),
            _ => control.set_interface_external("wan0", true, &actor()).await.err(),
        };
        assert!(
            matches!(refused, Some(ControlError::NoRoom(_))),
            "{call:?}: {refused:?}"
        );
        assert_eq!(control.revision(), revision, "{call:?}");
    }
    engine.plane.now().refuse.clear();
    assert_eq!(
        engine
            .control
            .list(&id("blocklist"))
            .await
            .expect("list")
            .entries_count,
        1
    );
    assert!(engine.plane.now().drops("192.0.2.1") && !engine.plane.now().switches.dns_blocklist);
    // The counter of the entry that was refused is not lost.
    assert_eq!(engine.add("blocklist", &["192.0.2.2"]).await.len(), 1);
}

#[tokio::test]
async fn a_list_that_does_not_load_at_start_fails_its_feature_only_and_is_tried_again() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    engine.add("dns-blocklist", &["example.com"]).await;
    engine.enable(Feature::DdosProtection).await;
    engine.enable(Feature::DnsBlocklist).await;
    let config = Config {
        reconcile_every: Duration::from_millis(20),
        ..Config::default()
    };
    let refuse = |told: &Told| told.now().refuse = BTreeSet::from([Call::Addresses]);
    let engine = Engine::with(store, config, refuse).await;
    let ddos = engine.feature(Feature::DdosProtection).await;
    assert_eq!(ddos.state, FeatureState::Failed);
    let reason = ddos.state_reason.expect("a reason");
    assert!(
        reason.contains("lists could not be loaded") && reason.contains("scripted refusal"),
        "{reason}"
    );
    assert!(!engine.control.readiness().ready);
    assert!(!engine.plane.now().switches.ddos_protection);
    assert!(engine.plane.now().blocks("example.com"));

    let mut stream = engine.control.subscribe(None);
    engine.plane.now().refuse.clear();
    wait_for(&mut stream, |event| match event {
        Event::FeatureChanged {
            feature: Feature::DdosProtection,
            state: FeatureState::Active,
            ..
        } => Some(()),
        _ => None,
    })
    .await;
    assert!(engine.plane.now().switches.ddos_protection && engine.control.readiness().ready);
}

#[tokio::test]
async fn after_the_end_changes_are_refused_and_streams_end() {
    let engine = Engine::start().await;
    let mut stream = engine.control.subscribe(None);
    engine.control.shut_down();
    assert_eq!(stream.next().await, None);
    let refused = engine
        .control
        .set_enabled(Feature::DnsBlocklist, true, &actor())
        .await;
    assert!(matches!(refused, Err(ControlError::ShuttingDown)), "{refused:?}");
    assert_eq!(engine.control.revision(), Revision(0));
}
