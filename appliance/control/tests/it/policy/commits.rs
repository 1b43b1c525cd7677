//! What a commit does.

use std::collections::BTreeSet;

use ravelin_compile::ImageReader;
use ravelin_control::{CommitOptions, CommitStep, Operation, PolicyOperation, Precondition};
use ravelin_model::{Action, Event, ObjectKind, Placement, Revision};
use ravelin_store::Store;

use super::{
    ANY, commit, counter, order, packet, pair, rule, rule_id, rule_spec, try_commit, zone, zone_id,
    zone_spec, zoned,
};
use crate::datapath::Call;
use crate::engine::{Engine, actor, wait_for};

/// What eBPF would do with a packet to the port.
fn classified(engine: &Engine, port: u16) -> Option<Action> {
    let script = engine.plane.now();
    let images = script.policy.as_ref().expect("a policy is loaded");
    let verdict = ImageReader::new(images).classify(&packet(port));
    verdict.action
}

#[tokio::test]
async fn one_change_can_make_zones_and_rules_that_name_them() {
    let engine = Engine::start().await;
    assert!(!engine.control.policy().enforced);
    assert!(engine.plane.now().filter.is_none() && engine.plane.now().policy.is_none());
    let mut events = engine.control.subscribe(None);
    let operations = vec![
        pair("lan", "wan", Action::Accept),
        rule("web", Action::Drop, 80),
        zone("lan", &["lan0"]),
        zone("wan", &["wan0"]),
    ];
    let committed = commit(&engine, operations).await;
    assert_eq!(committed.revision, Revision(1));
    let kinds: Vec<_> = committed
        .results
        .iter()
        .map(|result| (result.kind, result.id.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (ObjectKind::ZonePair, "zpr_lanwan"),
            (ObjectKind::Rule, "rul_web"),
            (ObjectKind::Zone, "zon_lan"),
            (ObjectKind::Zone, "zon_wan"),
        ]
    );
    assert!(committed.policy.enforced && engine.control.policy().enforced);
    let changed = wait_for(&mut events, |event| match event {
        Event::PolicyChanged {
            revision, enforced, ..
        } => Some((*revision, *enforced)),
        _ => None,
    });
    assert_eq!(changed.await, (Revision(1), true));
    let steps: Vec<CommitStep> = committed.steps.iter().map(|(step, _)| *step).collect();
    assert!(steps.is_sorted(), "{steps:?}");
    let filter = engine.plane.now().filter.clone().expect("a table");
    assert_eq!(filter.revision(), Revision(1));
    assert!(filter.counters().contains(&counter(&engine, "web")));
    assert!(engine.plane.now().switches.policy_classifier);
    assert_eq!(classified(&engine, 80), Some(Action::Drop));
    assert_eq!(classified(&engine, 81), Some(Action::Accept));
    assert!(
        engine.control.readiness().ready,
        "{:?}",
        engine.control.readiness()
    );
}

#[tokio::test]
async fn nobody_gets_a_number_that_became_free_just_now() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(
        &engine,
        vec![rule("a", Action::Accept, 1), rule("b", Action::Accept, 2)],
    )
    .await;
    let (a, b) = (counter(&engine, "a"), counter(&engine, "b"));
    assert_eq!(b, a + 1);
    let delete = PolicyOperation::Rule(Operation::Delete {
        id: rule_id("a"),
        precondition: ANY,
    });
    commit(&engine, vec![delete, rule("c", Action::Accept, 3)]).await;
    commit(&engine, vec![rule("d", Action::Accept, 4)]).await;
    let numbers: BTreeSet<_> = ["c", "d"].map(|rule| counter(&engine, rule)).into();
    assert_eq!(
        numbers.difference(&[a, b].into()).count(),
        2,
        "{numbers:?} after {a} and {b}"
    );
    let view = engine.control.policy();
    let zones: Vec<u32> = view.policy.zones.values().map(|zone| zone.number).collect();
    assert_eq!(zones, [2, 1, 3], "lan, local, wan");
}

#[tokio::test]
async fn what_says_the_same_is_no_revision() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("a", Action::Accept, 1)]).await;
    let calls = engine.plane.now().calls.len();
    let same = PolicyOperation::Rule(Operation::Replace {
        id: rule_id("a"),
        spec: rule_spec("a", Action::Accept, 1),
        precondition: ANY,
    });
    let committed = commit(&engine, vec![same]).await;
    assert_eq!(
        (committed.revision, engine.control.revision()),
        (Revision(2), Revision(2))
    );
    assert_eq!(committed.results[0].revision, Revision(2));
    assert!(committed.changes.is_empty());
    assert_eq!(engine.plane.now().calls.len(), calls);
}

