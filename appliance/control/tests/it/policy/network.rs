//! Settings of interfaces and the network.

mod making;
mod services;
mod strangers;

use std::time::Duration;

use ravelin_control::{
    CommitOptions, CommitStep, Config, ControlError, Operation, PolicyOperation, SettingsState,
};
use ravelin_model::{
    Action, HardwareSettings, InterfaceSettingsSpec, NetworkFault, NetworkPart, NetworkSettings, Revision,
    WantedLink,
};
use ravelin_store::Store;

use super::{ANY, commit, rule, try_commit, zone};
use crate::engine::{Engine, actor, links, until};

fn spec(interface: &str, network: NetworkSettings) -> InterfaceSettingsSpec {
    InterfaceSettingsSpec {
        interface: interface.to_owned(),
        description: String::new(),
        network,
        hardware: HardwareSettings::default(),
    }
}

fn id(interface: &str) -> ravelin_model::InterfaceSettingsId {
    format!("ifs_{}", interface.replace('.', ""))
        .parse()
        .expect("an id")
}

fn create(interface: &str, network: NetworkSettings) -> PolicyOperation {
    PolicyOperation::InterfaceSettings(Operation::Create {
        id: Some(id(interface)),
        spec: spec(interface, network),
    })
}

fn replace(interface: &str, network: NetworkSettings) -> PolicyOperation {
    PolicyOperation::InterfaceSettings(Operation::Replace {
        id: id(interface),
        spec: spec(interface, network),
        precondition: ANY,
    })
}

fn delete(interface: &str) -> PolicyOperation {
    PolicyOperation::InterfaceSettings(Operation::Delete {
        id: id(interface),
        precondition: ANY,
    })
}

fn addresses(texts: &[&str]) -> NetworkSettings {
    NetworkSettings {
        addresses: texts.iter().map(|text| text.parse().expect(text)).collect(),
        ..NetworkSettings::default()
    }
}

fn state(engine: &Engine, interface: &str) -> (SettingsState, Option<String>) {
    let view = engine.control.policy();
    let applied = view.applied.get(&id(interface)).expect("the settings");
    (applied.state, applied.reason.clone())
}

/// Addresses the last plan has for a link; none: the plan has no such link.
fn planned(engine: &Engine, interface: &str) -> Option<WantedLink> {
    let plan = engine.network.simulated.plan()?;
    plan.links.into_iter().find(|link| link.name == interface)
}

fn has_address(engine: &Engine, interface: &str, address: &str) -> bool {
    let address = address.parse().expect("an address");
    planned(engine, interface).is_some_and(|link| link.addresses.contains(&address))
}

fn refused(address: &str) -> NetworkFault {
    NetworkFault {
        part: NetworkPart::Address("lan0".to_owned(), address.parse().expect("an address")),
        waiting: false,
        reason: "another host has it".to_owned(),
    }
}

#[tokio::test]
async fn an_address_comes_after_the_policy_that_judges_what_is_sent_to_it() {
    let engine = Engine::start().await;
    let before = engine.network.applied().len();
    let operations = vec![
        zone("lan", &["lan0"]),
        rule("r", Action::Accept, 80),
        create("lan0", addresses(&["10.0.0.1/24", "fd00::1/64"])),
    ];
    let committed = commit(&engine, operations).await;
    let first = &engine.network.applied()[before];
    assert_eq!(first.filter, Some(committed.revision));
    assert!(has_address(&engine, "lan0", "10.0.0.1/24"));
    let link = planned(&engine, "lan0").expect("the link");
    assert_eq!((link.enabled, link.addresses.len()), (Some(true), 2));
    assert_eq!(state(&engine, "lan0"), (SettingsState::Applied, None));
    let steps: Vec<_> = committed.steps.iter().map(|(step, _)| *step).collect();
    let places = [CommitStep::ReadBack, CommitStep::Network, CommitStep::Store]
        .map(|step| steps.iter().position(|other| *other == step).expect("a step"));
    assert!(places.is_sorted(), "{steps:?}");

    // What has to do with the network only is set.
    let applied = engine.network.applied().len();
    commit(&engine, vec![rule("other", Action::Drop, 81)]).await;
    assert_eq!(engine.network.applied().len(), applied);

    commit(&engine, vec![delete("lan0")]).await;
    assert_eq!(planned(&engine, "lan0"), None);
}

