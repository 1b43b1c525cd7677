//! Several changes at once.

use std::sync::Arc;

use ravelin_api_types::{
    ChangeOperation, DnsServerSpec, Errors, Fields, FromJson, InterfaceSettingsSpec, Move, MoveTo, Names,
    NatRuleSpec, Node, PolicyKind, PolicyRouteSpec, PublishedServiceSpec, RouteSpec, RuleSpec, ServiceSpec,
    ZonePairSpec, ZoneSpec, merge_patch,
};
use ravelin_control::{Operation, PolicyOperation, Precondition};
use ravelin_model::{Id, Kind, NatRuleId, Object, Placement, Policy, RuleId};
use serde_json::Value;

use super::Resource;
use super::draft::{Draft, Drafted};
use super::ids::new_id;
use crate::extract::precondition;

/// Most operations of one request.
const OPERATIONS_LIMIT: usize = 100_000;

/// Reads the body of a request that says several changes.
pub(crate) fn operations(
    node: Node<'_>,
    policy: &Policy,
    names: Names,
    errors: &mut Errors,
) -> Option<Vec<PolicyOperation>> {
    let mut draft = Draft::of(policy, names);
    let mut fields = Fields::of(node, errors)?;
    let operations = fields.required_with("operations", errors, |node, errors| {
        let count = node.value().as_array().map_or(1, Vec::len);
        if !(1..=OPERATIONS_LIMIT).contains(&count) {
            errors.add(&node, "range", format!("are not 1 to {OPERATIONS_LIMIT}"));
            return None;
        }
        node.items(errors, |item, errors| operation(item, &mut draft, errors))
    });
    fields.finish(errors);
    operations
}

fn operation(node: Node<'_>, draft: &mut Draft, errors: &mut Errors) -> Option<PolicyOperation> {
    let mut fields = Fields::of(node, errors)?;
    let op = fields.required("op", errors);
    let kind = fields.required("kind", errors);
    // Without them nobody knows what the other members mean.
    let (op, kind): (ChangeOperation, PolicyKind) = (op?, kind?);
    let operation = match kind {
        PolicyKind::Zone => plain::<ZoneSpec>(&mut fields, op, draft, errors),
        PolicyKind::ZonePair => plain::<ZonePairSpec>(&mut fields, op, draft, errors),
        PolicyKind::Service => plain::<ServiceSpec>(&mut fields, op, draft, errors),
        PolicyKind::PublishedService => plain::<PublishedServiceSpec>(&mut fields, op, draft, errors),
        PolicyKind::InterfaceSettings => plain::<InterfaceSettingsSpec>(&mut fields, op, draft, errors),
        PolicyKind::Route => plain::<RouteSpec>(&mut fields, op, draft, errors),
        PolicyKind::PolicyRoute => plain::<PolicyRouteSpec>(&mut fields, op, draft, errors),
        PolicyKind::DnsServer => plain::<DnsServerSpec>(&mut fields, op, draft, errors),
        PolicyKind::Rule => ordered::<RuleSpec>(&mut fields, op, draft, errors),
        PolicyKind::NatRule => ordered::<NatRuleSpec>(&mut fields, op, draft, errors),
    };
    fields.finish(errors);
    operation
}

