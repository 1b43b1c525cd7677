//! What can only be checked once every operation is applied: references, and what only one object may say.

use std::collections::HashMap;
use std::sync::Arc;

use ravelin_model::{
    DnsServerSpec, InterfaceSettingsSpec, LOCAL_ZONE, NatRuleSpec, Object, ObjectKind, Policy,
    PolicyRouteSpec, PublishedServiceSpec, Revision, RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec,
    ZoneSpec,
};

use super::kind::{Handled, find};
use super::{About, Draft, Ground, Work};
use crate::policy::check::{Problems, Surroundings, check_together};
use crate::policy::references::users;
use crate::{OperationResult, Refusal, RefusalReason};

impl Work<'_> {
    pub(super) fn finish(mut self, results: Vec<About>) -> Result<Draft, Vec<Refusal>> {
        self.check_said::<ZoneSpec>();
        self.check_said::<ZonePairSpec>();
        self.check_said::<RuleSpec>();
        self.check_said::<ServiceSpec>();
        self.check_said::<NatRuleSpec>();
        self.check_said::<PublishedServiceSpec>();
        self.check_said::<InterfaceSettingsSpec>();
        self.check_said::<RouteSpec>();
        self.check_said::<PolicyRouteSpec>();
        self.check_said::<DnsServerSpec>();
        self.check_local();
        self.check_interfaces();
        let Self {
            ground,
            mut refusals,
            zones,
            zone_pairs,
            rules,
            services,
            nat_rules,
            published_services,
            interface_settings,
            routes,
            policy_routes,
            dns_servers,
            ..
        } = self;
        let deleted: Vec<(usize, ObjectKind, String)> = (zones.deleted.iter())
            .map(|said| (said.operation, ObjectKind::Zone, said.id.to_string()))
            .chain(
                (services.deleted.iter())
                    .map(|said| (said.operation, ObjectKind::Service, said.id.to_string())),
            )
            .collect();
        let policy = Policy {
            zones: zones.objects.into_map(),
            zone_pairs: zone_pairs.objects.into_map(),
            rules: rules.objects.into_vec(),
            services: services.objects.into_map(),
            nat_rules: nat_rules.objects.into_vec(),
            published_services: published_services.objects.into_map(),
            interface_settings: interface_settings.objects.into_map(),
            routes: routes.objects.into_map(),
            policy_routes: policy_routes.objects.into_map(),
            dns_servers: dns_servers.objects.into_map(),
        };
        for (operation, kind, id) in deleted {
            let users = users(&policy, kind, &id);
            if !users.is_empty() {
                let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
                refusals.push(Refusal {
                    operation,
                    pointer: String::new(),
                    detail: format!("{} '{id}' is used by {}", kind.name(), names.join(", ")),
                    reason: RefusalReason::InUse { users },
                });
            }
        }
        if !refusals.is_empty() {
            refusals.sort_by_key(|refusal| refusal.operation);
            return Err(refusals);
        }
        Ok(Draft {
            results: results_of(&policy, ground, results),
            policy,
        })
    }

    /// Checks what was said of objects of a kind that are still there.
    fn check_said<S: Handled>(&mut self) {
        let said = std::mem::take(&mut S::kept(self).said);
        if said.is_empty() {
            return;
        }
        let objects: Vec<(usize, Arc<Object<S>>)> = said
            .iter()
            .filter_map(|said| Some((said.operation, Arc::clone(S::kept(self).objects.get(&said.id)?))))
            .collect();
        let mut refusals = Vec::new();
        let around = Surroundings {
            zones: &self.zones.objects,
            services: &self.services.objects,
            lists: self.ground.lists,
        };
        for (operation, object) in &objects {
            let mut problems = Problems::default();
            object.spec.check(&around, &mut problems);
            for (pointer, reason, detail) in problems.0 {
                refusals.push(Refusal {
                    operation: *operation,
                    pointer,
                    reason,
                    detail,
                });
            }
        }
        let everybody: Vec<Arc<Object<S>>> = S::kept(self).objects.objects.values().cloned().collect();
        let mut owners: HashMap<(&'static str, String), Vec<&Arc<Object<S>>>> = HashMap::new();
        for object in &everybody {
            for said in object.spec.unique() {
                owners.entry(said).or_default().push(object);
            }
        }
        for (operation, object) in &objects {
            for said in object.spec.unique() {
                let others = owners.get(&said).map_or(&[][..], Vec::as_slice);
                if let Some(other) = others.iter().find(|other| other.id != object.id) {
                    let by = S::reference(other);
                    let detail = match S::KIND {
                        ObjectKind::ZonePair => {
                            format!("the pair of zones has an object already, '{}'", by.id)
                        }
                        ObjectKind::InterfaceSettings => {
                            format!("'{}' is the interface of '{}' already", said.1, by.id)
                        }
                        ObjectKind::Route => format!("'{}' is the route to {} already", by.id, said.1),
                        ObjectKind::PolicyRoute => format!("'{}' has priority {} already", by.id, said.1),
                        ObjectKind::DnsServer => format!("'{}' is the server {} already", by.id, said.1),
                        _ if said.0 == "/name" => format!("'{}' is the name of '{}'", said.1, by.id),
                        _ => format!("'{}' is in zone '{}' already", said.1, by.name),
                    };
                    refusals.push(Refusal {
                        operation: *operation,
                        pointer: said.0.to_owned(),
                        reason: RefusalReason::Taken { by },
                        detail,
                    });
                }
            }
        }
        self.refusals.extend(refusals);
        S::kept(self).said = said;
    }

    /// Settings of interfaces fit together.
    fn check_interfaces(&mut self) {
        let said = self.interface_settings.said.iter();
        let said = said.map(|said| (said.id.clone(), said.operation)).collect();
        let settings = self.interface_settings.objects.objects.values();
        let refusals = check_together(settings, &said);
        self.refusals.extend(refusals);
    }

    /// The built-in zone keeps its name and has no interfaces.
    fn check_local(&mut self) {
        let Some(said) = self.zones.said.iter().find(|said| said.id.as_str() == LOCAL_ZONE) else {
            return;
        };
        self.operation = said.operation;
        let Some(new) = self.zones.objects.get(&said.id).cloned() else {
            return;
        };
        let old = self.ground.policy.zones.get(&new.id).cloned();
        let built_in = "cannot be changed: the zone is this box itself";
        if old.is_some_and(|old| old.spec.name != new.spec.name) {
            self.refuse("/name", RefusalReason::BuiltIn, built_in);
        }
        if !new.spec.interfaces.is_empty() {
            self.refuse("/interfaces", RefusalReason::BuiltIn, built_in);
        }
        if new.spec.management {
            self.refuse("/management", RefusalReason::BuiltIn, built_in);
        }
    }
}

/// Revisions of what the operations were about.
fn results_of(policy: &Policy, ground: &Ground<'_>, about: Vec<About>) -> Vec<OperationResult> {
    // Only where there are many is it worth looking all up at once.
    let rules: HashMap<&str, Revision> = if about.len() > 8 {
        policy
            .rules
            .iter()
            .map(|rule| (rule.id.as_str(), rule.revision))
            .collect()
    } else {
        HashMap::new()
    };
    about
        .into_iter()
        .map(|(kind, id)| {
            let known = rules.get(id.as_str()).copied();
            let revision = known.or_else(|| find(policy, kind, &id).map(|object| object.revision()));
            OperationResult {
                kind,
                revision: revision.unwrap_or(ground.next_revision),
                id,
            }
        })
        .collect()
}