#[tokio::test]
async fn rules_go_where_they_are_put_and_stay_there() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    let rules = ["a", "b", "c"].map(|text| rule(text, Action::Accept, 1));
    commit(&engine, rules.into()).await;
    let placed = |id: &str, placement| PolicyOperation::MoveRule {
        id: rule_id(id),
        placement,
        precondition: ANY,
    };
    commit(&engine, vec![placed("c", Placement::First)]).await;
    assert_eq!(order(&engine), ["rul_c", "rul_a", "rul_b"]);
    commit(&engine, vec![placed("c", Placement::After(rule_id("a")))]).await;
    assert_eq!(order(&engine), ["rul_a", "rul_c", "rul_b"]);
    let between = PolicyOperation::CreateRuleAt {
        id: Some(rule_id("d")),
        spec: rule_spec("d", Action::Accept, 1),
        placement: Placement::Before(rule_id("b")),
    };
    commit(&engine, vec![between]).await;
    assert_eq!(order(&engine), ["rul_a", "rul_c", "rul_d", "rul_b"]);
    let all = PolicyOperation::OrderRules {
        order: ["b", "d", "c", "a"].map(rule_id).into(),
        precondition: Precondition::Revision(engine.control.policy().revision),
    };
    commit(&engine, vec![all]).await;
    assert_eq!(order(&engine), ["rul_b", "rul_d", "rul_c", "rul_a"]);
}

#[tokio::test]
async fn a_restarted_engine_has_the_same_policy_in_the_same_order() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("open");
    let engine = Engine::over(store).await;
    zoned(&engine).await;
    commit(
        &engine,
        ["a", "b", "c"].map(|text| rule(text, Action::Accept, 1)).into(),
    )
    .await;
    let first = PolicyOperation::MoveRule {
        id: rule_id("c"),
        placement: Placement::First,
        precondition: ANY,
    };
    commit(&engine, vec![first]).await;
    let before = engine.control.policy();
    let store = Store::open(&path).await.expect("open");
    let engine = engine.restarted(store, ravelin_control::Config::default()).await;
    let after = engine.control.policy();
    assert_eq!(before.policy, after.policy);
    assert_eq!((after.revision, after.enforced), (before.revision, true));
    assert_eq!(order(&engine), ["rul_c", "rul_a", "rul_b"]);
    let filter = engine.plane.now().filter.clone().expect("a table");
    assert_eq!(filter.revision(), before.revision);
}

#[tokio::test]
async fn the_last_zone_with_an_interface_takes_the_table_with_it() {
    let engine = Engine::start().await;
    commit(&engine, vec![zone("lan", &["lan0"])]).await;
    let unzoned = PolicyOperation::Zone(Operation::Replace {
        id: zone_id("lan"),
        spec: zone_spec("lan", &[]),
        precondition: ANY,
    });
    let committed = commit(&engine, vec![unzoned]).await;
    assert!(!committed.policy.enforced);
    let script = engine.plane.now();
    assert!(script.filter.is_none() && !script.switches.policy_classifier);
    let off = script.calls.iter().rposition(|call| *call == Call::Switches);
    let removed = script.calls.iter().rposition(|call| *call == Call::RemoveFilter);
    assert!(off < removed, "the classifier goes first: {:?}", script.calls);
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_tells_what_would() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    let calls = engine.plane.now().calls.len();
    let options = CommitOptions {
        dry_run: true,
        ..CommitOptions::default()
    };
    let operations = vec![rule("a", Action::Accept, 1)];
    let would = engine
        .control
        .commit_policy(operations, options, &actor())
        .await
        .expect("dry run");
    assert_eq!(would.changes.len(), 1);
    assert_eq!(would.policy.policy.rules.len(), 1);
    assert_eq!(would.results[0].revision, Revision(2));
    assert!(engine.control.policy().policy.rules.is_empty());
    assert_eq!(engine.control.revision(), Revision(1));
    assert_eq!(engine.plane.now().calls.len(), calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_of_twenty_writers_is_lost() {
    const ROUNDS: usize = 5;
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("shared", Action::Accept, 1)]).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..20 {
        let control = engine.control.clone();
        writers.spawn(async move {
            let mut stale = 0;
            for round in 0..ROUNDS {
                loop {
                    let view = control.policy();
                    let shared = &view.policy.rules[0];
                    let mut spec = shared.spec.clone();
                    spec.tags.insert(format!("{writer}-{round}"));
                    let change = PolicyOperation::Rule(Operation::Replace {
                        id: shared.id.clone(),
                        spec,
                        precondition: Precondition::Revision(shared.revision),
                    });
                    let done = control
                        .commit_policy(vec![change], CommitOptions::default(), &actor())
                        .await;
                    match done {
                        Ok(_) => break,
                        Err(ravelin_control::ControlError::PolicyRefused { refusals }) => {
                            assert_eq!(refusals[0].reason.code(), "stale");
                            stale += 1;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            stale
        });
    }
    let stale: usize = writers.join_all().await.into_iter().sum();
    let view = engine.control.policy();
    assert_eq!(view.policy.rules[0].spec.tags.len(), 20 * ROUNDS);
    assert_eq!(view.revision, Revision(2 + 20 * ROUNDS as u64));
    assert!(stale > 0, "the writers met each other");
}

#[tokio::test]
async fn services_in_use_and_their_users_are_told() {
    let engine = Engine::start().await;
    let delete = PolicyOperation::Zone(Operation::Delete {
        id: zone_id("lan"),
        precondition: ANY,
    });
    commit(
        &engine,
        vec![
            zone("lan", &["lan0"]),
            zone("wan", &["wan0"]),
            pair("lan", "wan", Action::Drop),
        ],
    )
    .await;
    let users = engine
        .control
        .references(ObjectKind::Zone, "zon_lan")
        .await
        .expect("references");
    assert_eq!(
        users.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(),
        ["zpr_lanwan"]
    );
    let refused = try_commit(&engine, vec![delete]).await;
    assert!(refused.is_err());
}
