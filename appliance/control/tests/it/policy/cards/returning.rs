//! What cards were set to before comes back.

use std::time::Duration;

use ravelin_control::{CommitOptions, Config, Hardware, SettingsState};
use ravelin_model::{HardwareChange, HardwareSettings};
use ravelin_store::StoredOriginal;

use super::{
    ORIGINAL, OTHER, card, create, delete, other, quick, replace, restore, started, state, until_forgotten,
};
use crate::engine::{Engine, actor, until};
use crate::policy::commit;

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
    until("the old card", async || card(&engine, "wan0") == ORIGINAL).await;
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
    until("the old policy", async || {
        engine.control.policy().unconfirmed.is_none()
    })
    .await;
    assert_eq!(card(&engine, "wan0").2, 2, "the driver refuses");
    engine.cards.now().refuse_channels = false;
    // It is remembered still, also by the next engine.
    let engine = engine_again(engine).await;
    until("the old card", async || card(&engine, "wan0") == ORIGINAL).await;
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
