//! What changes beside the policy is followed without a revision: interfaces, lists, the time.

use std::time::Duration;

use ravelin_compile::ImageReader;
use ravelin_control::{Config, Operation, PolicyOperation};
use ravelin_model::{
    Action, AddressMatch, Day, Event, Feature, ListKind, MinuteOfDay, Revision, Schedule, ZoneNumber,
};
use ravelin_store::Store;
use time::OffsetDateTime;

use super::{commit, packet, rule, rule_id, rule_spec, zone, zoned};
use crate::datapath::Call;
use crate::engine::{Engine, actor, expiring, links, until, wait_for};

fn quick() -> Config {
    Config {
        reconcile_every: Duration::from_millis(10),
        ..Config::default()
    }
}

async fn engine() -> Engine {
    Engine::with(Store::in_memory().await.expect("store"), quick(), |_| {}).await
}

/// What eBPF does with a packet from `lan` to `wan`.
fn action(engine: &Engine, port: u16) -> Option<Action> {
    let script = engine.plane.now();
    ImageReader::new(script.policy.as_ref().expect("a policy"))
        .classify(&packet(port))
        .action
}

/// Waits for the data plane to do so with it.
async fn classified(engine: &Engine, port: u16, wanted: Action) {
    until("the data plane", async || action(engine, port) == Some(wanted)).await;
}

fn loads(engine: &Engine) -> usize {
    let script = engine.plane.now();
    script
        .calls
        .iter()
        .filter(|call| matches!(call, Call::Policy | Call::Filter))
        .count()
}

#[tokio::test]
async fn interfaces_that_come_are_in_their_zone() {
    let engine = engine().await;
    commit(
        &engine,
        vec![zone("lan", &["lan0"]), zone("wan", &["wan0", "ppp0"])],
    )
    .await;
    let of = |engine: &Engine, index| {
        let script = engine.plane.now();
        ImageReader::new(script.policy.as_ref().expect("a policy")).zone_of(index)
    };
    assert_eq!((of(&engine, 3), of(&engine, 9)), (ZoneNumber::new(3), None));
    let mut events = engine.control.subscribe(None);
    engine
        .links
        .send_replace(links(&[("lo", 1), ("lan0", 2), ("wan0", 4), ("ppp0", 9)]));
    wait_for(&mut events, |event| match event {
        Event::InterfaceChanged {
            interface, present, ..
        } => (interface == "ppp0" && *present).then_some(()),
        _ => None,
    })
    .await;
    assert_eq!(
        (of(&engine, 3), of(&engine, 4), of(&engine, 9)),
        (None, ZoneNumber::new(3), ZoneNumber::new(3))
    );
    assert_eq!(engine.control.policy().revision, Revision(1));
}

#[tokio::test]
async fn nothing_is_loaded_when_nothing_changed() {
    let engine = engine().await;
    zoned(&engine).await;
    let before = loads(&engine);
    engine
        .links
        .send_replace(links(&[("lo", 1), ("lan0", 2), ("wan0", 3), ("other0", 7)]));
    engine.create("unused", ListKind::Address).await;
    let mut events = engine.control.subscribe(None);
    engine
        .control
        .set_enabled(Feature::FlowMonitoring, false, &actor())
        .await
        .expect("switch");
    wait_for(&mut events, |event| {
        matches!(event, Event::FeatureChanged { .. }).then_some(())
    })
    .await;
    // What sits on the new interface marks packets there, which only nftables has to know.
    let script = engine.plane.now();
    let policies = script.calls.iter().filter(|call| **call == Call::Policy).count();
    assert_eq!(policies, 1);
    drop(script);
    assert!(loads(&engine) <= before + 1);
}

#[tokio::test]
async fn entries_of_lists_come_and_go_in_rules() {
    let engine = engine().await;
    zoned(&engine).await;
    let list = engine.create("office", ListKind::Address).await;
    let mut spec = rule_spec("office", Action::Accept, 80);
    spec.source = AddressMatch {
        lists: vec![list.id.clone()],
        ..AddressMatch::default()
    };
    let create = PolicyOperation::Rule(Operation::Create {
        id: Some(rule_id("office")),
        spec,
    });
    let revision = commit(&engine, vec![create]).await.revision;
    assert_eq!(action(&engine, 80), Some(Action::Drop));
    engine.add(list.id.as_str(), &["192.168.0.0/24"]).await;
    assert_eq!(action(&engine, 80), Some(Action::Accept));
    engine.import(list.id.as_str(), "10.0.0.0/8\n").await;
    assert_eq!(action(&engine, 80), Some(Action::Drop));
    let soon = OffsetDateTime::now_utc() + Duration::from_millis(300);
    let value = vec![expiring("192.168.0.10", soon)];
    engine
        .control
        .add_entries(&list.id, value, &actor())
        .await
        .expect("add");
    assert_eq!(action(&engine, 80), Some(Action::Accept));
    classified(&engine, 80, Action::Drop).await;
    assert_eq!(
        engine.control.policy().revision,
        revision,
        "lists are no revision of the policy"
    );
}

