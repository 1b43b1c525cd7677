//! The kinds of objects, each with a collection of its own.

mod network;

use std::sync::Arc;

use ravelin_api_types::{
    InterfaceSettings, InterfaceSettingsSpec, NatRule, NatRuleSpec, PublishedService, PublishedServiceSpec,
    Rule, RuleHits, RuleSpec, Service, ServiceSpec, Spec, Zone, ZonePair, ZonePairSpec, ZoneSpec,
};
use ravelin_control::{Operation, PolicyOperation, PolicyView};
use ravelin_model::{self as model, Id, Object, ObjectKind, Policy};
use serde::Serialize;

/// An object and its place among those of its kind, from 0; of kinds that are not ordered any.
pub(crate) type Placed<R> = (usize, Arc<Object<<R as Spec>::Model>>);

/// A kind of object with a collection of its own.
pub(crate) trait Resource: Spec<Model: Clone + PartialEq + Send + Sync> {
    /// What answers show.
    type Shown: Serialize;
    /// Its kind.
    const KIND: ObjectKind;

    /// Every object: ordered kinds in their order, the other ones by name.
    fn all(policy: &Policy) -> Vec<Placed<Self>>;

    /// The object with this id.
    fn find(policy: &Policy, id: &Id<Self::Model>) -> Option<Placed<Self>>;

    /// The id of the one with this name.
    fn named(policy: &Policy, name: &str) -> Option<Id<Self::Model>>;

    /// What tells one from the others of its kind, for people: its name, or the zones of a pair.
    fn key(spec: &Self::Model) -> String;

    /// An operation on one.
    fn operation(operation: Operation<Self::Model>) -> PolicyOperation;

    /// The object as answers show it.
    fn show(place: usize, object: &Object<Self::Model>, policy: &Policy, hits: RuleHits) -> Self::Shown;

    /// Adds what changes without the object.
    fn observe(_: &mut Self::Shown, _: &Id<Self::Model>, _: &PolicyView) {}
}

/// Sorted by what `key` says.
fn sorted<'a, S: model::Kind + 'a, K: Ord>(
    objects: impl Iterator<Item = &'a Arc<Object<S>>>,
    key: impl Fn(&Object<S>) -> K,
) -> Vec<(usize, Arc<Object<S>>)> {
    let mut sorted: Vec<_> = objects.map(|object| (0, Arc::clone(object))).collect();
    sorted.sort_by_cached_key(|(_, object)| key(object));
    sorted
}

fn in_order<S: model::Kind>(objects: &[Arc<Object<S>>]) -> Vec<(usize, Arc<Object<S>>)> {
    objects.iter().cloned().enumerate().collect()
}

fn in_order_with<S: model::Kind>(objects: &[Arc<Object<S>>], id: &Id<S>) -> Option<(usize, Arc<Object<S>>)> {
    let place = objects.iter().position(|object| object.id == *id)?;
    Some((place, Arc::clone(objects.get(place)?)))
}

impl Resource for ZoneSpec {
    type Shown = Zone;
    const KIND: ObjectKind = ObjectKind::Zone;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.zones.values(), |zone| {
            (zone.id.as_str() != model::LOCAL_ZONE, zone.spec.name.clone())
        })
    }

    fn find(policy: &Policy, id: &model::ZoneId) -> Option<Placed<Self>> {
        policy.zones.get(id).map(|zone| (0, Arc::clone(zone)))
    }

    fn named(policy: &Policy, name: &str) -> Option<model::ZoneId> {
        let mut all = policy.zones.values();
        all.find(|object| object.spec.name.as_str() == name)
            .map(|object| object.id.clone())
    }

    fn key(spec: &model::ZoneSpec) -> String {
        spec.name.to_string()
    }

    fn operation(operation: Operation<model::ZoneSpec>) -> PolicyOperation {
        PolicyOperation::Zone(operation)
    }

    fn show(_: usize, zone: &model::Zone, _: &Policy, _: RuleHits) -> Zone {
        Zone::from(zone)
    }
}

impl Resource for ZonePairSpec {
    type Shown = ZonePair;
    const KIND: ObjectKind = ObjectKind::ZonePair;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        let name = |zone: &model::ZoneId| policy.zones.get(zone).map(|zone| zone.spec.name.clone());
        sorted(policy.zone_pairs.values(), |pair| {
            (name(&pair.spec.from), name(&pair.spec.to))
        })
    }

    fn find(policy: &Policy, id: &model::ZonePairId) -> Option<Placed<Self>> {
        policy.zone_pairs.get(id).map(|pair| (0, Arc::clone(pair)))
    }

    fn named(_: &Policy, _: &str) -> Option<model::ZonePairId> {
        None
    }

    fn key(spec: &model::ZonePairSpec) -> String {
        format!("{} {}", spec.from, spec.to)
    }

    fn operation(operation: Operation<model::ZonePairSpec>) -> PolicyOperation {
        PolicyOperation::ZonePair(operation)
    }

    fn show(_: usize, pair: &model::ZonePair, policy: &Policy, hits: RuleHits) -> ZonePair {
        ZonePair::of(pair, policy, hits)
    }
}

