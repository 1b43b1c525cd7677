//! What kinds of objects differ in while operations are applied.

use ravelin_model::{
    AnyObject, DnsServerSpec, InterfaceSettingsSpec, NatRuleSpec, Object, ObjectKind, ObjectRef, Policy,
    PolicyRouteSpec, PublishedServiceSpec, RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec, ZoneSpec,
};

use super::{Kept, Work};
use crate::policy::check::Checked;

/// A kind that operations are about.
pub(super) trait Handled: Checked + PartialEq + Sized {
    const KIND: ObjectKind;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self>;

    /// What only one object of the kind may say, and where it is said.
    fn unique(&self) -> Vec<(&'static str, String)>;

    /// The number of a new object; None: there is none left.
    fn number(work: &mut Work<'_>) -> Option<u32>;

    /// As others name it.
    fn reference(object: &Object<Self>) -> ObjectRef {
        ObjectRef {
            kind: Self::KIND,
            id: object.id.to_string(),
            name: object.spec.name().unwrap_or(object.id.as_str()).to_owned(),
        }
    }

    fn name(&self) -> Option<&str>;
}

impl Handled for ZoneSpec {
    const KIND: ObjectKind = ObjectKind::Zone;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.zones
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        let interfaces = self.interfaces.iter().map(|name| ("/interfaces", name.clone()));
        std::iter::once(("/name", self.name.to_string()))
            .chain(interfaces)
            .collect()
    }

    fn number(work: &mut Work<'_>) -> Option<u32> {
        work.zone_numbers.give()
    }

    fn name(&self) -> Option<&str> {
        Some(self.name.as_str())
    }
}

impl Handled for ZonePairSpec {
    const KIND: ObjectKind = ObjectKind::ZonePair;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.zone_pairs
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/to", format!("{} {}", self.from, self.to))]
    }

    fn number(work: &mut Work<'_>) -> Option<u32> {
        work.counters.give()
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

impl Handled for RuleSpec {
    const KIND: ObjectKind = ObjectKind::Rule;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.rules
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/name", self.name.to_string())]
    }

    fn number(work: &mut Work<'_>) -> Option<u32> {
        work.counters.give()
    }

    fn name(&self) -> Option<&str> {
        Some(self.name.as_str())
    }
}

impl Handled for ServiceSpec {
    const KIND: ObjectKind = ObjectKind::Service;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.services
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/name", self.name.to_string())]
    }

    fn number(_: &mut Work<'_>) -> Option<u32> {
        Some(0)
    }

    fn name(&self) -> Option<&str> {
        Some(self.name.as_str())
    }
}

impl Handled for NatRuleSpec {
    const KIND: ObjectKind = ObjectKind::NatRule;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.nat_rules
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/name", self.name.to_string())]
    }

    fn number(_: &mut Work<'_>) -> Option<u32> {
        Some(0)
    }

    fn name(&self) -> Option<&str> {
        Some(self.name.as_str())
    }
}

impl Handled for PublishedServiceSpec {
    const KIND: ObjectKind = ObjectKind::PublishedService;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.published_services
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/name", self.name.to_string())]
    }

    fn number(work: &mut Work<'_>) -> Option<u32> {
        work.counters.give()
    }

    fn name(&self) -> Option<&str> {
        Some(self.name.as_str())
    }
}

impl Handled for InterfaceSettingsSpec {
    const KIND: ObjectKind = ObjectKind::InterfaceSettings;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.interface_settings
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/interface", self.interface.clone())]
    }

    fn number(_: &mut Work<'_>) -> Option<u32> {
        Some(0)
    }

    fn name(&self) -> Option<&str> {
        Some(&self.interface)
    }
}

impl Handled for RouteSpec {
    const KIND: ObjectKind = ObjectKind::Route;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.routes
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/destination", self.key())]
    }

    fn number(_: &mut Work<'_>) -> Option<u32> {
        Some(0)
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

impl Handled for PolicyRouteSpec {
    const KIND: ObjectKind = ObjectKind::PolicyRoute;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.policy_routes
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        self.keys().map(|key| ("/priority", key)).collect()
    }

    fn number(_: &mut Work<'_>) -> Option<u32> {
        Some(0)
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

impl Handled for DnsServerSpec {
    const KIND: ObjectKind = ObjectKind::DnsServer;

    fn kept<'w>(work: &'w mut Work<'_>) -> &'w mut Kept<Self> {
        &mut work.dns_servers
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("/address", self.key())]
    }

    fn number(_: &mut Work<'_>) -> Option<u32> {
        Some(0)
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

/// An object by kind and id.
pub(crate) fn find(policy: &Policy, kind: ObjectKind, id: &str) -> Option<AnyObject> {
    match kind {
        ObjectKind::Zone => policy.zones.get(&id.parse().ok()?).cloned().map(AnyObject::Zone),
        ObjectKind::ZonePair => policy
            .zone_pairs
            .get(&id.parse().ok()?)
            .cloned()
            .map(AnyObject::ZonePair),
        ObjectKind::Service => policy
            .services
            .get(&id.parse().ok()?)
            .cloned()
            .map(AnyObject::Service),
        ObjectKind::PublishedService => {
            let found = policy.published_services.get(&id.parse().ok()?).cloned();
            found.map(AnyObject::PublishedService)
        }
        ObjectKind::InterfaceSettings => {
            let found = policy.interface_settings.get(&id.parse().ok()?).cloned();
            found.map(AnyObject::InterfaceSettings)
        }
        ObjectKind::Route => {
            let found = policy.routes.get(&id.parse().ok()?).cloned();
            found.map(AnyObject::Route)
        }
        ObjectKind::PolicyRoute => {
            let found = policy.policy_routes.get(&id.parse().ok()?).cloned();
            found.map(AnyObject::PolicyRoute)
        }
        ObjectKind::DnsServer => {
            let found = policy.dns_servers.get(&id.parse().ok()?).cloned();
            found.map(AnyObject::DnsServer)
        }
        ObjectKind::Rule => {
            let found = policy.rules.iter().find(|rule| rule.id.as_str() == id).cloned();
            found.map(AnyObject::Rule)
        }
        ObjectKind::NatRule => {
            let found = policy
                .nat_rules
                .iter()
                .find(|rule| rule.id.as_str() == id)
                .cloned();
            found.map(AnyObject::NatRule)
        }
        ObjectKind::List | ObjectKind::Feature => None,
    }
}
