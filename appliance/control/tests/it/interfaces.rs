use std::time::Duration;

use ravelin_control::{Config, ControlError, EventStream};
use ravelin_model::{Event, Feature, FeatureState, Hook, Revision};
use ravelin_store::Store;

use crate::datapath::Call;
use crate::engine::{Engine, actor, links, wait_for};

/// The next change of an interface: (name, present, attached).
async fn next_change(stream: &mut EventStream) -> (String, bool, bool) {
    wait_for(stream, |event| match event {
        Event::InterfaceChanged {
            interface,
            present,
            attached,
            ..
        } => Some((interface.clone(), *present, *attached)),
        _ => None,
    })
    .await
}

fn fast() -> Config {
    Config {
        reconcile_every: Duration::from_millis(20),
        ..Config::default()
    }
}

#[tokio::test]
async fn every_interface_but_the_loopback_is_attached() {
    let engine = Engine::start().await;
    let interfaces = engine.control.interfaces().await.expect("interfaces");
    let found: Vec<_> = interfaces
        .iter()
        .map(|i| (i.name.as_str(), i.attachments.len()))
        .collect();
    assert_eq!(found, [("lo", 0), ("lan0", 3), ("wan0", 3)]);
    assert!(interfaces.iter().all(|i| i.attach_error.is_none() && !i.external));
}

#[tokio::test]
async fn an_interface_without_ethernet_frames_is_left_alone_and_says_so() {
    let engine = Engine::start().await;
    let mut stream = engine.control.subscribe(None);
    engine.links.send_replace(links(&[("lan0", 2), ("tun0", 7)]));
    let mut changes = Vec::new();
    while !changes.contains(&("tun0".to_owned(), true, false)) {
        changes.push(next_change(&mut stream).await);
    }
    let interfaces = engine.control.interfaces().await.expect("interfaces");
    let tunnel = interfaces.iter().find(|i| i.name == "tun0").expect("tun0");
    let error = tunnel.attach_error.as_deref().expect("an error");
    assert!(error.contains("not Ethernet"), "{error}");
    assert!(!engine.plane.now().attached.contains_key(&7));
    let statistics = engine.feature(Feature::Statistics).await;
    assert_eq!(statistics.state, FeatureState::Degraded);
}

#[tokio::test]
async fn links_that_come_are_attached_and_those_that_go_forgotten() {
    let engine = Engine::start().await;
    let mut stream = engine.control.subscribe(None);
    engine
        .links
        .send_replace(links(&[("lo", 1), ("lan0", 2), ("wan0", 3), ("new0", 9)]));
    assert_eq!(next_change(&mut stream).await, ("new0".to_owned(), true, true));
    assert_eq!(engine.plane.now().attached[&9].name, "new0");
    engine
        .links
        .send_replace(links(&[("lo", 1), ("renamed0", 2), ("new0", 9)]));
    assert_eq!(next_change(&mut stream).await, ("wan0".to_owned(), false, false));
    assert_eq!(
        next_change(&mut stream).await,
        ("renamed0".to_owned(), true, true)
    );
    let attached: Vec<_> = engine
        .plane
        .now()
        .attached
        .values()
        .map(|t| t.name.clone())
        .collect();
    assert_eq!(attached, ["renamed0", "new0"]);
}

#[tokio::test]
async fn an_external_interface_is_told_to_the_data_plane_and_remembered_by_name() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    let flag = |external| engine.control.set_interface_external("wan0", external, &ACTOR);
    let (interface, revision) = flag(true).await.expect("flag");
    assert!(interface.external);
    assert_eq!(revision, Revision(1));
    assert!(engine.plane.now().attached[&3].external && !engine.plane.now().attached[&2].external);
    assert_eq!(flag(true).await.expect("again").1, Revision(1));
    let unknown = engine
        .control
        .set_interface_external("eth9", true, &actor())
        .await;
    assert!(matches!(unknown, Err(ControlError::UnknownInterface(name)) if name == "eth9"));

    let again = Engine::over(store).await;
    assert!(again.plane.now().attached[&3].external);
    assert_eq!(flag(false).await.expect("back").1, Revision(2));
    assert!(!engine.plane.now().attached[&3].external);
}

static ACTOR: std::sync::LazyLock<ravelin_control::Actor> = std::sync::LazyLock::new(actor);

#[tokio::test]
async fn an_interface_that_cannot_be_attached_degrades_the_features_and_names_it() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store, fast(), |_| {}).await;
    let mut stream = engine.control.subscribe(None);
    engine.plane.now().refuse.insert(Call::Attach);
    engine
        .links
        .send_replace(links(&[("lan0", 2), ("wan0", 3), ("odd0", 4)]));
    assert_eq!(next_change(&mut stream).await, ("lo".to_owned(), false, false));
    assert_eq!(next_change(&mut stream).await, ("odd0".to_owned(), true, false));
    let status = engine.feature(Feature::Statistics).await;
    assert_eq!(status.state, FeatureState::Degraded);
    let reason = status.state_reason.expect("a reason");
    assert!(
        reason.starts_with("odd0: not attached to xdp, tc_ingress, tc_egress"),
        "{reason}"
    );
    let interfaces = engine.control.interfaces().await.expect("interfaces");
    assert!(
        interfaces
            .iter()
            .any(|i| i.name == "odd0" && i.attach_error.is_some())
    );
    assert!(!engine.control.readiness().ready);

    engine.plane.now().refuse.clear();
    wait_for(&mut stream, |event| match event {
        Event::FeatureChanged {
            feature: Feature::Statistics,
            state: FeatureState::Active,
            ..
        } => Some(()),
        _ => None,
    })
    .await;
    assert!(engine.control.readiness().ready);
    assert_eq!(engine.control.repairs(), 0);
}

#[tokio::test]
async fn a_missing_hook_degrades_only_the_features_that_need_it() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store, Config::default(), |told| {
        told.now().missing_hooks.insert(Hook::Xdp);
    })
    .await;
    engine.enable(Feature::DdosProtection).await;
    engine.enable(Feature::DnsBlocklist).await;
    for (feature, state) in [
        (Feature::Statistics, FeatureState::Degraded),
        (Feature::DdosProtection, FeatureState::Active),
        (Feature::DnsBlocklist, FeatureState::Degraded),
    ] {
        assert_eq!(engine.feature(feature).await.state, state, "{feature}");
    }
    let hooks = engine.feature(Feature::DdosProtection).await.hooks;
    assert!(hooks.len() == 2 && hooks.iter().all(|a| a.hook == Hook::TcIngress));
}

#[tokio::test]
async fn a_program_that_came_off_is_attached_again_and_counted() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store, fast(), |_| {}).await;
    engine.plane.now().attached.remove(&3);
    let repaired = async {
        while engine.control.repairs() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), repaired)
        .await
        .expect("repaired");
    assert!(engine.plane.now().attached.contains_key(&3));
    assert_eq!(engine.control.repairs(), 1);
}