#[tokio::test]
async fn what_the_kernel_refuses_leaves_the_old_network_and_the_old_policy() {
    let engine = Engine::start().await;
    commit(
        &engine,
        vec![
            zone("lan", &["lan0"]),
            create("lan0", addresses(&["10.0.0.1/24"])),
        ],
    )
    .await;
    let old = engine.control.revision();
    engine.network.simulated.refuse(vec![refused("10.0.0.2/24")]);
    let before = engine.network.applied().len();
    let operations = || {
        vec![
            rule("new", Action::Accept, 80),
            replace("lan0", addresses(&["10.0.0.2/24"])),
        ]
    };
    let failed = try_commit(&engine, operations()).await;
    let Err(ControlError::CommitFailed { step, source }) = failed else {
        panic!("{failed:?}");
    };
    let why = "the network: address 10.0.0.2/24 of lan0: another host has it";
    assert_eq!((step, source.to_string().as_str()), (CommitStep::Network, why));
    assert_eq!(engine.control.revision(), old);
    assert!(engine.control.policy().policy.rules.is_empty());
    let applied = engine.network.applied();
    // The old network is back before the old policy is.
    let new = Revision(old.0 + 1);
    let steps: Vec<_> = applied[before..before + 2]
        .iter()
        .map(|step| step.filter)
        .collect();
    assert_eq!(steps, [Some(new), Some(new)]);
    assert!(has_address(&engine, "lan0", "10.0.0.1/24"));
    let filter = engine.plane.now().filter.as_ref().map(|filter| filter.revision());
    assert_eq!(filter, Some(old));

    engine.network.simulated.break_down(Some("no socket"));
    let failed = try_commit(&engine, operations()).await;
    assert!(
        matches!(
            &failed,
            Err(ControlError::CommitFailed {
                step: CommitStep::Network,
                ..
            })
        ),
        "{failed:?}"
    );
    engine.network.simulated.break_down(None);
    engine.network.simulated.refuse(Vec::new());
    commit(&engine, operations()).await;
    assert!(has_address(&engine, "lan0", "10.0.0.2/24"));
}

#[tokio::test]
async fn what_was_refused_before_does_not_stand_in_the_way_of_something_else() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    commit(&engine, vec![create("lan0", addresses(&["10.0.0.1/24"]))]).await;
    let fault = refused("10.0.0.1/24");
    engine.network.simulated.refuse(vec![fault.clone()]);
    let engine = engine.restarted(store, Config::default()).await;
    let why = "address 10.0.0.1/24 of lan0: another host has it".to_owned();
    assert_eq!(state(&engine, "lan0"), (SettingsState::Failed, Some(why)));
    commit(&engine, vec![create("wan0", addresses(&["10.0.1.1/24"]))]).await;
    assert_eq!(state(&engine, "wan0"), (SettingsState::Applied, None));
    let shown = engine.control.interfaces().await.expect("interfaces");
    let lan0 = shown.iter().find(|shown| shown.name == "lan0").expect("lan0");
    assert_eq!(
        (lan0.settings.clone(), lan0.faults.clone()),
        (Some(id("lan0")), vec![fault])
    );
}

#[tokio::test]
async fn what_waits_for_a_link_is_no_failure_and_comes_with_it() {
    let engine = Engine::start().await;
    engine.network.simulated.unplug("far0");
    commit(&engine, vec![create("far0", addresses(&["10.0.0.1/24"]))]).await;
    assert_eq!(state(&engine, "far0"), (SettingsState::Absent, None));
    engine.network.simulated.plug("far0");
    let more = links(&[("lo", 1), ("lan0", 2), ("wan0", 3), ("far0", 4)]);
    engine.links.send_replace(more);
    until("it is applied", async || {
        state(&engine, "far0").0 == SettingsState::Applied
    })
    .await;
    let applied = engine.network.applied();
    let raised = applied.iter().filter(|applied| {
        let mut links = applied.plan.links.iter();
        links.any(|link| link.name == "far0" && link.enabled == Some(true))
    });
    for applied in raised {
        assert!(applied.attached.contains(&4), "{applied:?}");
    }
}

