//! Several changes at once, read against the policy as the ones before them leave it.

use std::sync::Arc;

use ravelin_api_types::{
    ChangeOperation, Errors, Fields, FromJson, Move, MoveTo, Names, NatRuleSpec, Node, PolicyKind,
    PublishedServiceSpec, RuleSpec, ServiceSpec, ZonePairSpec, ZoneSpec, merge_patch,
};
use ravelin_control::{Operation, PolicyOperation, Precondition};
use ravelin_model::{self as model, Id, Kind, Object, Placement, Policy, Revision};
use serde_json::Value;
use time::OffsetDateTime;

use super::Resource;
use super::ids::new_id;
use crate::extract::precondition;

/// Most operations of one request.
const OPERATIONS_LIMIT: usize = 10_000;

/// The policy as the changes read so far leave it, and what names in it stand for.
#[derive(Debug)]
struct Draft {
    policy: Policy,
    names: Names,
}

/// Reads the body of a request that says several changes.
pub(crate) fn operations(
    node: Node<'_>,
    policy: &Policy,
    names: Names,
    errors: &mut Errors,
) -> Option<Vec<PolicyOperation>> {
    let mut draft = Draft {
        policy: policy.clone(),
        names,
    };
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
        PolicyKind::Rule => ordered::<RuleSpec>(&mut fields, op, draft, errors),
        PolicyKind::NatRule => ordered::<NatRuleSpec>(&mut fields, op, draft, errors),
    };
    fields.finish(errors);
    operation
}

/// A kind whose objects a draft can hold.
trait Draftable: Resource {
    /// Puts an object where its kind keeps it, in place of the one with its id.
    fn put(draft: &mut Draft, object: Object<Self::Model>);

    /// Takes an object away.
    fn remove(draft: &mut Draft, id: &Id<Self::Model>);
}

/// A kind whose objects are ordered.
trait Ordered: Draftable {
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

fn plain<R: Draftable>(
    fields: &mut Fields<'_>,
    op: ChangeOperation,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<PolicyOperation> {
    match op {
        ChangeOperation::Create => create::<R>(fields, draft, errors)
            .map(|(id, spec)| R::operation(Operation::Create { id: Some(id), spec })),
        ChangeOperation::Move => fields.required_with("op", errors, |node, errors| {
            let detail = format!("a {} has no place among its kind", R::Model::NAME);
            errors.add(&node, "not_applicable", detail);
            None
        }),
        ChangeOperation::Replace | ChangeOperation::Update | ChangeOperation::Delete => {
            changed::<R>(fields, op, draft, errors)
        }
    }
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
                placement::<R>(node, &draft.policy, errors)
            });
            let created = create::<R>(fields, draft, errors);
            let (id, spec) = created?;
            Some(R::create_at(id, spec, place?))
        }
        ChangeOperation::Move => {
            let found = existing::<R>(fields, draft, errors);
            let precondition = if_match(fields, errors);
            let place = fields.required_with("value", errors, |node, errors| {
                placement::<R>(node, &draft.policy, errors)
            });
            Some(R::move_to(found?.id.clone(), place?, precondition?))
        }
        ChangeOperation::Replace | ChangeOperation::Update | ChangeOperation::Delete => {
            changed::<R>(fields, op, draft, errors)
        }
    }
}

fn create<R: Draftable>(
    fields: &mut Fields<'_>,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<(Id<R::Model>, R::Model)> {
    let id = fields.optional_with("id", errors, |node, errors| {
        let id: Id<R::Model> = node.text(errors)?;
        if R::find(&draft.policy, &id).is_some() {
            errors.add(&node, "id_taken", "is the id of another object");
            return None;
        }
        Some(id)
    });
    let spec = fields.required_with("value", errors, |node, errors| {
        R::read(node, &draft.names, errors)
    });
    let (id, spec) = (id?.or_else(new_id)?, spec?);
    R::put(draft, unstored(id.clone(), spec.clone()));
    Some((id, spec))
}

fn changed<R: Draftable>(
    fields: &mut Fields<'_>,
    op: ChangeOperation,
    draft: &mut Draft,
    errors: &mut Errors,
) -> Option<PolicyOperation> {
    let found = existing::<R>(fields, draft, errors);
    let precondition = if_match(fields, errors);
    if op == ChangeOperation::Delete {
        let (id, precondition) = (found?.id.clone(), precondition?);
        R::remove(draft, &id);
        return Some(R::operation(Operation::Delete { id, precondition }));
    }
    let spec = fields.required_with("value", errors, |node, errors| {
        if op == ChangeOperation::Replace {
            return R::read(node, &draft.names, errors);
        }
        // What it is now was told to be missing where it is.
        let mut whole = serde_json::to_value(R::of(&found.as_ref()?.spec)).unwrap_or(Value::Null);
        merge_patch(&mut whole, node.value());
        R::read(node.instead(&whole), &draft.names, errors)
    });
    let (id, spec, precondition) = (found?.id.clone(), spec?, precondition?);
    R::put(draft, unstored(id.clone(), spec.clone()));
    Some(R::operation(Operation::Replace {
        id,
        spec,
        precondition,
    }))
}

