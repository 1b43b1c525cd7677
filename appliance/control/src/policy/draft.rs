//! What a policy becomes by operations. Every refusal there is comes at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ravelin_model::{
    AnyObject, Id, Kind, LOCAL_ZONE, ListId, ListKind, NatRuleSpec, Object, ObjectKind, ObjectRef, Placement,
    Policy, PublishedServiceSpec, Revision, RuleSpec, ServiceSpec, ZonePairSpec, ZoneSpec,
};
use time::OffsetDateTime;

use super::check::{Checked, Problems, Surroundings};
use super::collection::Collection;
use super::numbers::Numbers;
use super::references::users;
use crate::{
    ControlError, Operation, OperationResult, PolicyOperation, Precondition, Refusal, RefusalReason,
};

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

/// A kind that operations are about.
trait Handled: Checked + PartialEq + Sized {
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

    fn change<S: Handled>(&mut self, operation: Operation<S>) -> About {
        match operation {
            Operation::Create { id, spec } => self.create(id, spec),
            Operation::Replace {
                id,
                spec,
                precondition,
            } => self.replace(id, spec, precondition),
            Operation::Delete { id, precondition } => self.delete(&id, precondition),
        }
    }

    fn create<S: Handled>(&mut self, id: Option<Id<S>>, spec: S) -> About {
        let kept = S::kept(self);
        let id = id.unwrap_or_else(|| kept.objects.make_id());
        let about = (S::KIND, id.to_string());
        if !kept.objects.is_free(&id) {
            self.refuse(
                "/id",
                RefusalReason::IdTaken,
                format!("'{id}' is the id of another object"),
            );
            return about;
        }
        let Some(number) = S::number(self) else {
            let detail = format!(
                "there is no room for another {}",
                S::KIND.name().replace('_', " ")
            );
            self.refuse("", RefusalReason::Full, detail);
            return about;
        };
        let object = Object {
            id: id.clone(),
            number,
            spec,
            updated_at: self.ground.at,
            revision: self.ground.next_revision,
        };
        let operation = self.operation;
        let kept = S::kept(self);
        kept.objects.push(Arc::new(object));
        kept.said.push(Said { operation, id });
        about
    }

    fn create_at<S: Handled>(&mut self, id: Option<Id<S>>, spec: S, placement: &Placement<S>) -> About {
        if !self.has_anchor(placement) {
            return (S::KIND, String::new());
        }
        let (kind, text) = self.create(id, spec);
        if let Ok(id) = text.parse::<Id<S>>()
            && S::kept(self).objects.get(&id).is_some()
        {
            S::kept(self).objects.place(&id, placement);
        }
        (kind, text)
    }

    /// The object at the revision asked for.
    fn existing<S: Handled>(&mut self, id: &Id<S>, precondition: Precondition) -> Option<Arc<Object<S>>> {
        let Some(object) = S::kept(self).objects.get(id).cloned() else {
            let reason = RefusalReason::Unknown {
                kind: S::KIND,
                id: id.to_string(),
            };
            self.refuse(
                "",
                reason,
                format!("there is no {} '{id}'", S::KIND.name().replace('_', " ")),
            );
            return None;
        };
        // One that an operation of the same commit made or changed is as good as at the revision that was read.
        let touched = object.revision == self.ground.next_revision;
        match precondition.check(object.revision) {
            Err(ControlError::Stale { current }) if !touched => {
                let detail = format!("'{id}' is at revision {}", current.0);
                self.refuse("", RefusalReason::Stale { current }, detail);
                None
            }
            _ => Some(object),
        }
    }

    fn replace<S: Handled>(&mut self, id: Id<S>, spec: S, precondition: Precondition) -> About {
        let about = (S::KIND, id.to_string());
        let Some(old) = self.existing(&id, precondition) else {
            return about;
        };
        if old.spec == spec {
            return about;
        }
        let object = Object {
            id: id.clone(),
            number: old.number,
            spec,
            updated_at: self.ground.at,
            revision: self.ground.next_revision,
        };
        let operation = self.operation;
        let kept = S::kept(self);
        kept.objects.replace(Arc::new(object));
        kept.said.push(Said { operation, id });
        about
    }

    fn delete<S: Handled>(&mut self, id: &Id<S>, precondition: Precondition) -> About {
        let about = (S::KIND, id.to_string());
        if self.existing(id, precondition).is_none() {
            return about;
        }
        if S::KIND == ObjectKind::Zone && id.as_str() == LOCAL_ZONE {
            self.refuse(
                "",
                RefusalReason::BuiltIn,
                "the zone 'local' is built in and cannot be deleted",
            );
            return about;
        }
        let operation = self.operation;
        let kept = S::kept(self);
        kept.objects.remove(id);
        kept.deleted.push(Said {
            operation,
            id: id.clone(),
        });
        about
    }

    fn has_anchor<S: Handled>(&mut self, placement: &Placement<S>) -> bool {
        let Some(anchor) = Collection::anchor(placement) else {
            return true;
        };
        if S::kept(self).objects.get(anchor).is_some() {
            return true;
        }
        let pointer = match placement {
            Placement::Before(_) => "/before",
            _ => "/after",
        };
        let detail = format!(
            "names the {} '{anchor}', which does not exist",
            S::KIND.name().replace('_', " ")
        );
        self.refuse(pointer, RefusalReason::BadReference, detail);
        false
    }

    fn put_elsewhere<S: Handled + Clone>(
        &mut self,
        id: &Id<S>,
        placement: &Placement<S>,
        precondition: Precondition,
    ) -> About {
        let about = (S::KIND, id.to_string());
        let Some(object) = self.existing(id, precondition) else {
            return about;
        };
        if self.has_anchor(placement) && S::kept(self).objects.place(id, placement) {
            let moved = Object {
                updated_at: self.ground.at,
                revision: self.ground.next_revision,
                ..(*object).clone()
            };
            S::kept(self).objects.replace(Arc::new(moved));
        }
        about
    }

    fn order<S: Handled>(&mut self, order: Vec<Id<S>>, precondition: Precondition) -> About {
        let about = (S::KIND, String::new());
        if let Err(ControlError::Stale { current }) = precondition.check(self.ground.revision) {
            let detail = format!("the policy is at revision {}", current.0);
            self.refuse("", RefusalReason::Stale { current }, detail);
        } else if S::kept(self).objects.is_order(&order) {
            S::kept(self).objects.set_order(order);
        } else {
            let detail = format!(
                "does not name every {} there is, each once",
                S::KIND.name().replace('_', " ")
            );
            self.refuse("", RefusalReason::Invalid, detail);
        }
        about
    }

    fn finish(mut self, results: Vec<About>) -> Result<Draft, Vec<Refusal>> {
        self.check_said::<ZoneSpec>();
        self.check_said::<ZonePairSpec>();
        self.check_said::<RuleSpec>();
        self.check_said::<ServiceSpec>();
        self.check_said::<NatRuleSpec>();
        self.check_said::<PublishedServiceSpec>();
        self.check_local();
        let Self {
            ground,
            mut refusals,
            zones,
            zone_pairs,
            rules,
            services,
            nat_rules,
            published_services,
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
