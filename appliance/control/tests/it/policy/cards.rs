//! Settings of interfaces and the cards they are for.

mod reconciling;
mod refused;
mod returning;

use std::time::Duration;

use ravelin_control::{
    CommitOptions, CommitStep, Committed, Config, Hardware, Operation, PolicyOperation, SettingsState,
};
use ravelin_model::{
    HardwareChange, HardwareSettings, InterfaceSettingsId, InterfaceSettingsSpec, NetworkSettings, Revision,
};
use ravelin_store::Store;

use super::{ANY, commit};
use crate::engine::{Engine, actor, until};

fn quick() -> Config {
    Config {
        reconcile_every: Duration::from_millis(10),
        ..Config::default()
    }
}

fn settings_id(interface: &str) -> InterfaceSettingsId {
    format!("ifs_{interface}").parse().expect("an id")
}

fn spec(interface: &str, hardware: HardwareSettings) -> InterfaceSettingsSpec {
    InterfaceSettingsSpec {
        interface: interface.to_owned(),
        description: String::new(),
        network: NetworkSettings::default(),
        hardware,
    }
}

fn create(interface: &str, hardware: HardwareSettings) -> PolicyOperation {
    PolicyOperation::InterfaceSettings(Operation::Create {
        id: Some(settings_id(interface)),
        spec: spec(interface, hardware),
    })
}

fn replace(interface: &str, hardware: HardwareSettings) -> PolicyOperation {
    PolicyOperation::InterfaceSettings(Operation::Replace {
        id: settings_id(interface),
        spec: spec(interface, hardware),
        precondition: ANY,
    })
}

fn delete(interface: &str) -> PolicyOperation {
    PolicyOperation::InterfaceSettings(Operation::Delete {
        id: settings_id(interface),
        precondition: ANY,
    })
}

/// The plain card has LRO and ntuple filters off, rings of 256 and one channel.
fn other() -> HardwareSettings {
    HardwareSettings {
        ntuple_filters: Some(true),
        rx_ring_descriptors: Some(512),
        combined_channels: Some(2),
        ..HardwareSettings::default()
    }
}

/// Ntuple filters, receive ring and combined channels of a card.
fn card(engine: &Engine, interface: &str) -> (bool, u32, u32) {
    let probe = engine.cards.probe(interface).expect("a card");
    let ntuple = probe.feature("rx-ntuple-filter").expect("the feature");
    let rings = probe.rings.known().expect("rings");
    let channels = probe.channels.known().expect("channels");
    (ntuple.active, rings.rx, channels.combined)
}

const ORIGINAL: (bool, u32, u32) = (false, 256, 1);
const OTHER: (bool, u32, u32) = (true, 512, 2);

fn state(engine: &Engine, interface: &str) -> (SettingsState, Option<String>) {
    let view = engine.control.policy();
    let applied = view.applied.get(&settings_id(interface)).expect("the settings");
    (applied.state, applied.reason.clone())
}

/// Waits until nothing is remembered of any card.
async fn until_forgotten(store: &Store) {
    until("it to be forgotten", async || {
        store.interface_originals().await.expect("originals").is_empty()
    })
    .await;
}

async fn started(config: Config) -> (Engine, Store) {
    let store = Store::in_memory().await.expect("store");
    (Engine::with(store.clone(), config, |_| {}).await, store)
}

async fn restore(engine: &Engine, revision: u64) -> Committed {
    let options = CommitOptions::default();
    let actor = actor();
    let restored = engine.control.restore_policy(Revision(revision), options, &actor);
    restored.await.expect("restore")
}

#[tokio::test]
async fn a_card_is_set_with_the_commit_and_put_back_when_nothing_is_said_any_more() {
    let (engine, store) = started(Config::default()).await;
    let committed = commit(&engine, vec![create("wan0", other())]).await;
    assert!(
        committed
            .steps
            .iter()
            .any(|(step, _)| *step == CommitStep::Hardware)
    );
    assert_eq!(card(&engine, "wan0"), OTHER);
    assert_eq!(card(&engine, "lan0"), ORIGINAL);
    assert_eq!(state(&engine, "wan0"), (SettingsState::Applied, None));
    let originals = store.interface_originals().await.expect("originals");
    assert_eq!(originals.len(), 1);
    assert_eq!(originals[0].hardware.rx_ring_descriptors, Some(256));
    assert_eq!(
        originals[0].hardware.tx_ring_descriptors, None,
        "nothing is said of it"
    );

    // One setting less.
    let fewer = HardwareSettings {
        combined_channels: None,
        ..other()
    };
    commit(&engine, vec![replace("wan0", fewer)]).await;
    assert_eq!(card(&engine, "wan0"), (true, 512, 1));
    let originals = store.interface_originals().await.expect("originals");
    assert_eq!(originals[0].hardware.combined_channels, None);

    commit(&engine, vec![delete("wan0")]).await;
    assert_eq!(card(&engine, "wan0"), ORIGINAL);
    assert_eq!(store.interface_originals().await.expect("originals"), []);
}

#[tokio::test]
async fn what_is_so_already_is_not_set_and_links_go_down_last() {
    let (engine, _) = started(Config::default()).await;
    let same = HardwareSettings {
        ntuple_filters: Some(false),
        rx_ring_descriptors: Some(256),
        ..HardwareSettings::default()
    };
    commit(&engine, vec![create("wan0", same)]).await;
    assert!(engine.cards.now().changes.is_empty());
    commit(&engine, vec![replace("wan0", other())]).await;
    let changes = engine.cards.now().changes.clone();
    let kinds: Vec<u8> = changes
        .iter()
        .map(|(_, change, _)| match change {
            HardwareChange::Feature { .. } => 0,
            HardwareChange::Rings { .. } => 1,
            HardwareChange::Channels { .. } => 2,
            HardwareChange::SymmetricSpread(_) | HardwareChange::Indirection(_) => 3,
        })
        .collect();
    assert_eq!(kinds, [0, 1, 2], "{changes:?}");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_set_and_sets_nothing() {
    let (engine, store) = started(Config::default()).await;
    let options = CommitOptions {
        dry_run: true,
        ..CommitOptions::default()
    };
    let operations = vec![create("wan0", other()), create("far0", other())];
    let told = engine.control.commit_policy(operations, options, &actor()).await;
    let told = told.expect("a dry run").diagnostics;
    let told: Vec<_> = told
        .iter()
        .map(|told| (told.severity, told.code, told.object.name.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("info", "hardware_change", "wan0"),
            ("warning", "hardware_change", "wan0"),
            ("warning", "hardware_change", "wan0"),
            ("info", "interface_absent", "far0"),
        ]
    );
    assert_eq!(card(&engine, "wan0"), ORIGINAL);
    assert_eq!(store.interface_originals().await.expect("originals"), []);
}