#[tokio::test]
async fn at_a_start_no_link_is_raised_before_programs_sit_on_it() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    let operations = vec![
        zone("lan", &["lan0"]),
        create("lan0", addresses(&["10.0.0.1/24"])),
        create("gone0", addresses(&["10.0.1.1/24"])),
    ];
    commit(&engine, operations).await;
    let four = links(&[("lo", 1), ("lan0", 2), ("wan0", 3)]);
    let again = Engine::among(store, Config::default(), four, |_| {}).await;
    let applied = again.network.applied();
    assert!(!applied.is_empty());
    for step in &applied {
        assert_eq!(step.filter, Some(engine.control.revision()));
        for link in step.plan.links.iter().filter(|link| link.enabled == Some(true)) {
            assert_eq!(link.name, "lan0");
            assert!(step.attached.contains(&2), "{step:?}");
        }
    }
    assert!(has_address(&again, "lan0", "10.0.0.1/24"));
}

#[tokio::test]
async fn an_earlier_network_returns_with_its_revision() {
    let engine = Engine::with(
        Store::in_memory().await.expect("store"),
        Config {
            reconcile_every: Duration::from_millis(10),
            ..Config::default()
        },
        |_| {},
    )
    .await;
    let first = commit(&engine, vec![create("lan0", addresses(&["10.0.0.1/24"]))]).await;
    commit(&engine, vec![replace("lan0", addresses(&["10.0.0.2/24"]))]).await;
    let options = CommitOptions::default();
    let restored = engine
        .control
        .restore_policy(first.revision, options, &actor())
        .await;
    restored.expect("restore");
    assert!(has_address(&engine, "lan0", "10.0.0.1/24"));

    // Not even a network that refuses what was there before keeps it away.
    let options = CommitOptions {
        confirm_within: Some(Duration::from_secs(60)),
        ..CommitOptions::default()
    };
    let operations = vec![replace("lan0", addresses(&["10.0.0.3/24"]))];
    let unconfirmed = engine.control.commit_policy(operations, options, &actor()).await;
    unconfirmed.expect("commit");
    assert!(has_address(&engine, "lan0", "10.0.0.3/24"));
    engine.network.simulated.refuse(vec![refused("10.0.0.1/24")]);
    engine.ahead.send_replace(time::Duration::seconds(61));
    until("it is taken back", async || {
        engine.control.policy().unconfirmed.is_none()
    })
    .await;
    assert!(has_address(&engine, "lan0", "10.0.0.1/24"));
    until("it is told", async || {
        state(&engine, "lan0").0 == SettingsState::Failed
    })
    .await;
}

#[tokio::test]
async fn the_box_forwards_once_the_policy_is_in_force() {
    let config = Config {
        forward: true,
        reconcile_every: Duration::from_millis(10),
        ..Config::default()
    };
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store.clone(), config.clone(), |_| {}).await;
    commit(&engine, vec![create("lan0", addresses(&["10.0.0.1/24"]))]).await;
    assert!(!engine.network.simulated.forwards(), "no policy is enforced");
    commit(&engine, vec![zone("lan", &["lan0"])]).await;
    until("it forwards", async || engine.network.simulated.forwards()).await;
    let four = links(&[("lo", 1), ("lan0", 2), ("wan0", 3)]);
    let again = Engine::among(store.clone(), config, four.clone(), |_| {}).await;
    assert!(again.network.simulated.forwards());
    let never = Engine::among(store, Config::default(), four, |_| {}).await;
    assert!(!never.network.simulated.forwards(), "it is others' business");
}
