//! Earlier policies.

use ravelin_control::{CommitOptions, ControlError, Operation, PolicyOperation};
use ravelin_model::{Action, Placement, Revision};

use super::{ANY, commit, counter, order, rule, rule_id, rule_spec, zoned};
use crate::engine::{Engine, actor};

fn delete(id: &str) -> PolicyOperation {
    PolicyOperation::Rule(Operation::Delete {
        id: rule_id(id),
        precondition: ANY,
    })
}

#[tokio::test]
async fn an_earlier_policy_comes_back_with_its_order_and_its_counters() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(
        &engine,
        ["a", "b", "c"].map(|text| rule(text, Action::Accept, 1)).into(),
    )
    .await;
    let before = engine.control.policy();
    let number = counter(&engine, "a");
    let changed = PolicyOperation::Rule(Operation::Replace {
        id: rule_id("b"),
        spec: rule_spec("b", Action::Drop, 9),
        precondition: ANY,
    });
    let moved = PolicyOperation::MoveRule {
        id: rule_id("c"),
        placement: Placement::First,
        precondition: ANY,
    };
    commit(
        &engine,
        vec![changed, moved, delete("a"), rule("d", Action::Reject, 4)],
    )
    .await;
    assert_eq!(order(&engine), ["rul_c", "rul_b", "rul_d"]);
    let restored = engine
        .control
        .restore_policy(before.revision, CommitOptions::default(), &actor())
        .await
        .expect("restore");
    assert_eq!(restored.revision, Revision(4));
    assert_eq!(order(&engine), ["rul_a", "rul_b", "rul_c"]);
    assert_eq!(counter(&engine, "a"), number);
    let after = engine.control.policy();
    let specs = |view: &ravelin_control::PolicyView| -> Vec<_> {
        view.policy.rules.iter().map(|rule| rule.spec.clone()).collect()
    };
    assert_eq!(specs(&before), specs(&after));
    let difference = engine
        .control
        .policy_difference(before.revision, Revision(4))
        .await
        .expect("difference");
    assert!(
        difference
            .iter()
            .all(|change| change.before.is_some() && change.after.is_some()),
        "{difference:?}"
    );
}

#[tokio::test]
async fn a_difference_tells_what_came_went_changed_and_moved() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(
        &engine,
        ["a", "b", "c", "e"]
            .map(|text| rule(text, Action::Accept, 1))
            .into(),
    )
    .await;
    let reordered = PolicyOperation::OrderRules {
        order: ["e", "a", "b", "c"].map(rule_id).into(),
        precondition: ANY,
    };
    commit(
        &engine,
        vec![reordered, rule("d", Action::Accept, 2), delete("b")],
    )
    .await;
    let difference = engine
        .control
        .policy_difference(Revision(2), Revision(3))
        .await
        .expect("difference");
    let mut told: Vec<(&str, bool, bool, _)> = difference
        .iter()
        .map(|change| {
            (
                change.id.as_str(),
                change.before.is_some(),
                change.after.is_some(),
                change.place,
            )
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            ("rul_b", true, false, (Some(1), None)),
            ("rul_d", false, true, (None, Some(3))),
            ("rul_e", true, true, (Some(3), Some(0))),
        ]
    );
    let page = engine.control.policy_revisions(None, 2).await.expect("revisions");
    let numbers: Vec<u64> = page.items.iter().map(|info| info.revision.0).collect();
    assert_eq!((numbers, page.next), (vec![3, 2], Some(Revision(2))));
    assert!(page.items.iter().all(|info| info.policy));
    assert_eq!(page.items[0].summary, "3 changes to the policy");
    let unknown = engine.control.policy_difference(Revision(2), Revision(9)).await;
    assert!(matches!(unknown, Err(ControlError::UnknownRevision(Revision(9)))));
}

#[tokio::test]
async fn what_is_restored_may_name_a_list_that_is_gone() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    let list = engine.create("office", ravelin_model::ListKind::Address).await;
    let mut spec = rule_spec("office", Action::Accept, 80);
    spec.source.lists = vec![list.id.clone()];
    let create = PolicyOperation::Rule(Operation::Create {
        id: Some(rule_id("office")),
        spec,
    });
    let with = commit(&engine, vec![create]).await.revision;
    commit(&engine, vec![delete("office")]).await;
    engine
        .control
        .delete_list(&list.id, ANY, &actor())
        .await
        .expect("delete");
    let refused = engine
        .control
        .restore_policy(with, CommitOptions::default(), &actor())
        .await;
    assert!(
        matches!(refused, Err(ControlError::PolicyRefused { .. })),
        "{refused:?}"
    );
}