impl Resource for RuleSpec {
    type Shown = Rule;
    const KIND: ObjectKind = ObjectKind::Rule;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        in_order(&policy.rules)
    }

    fn find(policy: &Policy, id: &model::RuleId) -> Option<Placed<Self>> {
        in_order_with(&policy.rules, id)
    }

    fn named(policy: &Policy, name: &str) -> Option<model::RuleId> {
        let mut all = policy.rules.iter();
        all.find(|object| object.spec.name.as_str() == name)
            .map(|object| object.id.clone())
    }

    fn key(spec: &model::RuleSpec) -> String {
        spec.name.to_string()
    }

    fn operation(operation: Operation<model::RuleSpec>) -> PolicyOperation {
        PolicyOperation::Rule(operation)
    }

    fn show(place: usize, rule: &model::Rule, policy: &Policy, hits: RuleHits) -> Rule {
        Rule::of(rule, place, policy, hits)
    }
}

impl Resource for ServiceSpec {
    type Shown = Service;
    const KIND: ObjectKind = ObjectKind::Service;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.services.values(), |service| service.spec.name.clone())
    }

    fn find(policy: &Policy, id: &model::ServiceId) -> Option<Placed<Self>> {
        policy.services.get(id).map(|service| (0, Arc::clone(service)))
    }

    fn named(policy: &Policy, name: &str) -> Option<model::ServiceId> {
        let mut all = policy.services.values();
        all.find(|object| object.spec.name.as_str() == name)
            .map(|object| object.id.clone())
    }

    fn key(spec: &model::ServiceSpec) -> String {
        spec.name.to_string()
    }

    fn operation(operation: Operation<model::ServiceSpec>) -> PolicyOperation {
        PolicyOperation::Service(operation)
    }

    fn show(_: usize, service: &model::Service, _: &Policy, _: RuleHits) -> Service {
        Service::from(service)
    }
}

impl Resource for NatRuleSpec {
    type Shown = NatRule;
    const KIND: ObjectKind = ObjectKind::NatRule;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        in_order(&policy.nat_rules)
    }

    fn find(policy: &Policy, id: &model::NatRuleId) -> Option<Placed<Self>> {
        in_order_with(&policy.nat_rules, id)
    }

    fn named(policy: &Policy, name: &str) -> Option<model::NatRuleId> {
        let mut all = policy.nat_rules.iter();
        all.find(|object| object.spec.name.as_str() == name)
            .map(|object| object.id.clone())
    }

    fn key(spec: &model::NatRuleSpec) -> String {
        spec.name.to_string()
    }

    fn operation(operation: Operation<model::NatRuleSpec>) -> PolicyOperation {
        PolicyOperation::NatRule(operation)
    }

    fn show(place: usize, rule: &model::NatRule, _: &Policy, _: RuleHits) -> NatRule {
        NatRule::of(rule, place)
    }
}

impl Resource for PublishedServiceSpec {
    type Shown = PublishedService;
    const KIND: ObjectKind = ObjectKind::PublishedService;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.published_services.values(), |service| {
            service.spec.name.clone()
        })
    }

    fn find(policy: &Policy, id: &model::PublishedServiceId) -> Option<Placed<Self>> {
        let service = policy.published_services.get(id);
        service.map(|service| (0, Arc::clone(service)))
    }

    fn named(policy: &Policy, name: &str) -> Option<model::PublishedServiceId> {
        let mut all = policy.published_services.values();
        all.find(|object| object.spec.name.as_str() == name)
            .map(|object| object.id.clone())
    }

    fn key(spec: &model::PublishedServiceSpec) -> String {
        spec.name.to_string()
    }

    fn operation(operation: Operation<model::PublishedServiceSpec>) -> PolicyOperation {
        PolicyOperation::PublishedService(operation)
    }

    fn show(_: usize, service: &model::PublishedService, _: &Policy, hits: RuleHits) -> PublishedService {
        PublishedService::of(service, hits)
    }
}

impl Resource for InterfaceSettingsSpec {
    type Shown = InterfaceSettings;
    const KIND: ObjectKind = ObjectKind::InterfaceSettings;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.interface_settings.values(), |settings| {
            settings.spec.interface.clone()
        })
    }

    fn find(policy: &Policy, id: &model::InterfaceSettingsId) -> Option<Placed<Self>> {
        let settings = policy.interface_settings.get(id);
        settings.map(|settings| (0, Arc::clone(settings)))
    }

    fn named(policy: &Policy, name: &str) -> Option<model::InterfaceSettingsId> {
        let mut all = policy.interface_settings.values();
        all.find(|object| object.spec.interface == name)
            .map(|object| object.id.clone())
    }

    fn key(spec: &model::InterfaceSettingsSpec) -> String {
        spec.interface.clone()
    }

    fn operation(operation: Operation<model::InterfaceSettingsSpec>) -> PolicyOperation {
        PolicyOperation::InterfaceSettings(operation)
    }

    fn show(_: usize, settings: &model::InterfaceSettings, _: &Policy, _: RuleHits) -> InterfaceSettings {
        InterfaceSettings::from(settings)
    }

    fn observe(shown: &mut InterfaceSettings, id: &model::InterfaceSettingsId, view: &PolicyView) {
        let Some(applied) = view.applied.get(id) else {
            return;
        };
        shown.state = applied.state.into();
        shown.state_reason.clone_from(&applied.reason);
    }
}