#[tokio::test]
async fn an_import_that_cannot_be_loaded_leaves_list_and_policy() {
    let engine = engine().await;
    zoned(&engine).await;
    let list = engine.create("office", ListKind::Address).await;
    engine.add(list.id.as_str(), &["192.168.0.0/24"]).await;
    let mut spec = rule_spec("office", Action::Accept, 80);
    spec.source.lists = vec![list.id.clone()];
    commit(
        &engine,
        vec![PolicyOperation::Rule(Operation::Create { id: None, spec })],
    )
    .await;
    engine.plane.now().refuse.insert(Call::Policy);
    let refused = engine
        .control
        .import_entries(&list.id, super::ANY, "10.0.0.0/8\n".as_bytes(), &actor())
        .await;
    assert!(refused.is_err());
    engine.plane.now().refuse.clear();
    assert_eq!(action(&engine, 80), Some(Action::Accept));
    engine.add(list.id.as_str(), &["172.16.0.0/12"]).await;
    assert_eq!(
        action(&engine, 80),
        Some(Action::Accept),
        "the list that was not imported is not remembered"
    );
}

#[tokio::test]
async fn rules_come_and_go_with_their_schedule_and_their_expiry() {
    let engine = engine().await;
    zoned(&engine).await;
    let now = OffsetDateTime::now_utc();
    // An hour that begins in two hours, and a rule that expires in a day.
    let hour = |hours: i64| {
        let at = now + time::Duration::hours(hours);
        MinuteOfDay::new(at.hour(), 0).expect("minute")
    };
    let mut spec = rule_spec("scheduled", Action::Accept, 80);
    spec.schedule = Some(Schedule {
        days: Day::ALL.into(),
        from: hour(2),
        to: hour(3),
        timezone: "UTC".to_owned(),
    });
    let mut until_tomorrow = rule_spec("until tomorrow", Action::Accept, 81);
    until_tomorrow.expires_at = Some(now + time::Duration::days(1));
    let operations =
        [spec, until_tomorrow].map(|spec| PolicyOperation::Rule(Operation::Create { id: None, spec }));
    let revision = commit(&engine, operations.into()).await.revision;
    assert_eq!(
        (action(&engine, 80), action(&engine, 81)),
        (Some(Action::Drop), Some(Action::Accept))
    );
    let to_the_hour = time::Duration::minutes(60 - i64::from(now.minute()));
    engine.ahead.send_replace(time::Duration::hours(1) + to_the_hour);
    classified(&engine, 80, Action::Accept).await;
    engine.ahead.send_replace(time::Duration::hours(2) + to_the_hour);
    classified(&engine, 80, Action::Drop).await;
    // Back, as after a wrong clock.
    engine.ahead.send_replace(time::Duration::hours(1) + to_the_hour);
    classified(&engine, 80, Action::Accept).await;
    engine.ahead.send_replace(time::Duration::hours(25));
    classified(&engine, 81, Action::Drop).await;
    assert_eq!(engine.control.policy().revision, revision);
}

#[tokio::test]
async fn the_classifier_can_be_switched_off_and_on_again() {
    let engine = engine().await;
    zoned(&engine).await;
    engine
        .control
        .set_enabled(Feature::PolicyClassifier, false, &actor())
        .await
        .expect("off");
    assert!(!engine.plane.now().switches.policy_classifier);
    assert!(engine.plane.now().filter.is_some(), "nftables goes on");
    assert!(engine.control.readiness().ready);
    commit(&engine, vec![rule("whileoff", Action::Accept, 80)]).await;
    engine
        .control
        .set_enabled(Feature::PolicyClassifier, true, &actor())
        .await
        .expect("on");
    assert!(engine.plane.now().switches.policy_classifier);
    assert_eq!(action(&engine, 80), Some(Action::Accept));
}
