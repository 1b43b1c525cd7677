//! What cards cannot do, and commits that fail.

use ravelin_control::{CommitStep, Config, ControlError, Hardware};
use ravelin_model::{Action, HardwareSettings, NicFeature, Revision, Told};

use super::{ORIGINAL, OTHER, card, create, other, quick, started, until_forgotten};
use crate::datapath::Call;
use crate::engine::Engine;
use crate::policy::{commit, rule, try_commit, zoned};

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