/// The object `id` names in the draft.
fn existing<R: Resource>(
    fields: &mut Fields<'_>,
    draft: &Draft,
    errors: &mut Errors,
) -> Option<Arc<Object<R::Model>>> {
    fields.required_with("id", errors, |node, errors| {
        let text = node.string(errors)?;
        let found = text.parse().ok().and_then(|id| R::find(&draft.policy, &id));
        if found.is_none() {
            let detail = format!("there is no {} '{text}'", R::Model::NAME);
            errors.add(&node, "reference", detail);
        }
        found.map(|(_, object)| object)
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

/// Where a move leads, the other rule by id or name.
pub(crate) fn placement<R: Resource>(
    node: Node<'_>,
    policy: &Policy,
    errors: &mut Errors,
) -> Option<Placement<R::Model>> {
    let mut fields = Fields::of(node.clone(), errors)?;
    let Move { to, rule } = Move::from_json(node, errors)?;
    let mut other = || {
        fields.required_with("rule", errors, |node, errors| {
            let text = rule.as_deref().unwrap_or_default();
            let by_id = text.parse().ok().filter(|id| R::find(policy, id).is_some());
            let found = by_id.or_else(|| R::named(policy, text));
            if found.is_none() {
                let detail = format!("there is no {} '{text}'", R::Model::NAME);
                errors.add(&node, "reference", detail);
            }
            found
        })
    };
    Some(match to {
        MoveTo::First => Placement::First,
        MoveTo::Last => Placement::Last,
        MoveTo::Before => Placement::Before(other()?),
        MoveTo::After => Placement::After(other()?),
    })
}

/// An object that is not stored yet.
fn unstored<S: Kind>(id: Id<S>, spec: S) -> Object<S> {
    Object {
        id,
        number: 0,
        spec,
        updated_at: OffsetDateTime::UNIX_EPOCH,
        revision: Revision(0),
    }
}

impl Draftable for ZoneSpec {
    fn put(draft: &mut Draft, zone: model::Zone) {
        draft.names.add_zone(&zone.id, &zone.spec.name);
        draft.policy.zones.insert(zone.id.clone(), Arc::new(zone));
    }

    fn remove(draft: &mut Draft, id: &model::ZoneId) {
        draft.policy.zones.remove(id);
    }
}

impl Draftable for ZonePairSpec {
    fn put(draft: &mut Draft, pair: model::ZonePair) {
        draft.policy.zone_pairs.insert(pair.id.clone(), Arc::new(pair));
    }

    fn remove(draft: &mut Draft, id: &model::ZonePairId) {
        draft.policy.zone_pairs.remove(id);
    }
}

impl Draftable for ServiceSpec {
    fn put(draft: &mut Draft, service: model::Service) {
        draft.names.add_service(&service.id, &service.spec.name);
        draft
            .policy
            .services
            .insert(service.id.clone(), Arc::new(service));
    }

    fn remove(draft: &mut Draft, id: &model::ServiceId) {
        draft.policy.services.remove(id);
    }
}

impl Draftable for PublishedServiceSpec {
    fn put(draft: &mut Draft, service: model::PublishedService) {
        let services = &mut draft.policy.published_services;
        services.insert(service.id.clone(), Arc::new(service));
    }

    fn remove(draft: &mut Draft, id: &model::PublishedServiceId) {
        draft.policy.published_services.remove(id);
    }
}

impl Draftable for RuleSpec {
    fn put(draft: &mut Draft, rule: model::Rule) {
        put_in_order(&mut draft.policy.rules, rule);
    }

    fn remove(draft: &mut Draft, id: &model::RuleId) {
        draft.policy.rules.retain(|rule| rule.id != *id);
    }
}

impl Draftable for NatRuleSpec {
    fn put(draft: &mut Draft, rule: model::NatRule) {
        put_in_order(&mut draft.policy.nat_rules, rule);
    }

    fn remove(draft: &mut Draft, id: &model::NatRuleId) {
        draft.policy.nat_rules.retain(|rule| rule.id != *id);
    }
}

/// The draft is for finding objects only, so a new one may be anywhere.
fn put_in_order<S: Kind>(objects: &mut Vec<Arc<Object<S>>>, object: Object<S>) {
    match objects.iter_mut().find(|other| other.id == object.id) {
        Some(other) => *other = Arc::new(object),
        None => objects.push(Arc::new(object)),
    }
}

impl Ordered for RuleSpec {
    fn create_at(id: model::RuleId, spec: model::RuleSpec, placement: Placement) -> PolicyOperation {
        PolicyOperation::CreateRuleAt {
            id: Some(id),
            spec,
            placement,
        }
    }

    fn move_to(id: model::RuleId, placement: Placement, precondition: Precondition) -> PolicyOperation {
        PolicyOperation::MoveRule {
            id,
            placement,
            precondition,
        }
    }
}

impl Ordered for NatRuleSpec {
    fn create_at(
        id: model::NatRuleId,
        spec: model::NatRuleSpec,
        placement: Placement<model::NatRuleSpec>,
    ) -> PolicyOperation {
        PolicyOperation::CreateNatRuleAt {
            id: Some(id),
            spec,
            placement,
        }
    }

    fn move_to(
        id: model::NatRuleId,
        placement: Placement<model::NatRuleSpec>,
        precondition: Precondition,
    ) -> PolicyOperation {
        PolicyOperation::MoveNatRule {
            id,
            placement,
            precondition,
        }
    }
}
