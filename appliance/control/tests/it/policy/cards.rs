//! Settings of interfaces and the cards they are for.

use std::time::Duration;

use ravelin_control::{
    CommitOptions, CommitStep, Committed, Config, ControlError, Hardware, Operation, PolicyOperation,
    SettingsState,
};
use ravelin_model::{
    Action, HardwareChange, HardwareSettings, InterfaceSettingsId, InterfaceSettingsSpec, NicFeature,
    Revision, Told,
};
use ravelin_store::{Store, StoredOriginal};

use super::{ANY, commit, rule, try_commit, zoned};
use crate::datapath::Call;
use crate::engine::{Engine, actor, links};

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

/// Waits until it is so.
async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("{what} does not come"));
}

/// Waits until nothing is remembered of any card.
async fn until_forgotten(store: &Store) {
    let waiting = async {
        while !store.interface_originals().await.expect("originals").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.expect("it is forgotten");
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

/// A commit that fails at a step leaves card, policy and store as they were.
async fn check_failing(step: CommitStep, spoil: impl Fn(&Engine), heal: impl Fn(&Engine), why: &str) {
    let (engine, store) = started(quick()).await;
    zoned(&engine).await;
    spoil(&engine);
    let failed = try_commit(
        &engine,
        vec![rule("new", Action::Drop, 80), create("wan0", other())],
    )
    .await;
    let Err(ControlError::CommitFailed { step: found, source }) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(found, step);
    assert!(source.to_string().contains(why), "{source}");
    assert_eq!(card(&engine, "wan0"), ORIGINAL);
    assert_eq!(engine.control.policy().revision, Revision(1));
    assert!(engine.control.policy().policy.interface_settings.is_empty());
    until_forgotten(&store).await;
    heal(&engine);
    commit(&engine, vec![create("wan0", other())]).await;
    assert_eq!(card(&engine, "wan0"), OTHER);
}

#[tokio::test]
async fn a_driver_that_refuses_fails_the_commit() {
    check_failing(
        CommitStep::Hardware,
        |engine| engine.cards.now().refuse_channels = true,
        |engine| engine.cards.now().refuse_channels = false,
        "setting channels to combined 2 was refused: Device or resource busy",
    )
    .await;
}

#[tokio::test]
async fn a_driver_that_makes_something_else_of_it_fails_the_commit() {
    check_failing(
        CommitStep::Hardware,
        |engine| engine.cards.now().ring_comes_out = Some((512, 1024)),
        |engine| engine.cards.now().ring_comes_out = None,
        "rx_ring_descriptors is 1024, not 512",
    )
    .await;
}

#[tokio::test]
async fn a_later_step_that_fails_puts_the_card_back() {
    check_failing(
        CommitStep::Nftables,
        |engine| engine.plane.now().refuse.extend([Call::Filter]),
        |engine| engine.plane.now().refuse.clear(),
        "nftables failed",
    )
    .await;
}

#[tokio::test]
async fn what_a_card_cannot_do_is_refused_with_its_place_before_anything_changes() {
    let (engine, _) = started(Config::default()).await;
    let mut probe = engine.cards.probe("wan0").expect("a card");
    probe.features = Told::Known(vec![NicFeature {
        name: "rx-lro".to_owned(),
        active: true,
        wanted: true,
        supported: true,
        fixed: true,
    }]);
    engine.cards.simulated.insert(probe);
    let wanted = HardwareSettings {
        large_receive_offload: Some(false),
        hw_tc_offload: Some(true),
        rx_ring_descriptors: Some(4097),
        rx_channels: Some(1),
        combined_channels: Some(0),
        // Off it is, and a driver that cannot do it need not be told.
        ntuple_filters: Some(false),
        ..HardwareSettings::default()
    };
    let operations = vec![rule("first", Action::Drop, 1), create("wan0", wanted)];
    let refused = try_commit(&engine, operations.clone()).await;
    let Err(ControlError::PolicyRefused { refusals }) = refused else {
        panic!("{refused:?}");
    };
    let found: Vec<_> = refusals
        .iter()
        .map(|refusal| (refusal.operation, refusal.pointer.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "/hardware/large_receive_offload"),
            (1, "/hardware/hw_tc_offload"),
            (1, "/hardware/rx_ring_descriptors"),
            (1, "/hardware/rx_channels"),
        ],
        "{refusals:?}"
    );
    assert!(refusals[2].detail.contains("4096"), "{refusals:?}");
    assert!(engine.cards.now().changes.is_empty());
    assert_eq!(engine.control.revision(), Revision(0));
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

#[tokio::test]
async fn a_restored_revision_brings_the_card_of_then_back() {
    let (engine, _) = started(Config::default()).await;
    commit(&engine, vec![create("wan0", other())]).await;
    let more = HardwareSettings {
        rx_ring_descriptors: Some(1024),
        ..HardwareSettings::default()
    };
    commit(&engine, vec![replace("wan0", more)]).await;
    assert_eq!(card(&engine, "wan0"), (false, 1024, 1));
    restore(&engine, 1).await;
    assert_eq!(card(&engine, "wan0"), OTHER);
    restore(&engine, 0).await;
    assert_eq!(card(&engine, "wan0"), ORIGINAL);
}

#[tokio::test]
async fn what_nobody_confirms_is_put_back() {
    let (engine, store) = started(quick()).await;
    let options = CommitOptions {
        confirm_within: Some(Duration::from_secs(60)),
        ..CommitOptions::default()
    };
    let committed = engine
        .control
        .commit_policy(vec![create("wan0", other())], options, &actor())
        .await;
    committed.expect("commit");
    assert_eq!(card(&engine, "wan0"), OTHER);
    engine.ahead.send_replace(time::Duration::seconds(61));
    until("the old card", || card(&engine, "wan0") == ORIGINAL).await;
    until_forgotten(&store).await;
}

#[tokio::test]
async fn the_old_policy_returns_even_if_the_card_does_not() {
    let (engine, _) = started(quick()).await;
    let options = CommitOptions {
        confirm_within: Some(Duration::from_secs(60)),
        ..CommitOptions::default()
    };
    let committed = engine
        .control
        .commit_policy(vec![create("wan0", other())], options, &actor())
        .await;
    committed.expect("commit");
    engine.cards.now().refuse_channels = true;
    engine.ahead.send_replace(time::Duration::seconds(61));
    until("the old policy", || engine.control.policy().unconfirmed.is_none()).await;
    assert_eq!(card(&engine, "wan0").2, 2, "the driver refuses");
    engine.cards.now().refuse_channels = false;
    // It is remembered still, also by the next engine.
    let engine = engine_again(engine).await;
    until("the old card", || card(&engine, "wan0") == ORIGINAL).await;
}

/// The same cards and data plane under another engine.
async fn engine_again(engine: Engine) -> Engine {
    let store = engine.store.clone();
    engine.restarted(store, quick()).await
}

#[tokio::test]
async fn a_restart_remembers_what_the_card_was() {
    let (engine, store) = started(Config::default()).await;
    commit(&engine, vec![create("wan0", other())]).await;
    let engine = engine.restarted(store.clone(), Config::default()).await;
    assert_eq!(state(&engine, "wan0"), (SettingsState::Applied, None));
    commit(&engine, vec![delete("wan0")]).await;
    assert_eq!(card(&engine, "wan0"), ORIGINAL);
    until_forgotten(&store).await;
}

#[tokio::test]
async fn a_card_a_commit_left_half_done_when_the_engine_died_is_put_back() {
    let (engine, store) = started(Config::default()).await;
    // As remembered before the card is touched; the commit itself never came.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("boot");
    let original = StoredOriginal {
        interface: "wan0".to_owned(),
        device: format!("{} 3", boot.trim()),
        hardware: HardwareSettings {
            rx_ring_descriptors: Some(256),
            ..HardwareSettings::default()
        },
    };
    store.remember_original(&original).await.expect("remember");
    let half = HardwareChange::Rings {
        rx: Some(512),
        tx: None,
    };
    engine.cards.simulated.change("wan0", &half).expect("change");
    let engine = engine.restarted(store.clone(), Config::default()).await;
    assert_eq!(card(&engine, "wan0"), ORIGINAL);
    until_forgotten(&store).await;
}

#[tokio::test]
async fn another_card_of_the_same_name_is_not_set_to_what_the_first_one_was() {
    let (engine, store) = started(Config::default()).await;
    commit(&engine, vec![create("wan0", other())]).await;
    engine.links.send_replace(links(&[("lo", 1), ("lan0", 2)]));
    until("the card to go", || {
        state(&engine, "wan0").0 == SettingsState::Absent
    })
    .await;
    // Another one comes, with rings of its own.
    let rings = HardwareChange::Rings {
        rx: Some(2048),
        tx: None,
    };
    engine.cards.simulated.change("wan0", &rings).expect("change");
    engine
        .links
        .send_replace(links(&[("lo", 1), ("lan0", 2), ("wan0", 9)]));
    until("the settings", || {
        state(&engine, "wan0").0 == SettingsState::Applied
    })
    .await;
    assert_eq!(card(&engine, "wan0").1, 512);
    let originals = store.interface_originals().await.expect("originals");
    assert_eq!(originals[0].hardware.rx_ring_descriptors, Some(2048));
    commit(&engine, vec![delete("wan0")]).await;
    assert_eq!(card(&engine, "wan0").1, 2048);
}

#[tokio::test]
async fn an_interface_gets_its_settings_when_it_comes_and_before_programs_are_attached() {
    let (engine, _) = started(Config::default()).await;
    commit(&engine, vec![create("new0", other())]).await;
    assert_eq!(state(&engine, "new0"), (SettingsState::Absent, None));
    let attached = engine.plane.now().attached.len();
    engine
        .links
        .send_replace(links(&[("lo", 1), ("lan0", 2), ("wan0", 3), ("new0", 4)]));
    until("the settings", || {
        state(&engine, "new0").0 == SettingsState::Applied
    })
    .await;
    assert_eq!(card(&engine, "new0"), OTHER);
    let changes = engine.cards.now().changes.clone();
    assert!(
        changes.iter().all(|(_, _, then)| *then == attached),
        "{changes:?}"
    );
}

#[tokio::test]
async fn what_a_new_card_cannot_do_keeps_it_from_nothing_else() {
    let (engine, _) = started(Config::default()).await;
    let wanted = HardwareSettings {
        rx_ring_descriptors: Some(9999),
        ..other()
    };
    commit(&engine, vec![create("new0", wanted)]).await;
    engine.links.send_replace(links(&[("lo", 1), ("new0", 4)]));
    until("the attempt", || {
        state(&engine, "new0").0 == SettingsState::Failed
    })
    .await;
    assert_eq!(card(&engine, "new0"), (true, 256, 2));
    let reason = state(&engine, "new0").1.expect("a reason");
    assert!(
        reason.contains("rx_ring_descriptors is more than 4096"),
        "{reason}"
    );
}

#[tokio::test]
async fn what_somebody_else_sets_is_set_right_again() {
    let (engine, _) = started(quick()).await;
    commit(&engine, vec![create("wan0", other())]).await;
    for change in [
        HardwareChange::Feature {
            name: "rx-ntuple-filter".to_owned(),
            on: false,
        },
        HardwareChange::Rings {
            rx: Some(128),
            tx: None,
        },
    ] {
        engine.cards.simulated.change("wan0", &change).expect("change");
        until("the settings", || card(&engine, "wan0") == OTHER).await;
    }
    assert_eq!(state(&engine, "wan0"), (SettingsState::Applied, None));
}

#[tokio::test]
async fn a_ring_that_comes_out_otherwise_is_not_tried_over_and_over() {
    let (engine, _) = started(quick()).await;
    commit(&engine, vec![create("new0", other())]).await;
    engine.cards.now().ring_comes_out = Some((512, 1024));
    engine.links.send_replace(links(&[("lo", 1), ("new0", 4)]));
    until("the attempt", || {
        state(&engine, "new0").0 == SettingsState::Failed
    })
    .await;
    let tried = engine.cards.now().changes.len();
    // Other commits go on meanwhile, and reconciling every ten milliseconds changes nothing.
    for number in 0..20_u16 {
        commit(&engine, vec![rule(&format!("r{number}"), Action::Drop, number)]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(engine.cards.now().changes.len(), tried);
}

#[tokio::test]
async fn what_a_card_was_goes_with_it_to_its_new_name() {
    let (engine, _) = started(Config::default()).await;
    commit(&engine, vec![create("wan0", other())]).await;
    let probe = engine.cards.probe("wan0").expect("a card");
    engine.cards.simulated.insert(ravelin_model::HardwareProbe {
        interface: "up0".to_owned(),
        ..probe
    });
    engine
        .links
        .send_replace(links(&[("lo", 1), ("lan0", 2), ("up0", 3)]));
    until("the old card", || card(&engine, "up0") == ORIGINAL).await;
    until("the settings to be absent", || {
        state(&engine, "wan0").0 == SettingsState::Absent
    })
    .await;
}
