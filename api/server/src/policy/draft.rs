//! The policy as the changes read so far leave it, for later ones to be read against.

use std::collections::HashMap;
use std::sync::Arc;

use ravelin_api_types::{
    DnsServerSpec, InterfaceSettingsSpec, Names, NatRuleSpec, PolicyRouteSpec, PublishedServiceSpec,
    RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec, ZoneSpec,
};
use ravelin_model::{self as model, Id, Object, Policy, Revision};
use time::OffsetDateTime;

use super::Resource;

/// Objects of a kind by id.
type ById<S> = HashMap<Id<S>, Arc<Object<S>>>;

/// The policy as the changes read so far leave it, and what names in it stand for. What is deleted can still be named:
/// whether everything that is named is there is for control to say, once all changes are made.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) names: Names,
    zones: ById<model::ZoneSpec>,
    zone_pairs: ById<model::ZonePairSpec>,
    rules: ById<model::RuleSpec>,
    services: ById<model::ServiceSpec>,
    nat_rules: ById<model::NatRuleSpec>,
    published_services: ById<model::PublishedServiceSpec>,
    interface_settings: ById<model::InterfaceSettingsSpec>,
    routes: ById<model::RouteSpec>,
    policy_routes: ById<model::PolicyRouteSpec>,
    dns_servers: ById<model::DnsServerSpec>,
}

impl Draft {
    /// Before any change.
    pub(super) fn of(policy: &Policy, names: Names) -> Self {
        Self {
            names,
            zones: by_id(policy.zones.values()),
            zone_pairs: by_id(policy.zone_pairs.values()),
            rules: by_id(&policy.rules),
            services: by_id(policy.services.values()),
            nat_rules: by_id(&policy.nat_rules),
            published_services: by_id(policy.published_services.values()),
            interface_settings: by_id(policy.interface_settings.values()),
            routes: by_id(policy.routes.values()),
            policy_routes: by_id(policy.policy_routes.values()),
            dns_servers: by_id(policy.dns_servers.values()),
        }
    }

    /// The object with this id.
    pub(super) fn find<R: Drafted>(&mut self, id: &Id<R::Model>) -> Option<Arc<Object<R::Model>>> {
        R::objects(self).get(id).cloned()
    }

    /// The id of the object with this id or name.
    pub(super) fn named<R: Drafted>(&mut self, text: &str) -> Option<Id<R::Model>> {
        let objects = R::objects(self);
        let by_id = text.parse().ok().filter(|id| objects.contains_key(id));
        by_id.or_else(|| {
            let mut named = objects
                .values()
                .filter(|object| R::name(&object.spec) == Some(text));
            named.next().map(|object| object.id.clone())
        })
    }

    /// Has an object say something, or be there.
    pub(super) fn put<R: Drafted>(&mut self, id: &Id<R::Model>, spec: R::Model) {
        R::introduce(&mut self.names, id, &spec);
        let object = Object {
            id: id.clone(),
            number: 0,
            spec,
            updated_at: OffsetDateTime::UNIX_EPOCH,
            revision: Revision(0),
        };
        R::objects(self).insert(id.clone(), Arc::new(object));
    }

    /// Takes an object away.
    pub(super) fn remove<R: Drafted>(&mut self, id: &Id<R::Model>) {
        R::objects(self).remove(id);
    }
}

fn by_id<'a, S: model::Kind + 'a>(objects: impl IntoIterator<Item = &'a Arc<Object<S>>>) -> ById<S> {
    let objects = objects.into_iter();
    objects
        .map(|object| (object.id.clone(), Arc::clone(object)))
        .collect()
}

/// A kind that drafts hold.
pub(super) trait Drafted: Resource {
    /// Where its objects are.
    fn objects(draft: &mut Draft) -> &mut ById<Self::Model>;

    /// Has a name stand for an object, if others may name it.
    fn introduce(_: &mut Names, _: &Id<Self::Model>, _: &Self::Model) {}

    /// Its name, if its kind has names.
    fn name(spec: &Self::Model) -> Option<&str>;
}

impl Drafted for ZoneSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::ZoneSpec> {
        &mut draft.zones
    }

    fn introduce(names: &mut Names, id: &model::ZoneId, spec: &model::ZoneSpec) {
        names.add_zone(id, &spec.name);
    }

    fn name(spec: &model::ZoneSpec) -> Option<&str> {
        Some(spec.name.as_str())
    }
}

impl Drafted for ZonePairSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::ZonePairSpec> {
        &mut draft.zone_pairs
    }

    fn name(_: &model::ZonePairSpec) -> Option<&str> {
        None
    }
}

impl Drafted for RuleSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::RuleSpec> {
        &mut draft.rules
    }

    fn name(spec: &model::RuleSpec) -> Option<&str> {
        Some(spec.name.as_str())
    }
}

impl Drafted for ServiceSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::ServiceSpec> {
        &mut draft.services
    }

    fn introduce(names: &mut Names, id: &model::ServiceId, spec: &model::ServiceSpec) {
        names.add_service(id, &spec.name);
    }

    fn name(spec: &model::ServiceSpec) -> Option<&str> {
        Some(spec.name.as_str())
    }
}

impl Drafted for NatRuleSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::NatRuleSpec> {
        &mut draft.nat_rules
    }

    fn name(spec: &model::NatRuleSpec) -> Option<&str> {
        Some(spec.name.as_str())
    }
}

impl Drafted for PublishedServiceSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::PublishedServiceSpec> {
        &mut draft.published_services
    }

    fn name(spec: &model::PublishedServiceSpec) -> Option<&str> {
        Some(spec.name.as_str())
    }
}

impl Drafted for InterfaceSettingsSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::InterfaceSettingsSpec> {
        &mut draft.interface_settings
    }

    fn name(spec: &model::InterfaceSettingsSpec) -> Option<&str> {
        Some(&spec.interface)
    }
}

impl Drafted for RouteSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::RouteSpec> {
        &mut draft.routes
    }

    fn name(_: &model::RouteSpec) -> Option<&str> {
        None
    }
}

impl Drafted for PolicyRouteSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::PolicyRouteSpec> {
        &mut draft.policy_routes
    }

    fn name(_: &model::PolicyRouteSpec) -> Option<&str> {
        None
    }
}

impl Drafted for DnsServerSpec {
    fn objects(draft: &mut Draft) -> &mut ById<model::DnsServerSpec> {
        &mut draft.dns_servers
    }

    fn name(_: &model::DnsServerSpec) -> Option<&str> {
        None
    }
}
