//! What a policy becomes by operations. Every refusal there is comes at once.

mod finish;
mod kind;
mod operation;

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_model::{
    DnsServerSpec, Id, InterfaceSettingsSpec, Kind, ListId, ListKind, NatRuleSpec, Object, ObjectKind,
    Policy, PolicyRouteSpec, PublishedServiceSpec, Revision, RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec,
    ZoneSpec,
};
use time::OffsetDateTime;

use super::collection::Collection;
use super::numbers::Numbers;
use crate::{OperationResult, PolicyOperation, Refusal, RefusalReason};

pub(crate) use kind::find;

/// What operations are applied to.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) policy: &'a Policy,
    /// Of the policy.
    pub(crate) revision: Revision,
    pub(crate) lists: &'a BTreeMap<ListId, ListKind>,
    /// Hit counters are below this.
    pub(crate) counter_limit: u32,
    /// What new and changed objects get.
    pub(crate) next_revision: Revision,
    pub(crate) at: OffsetDateTime,
}

/// What a policy became.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) policy: Policy,
    pub(crate) results: Vec<OperationResult>,
}

/// Applies the operations one after the other; references are checked once all are.
pub(crate) fn apply_operations(
    ground: &Ground<'_>,
    operations: Vec<PolicyOperation>,
) -> Result<Draft, Vec<Refusal>> {
    let mut work = Work::new(ground);
    let mut results = Vec::with_capacity(operations.len());
    for (index, operation) in operations.into_iter().enumerate() {
        work.operation = index;
        let (kind, id) = work.apply(operation);
        results.push((kind, id));
    }
    work.finish(results)
}

/// An operation that gave an object what it says, to be checked at the end.
#[derive(Debug)]
struct Said<S: Kind> {
    operation: usize,
    id: Id<S>,
}

#[derive(Debug)]
struct Work<'a> {
    ground: &'a Ground<'a>,
    operation: usize,
    refusals: Vec<Refusal>,
    zone_numbers: Numbers,
    counters: Numbers,
    zones: Kept<ZoneSpec>,
    zone_pairs: Kept<ZonePairSpec>,
    rules: Kept<RuleSpec>,
    services: Kept<ServiceSpec>,
    nat_rules: Kept<NatRuleSpec>,
    published_services: Kept<PublishedServiceSpec>,
    interface_settings: Kept<InterfaceSettingsSpec>,
    routes: Kept<RouteSpec>,
    policy_routes: Kept<PolicyRouteSpec>,
    dns_servers: Kept<DnsServerSpec>,
}

/// The objects of a kind and what was done to them.
#[derive(Debug)]
struct Kept<S: Kind> {
    objects: Collection<S>,
    said: Vec<Said<S>>,
    deleted: Vec<Said<S>>,
}

impl<S: Kind> Kept<S> {
    fn of<'a>(objects: impl IntoIterator<Item = &'a Arc<Object<S>>>) -> Self
    where
        S: 'a,
    {
        Self {
            objects: Collection::of(objects),
            said: Vec::new(),
            deleted: Vec::new(),
        }
    }
}

/// Kind and id of what an operation was about; no id where it was about all, or refused before it had one.
type About = (ObjectKind, String);

impl<'a> Work<'a> {
    fn new(ground: &'a Ground<'a>) -> Self {
        let policy = ground.policy;
        Self {
            ground,
            operation: 0,
            refusals: Vec::new(),
            zone_numbers: Numbers::of_zones(policy),
            counters: Numbers::of_counters(policy, ground.counter_limit, ground.next_revision),
            zones: Kept::of(policy.zones.values()),
            zone_pairs: Kept::of(policy.zone_pairs.values()),
            rules: Kept::of(&policy.rules),
            services: Kept::of(policy.services.values()),
            nat_rules: Kept::of(&policy.nat_rules),
            published_services: Kept::of(policy.published_services.values()),
            interface_settings: Kept::of(policy.interface_settings.values()),
            routes: Kept::of(policy.routes.values()),
            policy_routes: Kept::of(policy.policy_routes.values()),
            dns_servers: Kept::of(policy.dns_servers.values()),
        }
    }

    fn refuse(&mut self, pointer: &str, reason: RefusalReason, detail: impl Into<String>) {
        self.refusals.push(Refusal {
            operation: self.operation,
            pointer: pointer.to_owned(),
            reason,
            detail: detail.into(),
        });
    }

    fn apply(&mut self, operation: PolicyOperation) -> About {
        match operation {
            PolicyOperation::Zone(operation) => self.change(operation),
            PolicyOperation::ZonePair(operation) => self.change(operation),
            PolicyOperation::Rule(operation) => self.change(operation),
            PolicyOperation::Service(operation) => self.change(operation),
            PolicyOperation::NatRule(operation) => self.change(operation),
            PolicyOperation::PublishedService(operation) => self.change(operation),
            PolicyOperation::InterfaceSettings(operation) => self.change(operation),
            PolicyOperation::Route(operation) => self.change(operation),
            PolicyOperation::PolicyRoute(operation) => self.change(operation),
            PolicyOperation::DnsServer(operation) => self.change(operation),
            PolicyOperation::CreateRuleAt { id, spec, placement } => self.create_at(id, spec, &placement),
            PolicyOperation::CreateNatRuleAt { id, spec, placement } => self.create_at(id, spec, &placement),
            PolicyOperation::MoveRule {
                id,
                placement,
                precondition,
            } => self.put_elsewhere::<RuleSpec>(&id, &placement, precondition),
            PolicyOperation::MoveNatRule {
                id,
                placement,
                precondition,
            } => self.put_elsewhere::<NatRuleSpec>(&id, &placement, precondition),
            PolicyOperation::OrderRules { order, precondition } => {
                self.order::<RuleSpec>(order, precondition)
            }
            PolicyOperation::OrderNatRules { order, precondition } => {
                self.order::<NatRuleSpec>(order, precondition)
            }
        }
    }
}
