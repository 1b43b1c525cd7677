//! Cards that come, that go, and that somebody else sets.

use std::time::Duration;

use ravelin_control::{Config, Hardware, SettingsState};
use ravelin_model::{Action, HardwareChange, HardwareSettings};

use super::{ORIGINAL, OTHER, card, create, delete, other, quick, started, state};
use crate::engine::{links, until};
use crate::policy::{commit, rule};

#[tokio::test]
async fn another_card_of_the_same_name_is_not_set_to_what_the_first_one_was() {
    let (engine, store) = started(Config::default()).await;
    commit(&engine, vec![create("wan0", other())]).await;
    engine.links.send_replace(links(&[("lo", 1), ("lan0", 2)]));
    until("the card to go", async || {
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
    until("the settings", async || {
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
    until("the settings", async || {
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
    until("the attempt", async || {
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
        until("the settings", async || card(&engine, "wan0") == OTHER).await;
    }
    assert_eq!(state(&engine, "wan0"), (SettingsState::Applied, None));
}

#[tokio::test]
async fn a_ring_that_comes_out_otherwise_is_not_tried_over_and_over() {
    let (engine, _) = started(quick()).await;
    commit(&engine, vec![create("new0", other())]).await;
    engine.cards.now().ring_comes_out = Some((512, 1024));
    engine.links.send_replace(links(&[("lo", 1), ("new0", 4)]));
    until("the attempt", async || {
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
async fn what_costs_the_link_nothing_is_tried_again() {
    let (engine, _) = started(quick()).await;
    let wanted = HardwareSettings {
        ntuple_filters: Some(true),
        ..HardwareSettings::default()
    };
    commit(&engine, vec![create("new0", wanted)]).await;
    engine.cards.now().refuse_features = true;
    engine.links.send_replace(links(&[("lo", 1), ("new0", 4)]));
    until("the attempt", async || {
        state(&engine, "new0").0 == SettingsState::Failed
    })
    .await;
    engine.cards.now().refuse_features = false;
    until("the settings", async || {
        state(&engine, "new0").0 == SettingsState::Applied
    })
    .await;
    assert!(card(&engine, "new0").0, "the filters are on");
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
    until("the old card", async || card(&engine, "up0") == ORIGINAL).await;
    until("the settings to be absent", async || {
        state(&engine, "wan0").0 == SettingsState::Absent
    })
    .await;
}