fn plain<R: Drafted>(
    fields: &mut Fields<'_>,
    op: ChangeOperation,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<PolicyOperation> {
    match op {
        ChangeOperation::Create => {
            let (id, spec) = create::<R>(fields, draft, errors)?;
            Some(R::operation(Operation::Create { id: Some(id), spec }))
        }
        ChangeOperation::Move => fields.required_with("op", errors, |node, errors| {
            let detail = format!("objects of kind {} have no order", R::Model::NAME);
            errors.add(&node, "not_applicable", detail);
            None
        }),
        ChangeOperation::Replace | ChangeOperation::Update | ChangeOperation::Delete => {
            changed::<R>(fields, op, draft, errors)
        }
    }
}

/// A kind whose objects are ordered.
trait Ordered: Drafted {
    fn create_at(
        id: Id<Self::Model>,
        spec: Self::Model,
        placement: Placement<Self::Model>,
    ) -> PolicyOperation;

    fn move_to(
        id: Id<Self::Model>,
        placement: Placement<Self::Model>,
        precondition: Precondition,
    ) -> PolicyOperation;
}

fn ordered<R: Ordered>(
    fields: &mut Fields<'_>,
    op: ChangeOperation,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<PolicyOperation> {
    match op {
        ChangeOperation::Create => {
            let place = fields.or("place", Placement::Last, errors, |node, errors| {
                placement(node, |text| draft.named::<R>(text), errors)
            });
            let (id, spec) = create::<R>(fields, draft, errors)?;
            Some(match place? {
                Placement::Last => R::operation(Operation::Create { id: Some(id), spec }),
                place => R::create_at(id, spec, place),
            })
        }
        ChangeOperation::Move => {
            let found = existing::<R>(fields, draft, errors);
            let precondition = if_match(fields, errors);
            let place = fields.required_with("value", errors, |node, errors| {
                placement(node, |text| draft.named::<R>(text), errors)
            });
            Some(R::move_to(found?.id.clone(), place?, precondition?))
        }
        ChangeOperation::Replace | ChangeOperation::Update | ChangeOperation::Delete => {
            changed::<R>(fields, op, draft, errors)
        }
    }
}

fn create<R: Drafted>(
    fields: &mut Fields<'_>,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<(Id<R::Model>, R::Model)> {
    let id = fields.optional_with("id", errors, |node, errors| {
        let id: Id<R::Model> = node.text(errors)?;
        if draft.find::<R>(&id).is_some() {
            errors.add(&node, "id_taken", "is the id of another object");
            return None;
        }
        Some(id)
    });
    let spec = fields.required_with("value", errors, |node, errors| {
        R::read(node, &draft.names, errors)
    });
    let (id, spec) = (id?.or_else(new_id)?, spec?);
    draft.put::<R>(&id, spec.clone());
    Some((id, spec))
}

fn changed<R: Drafted>(
    fields: &mut Fields<'_>,
    op: ChangeOperation,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<PolicyOperation> {
    let found = existing::<R>(fields, draft, errors);
    let precondition = if_match(fields, errors);
    if op == ChangeOperation::Delete {
        let (id, precondition) = (found?.id.clone(), precondition?);
        draft.remove::<R>(&id);
        return Some(R::operation(Operation::Delete { id, precondition }));
    }
    let spec = fields.required_with("value", errors, |node, errors| {
        if op == ChangeOperation::Replace {
            return R::read(node, &draft.names, errors);
        }
        // That there is nothing to change was told where the id is.
        let mut whole = serde_json::to_value(R::of(&found.as_ref()?.spec)).unwrap_or(Value::Null);
        merge_patch(&mut whole, node.value());
        R::read(node.instead(&whole), &draft.names, errors)
    });
    let (id, spec, precondition) = (found?.id.clone(), spec?, precondition?);
    draft.put::<R>(&id, spec.clone());
    Some(R::operation(Operation::Replace {
        id,
        spec,
        precondition,
    }))
}

/// The object `id` names in the draft.
fn existing<R: Drafted>(
    fields: &mut Fields<'_>,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<Arc<Object<R::Model>>> {
    fields.required_with("id", errors, |node, errors| {
        let text = node.string(errors)?;
        let found = text.parse().ok().and_then(|id| draft.find::<R>(&id));
        if found.is_none() {
            let detail = format!("there is no {} '{text}'", R::Model::NAME);
            errors.add(&node, "unknown", detail);
        }
        found
    })
}

fn if_match(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<Precondition> {
    fields.or("if_match", Precondition::Exists, errors, |node, errors| {
        let found = precondition(node.string(errors)?);
        if found.is_none() {
            errors.add(
                &node,
                "format",
                "is not * or an ETag such as \"12\" with its quotes",
            );
        }
        found
    })
}

/// Where a move leads; `find` says what its `rule` names.
pub(crate) fn placement<S: Kind>(
    node: Node<'_>,
    find: impl FnOnce(&str) -> Option<Id<S>>,
    errors: &mut Errors,
) -> Option<Placement<S>> {
    let Move { to, rule } = Move::from_json(node.clone(), errors)?;
    let mut fields = Fields::of(node, errors)?;
    let other = |errors: &mut Errors| {
        fields.required_with("rule", errors, |node, errors| {
            let text = rule.unwrap_or_default();
            let found = find(&text);
            if found.is_none() {
                errors.add(&node, "reference", format!("there is no {} '{text}'", S::NAME));
            }
            found
        })
    };
    Some(match to {
        MoveTo::First => Placement::First,
        MoveTo::Last => Placement::Last,
        MoveTo::Before => Placement::Before(other(errors)?),
        MoveTo::After => Placement::After(other(errors)?),
    })
}

/// The object of a policy with this id or name.
pub(crate) fn find_named<R: Resource>(policy: &Policy, text: &str) -> Option<Id<R::Model>> {
    let by_id = text.parse().ok().filter(|id| R::find(policy, id).is_some());
    by_id.or_else(|| R::named(policy, text))
}

impl Ordered for RuleSpec {
    fn create_at(id: RuleId, spec: Self::Model, placement: Placement) -> PolicyOperation {
        PolicyOperation::CreateRuleAt {
            id: Some(id),
            spec,
            placement,
        }
    }

    fn move_to(id: RuleId, placement: Placement, precondition: Precondition) -> PolicyOperation {
        PolicyOperation::MoveRule {
            id,
            placement,
            precondition,
        }
    }
}

impl Ordered for NatRuleSpec {
    fn create_at(id: NatRuleId, spec: Self::Model, placement: Placement<Self::Model>) -> PolicyOperation {
        PolicyOperation::CreateNatRuleAt {
            id: Some(id),
            spec,
            placement,
        }
    }

    fn move_to(
        id: NatRuleId,
        placement: Placement<Self::Model>,
        precondition: Precondition,
    ) -> PolicyOperation {
        PolicyOperation::MoveNatRule {
            id,
            placement,
            precondition,
        }
    }
}
