//! What became of a commit, or would.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    DnsServerSpec, InterfaceSettingsSpec, LiveFlows, NatRuleSpec, PolicyRouteSpec, PublishedServiceSpec,
    Reference, RouteSpec, RuleSpec, ServiceSpec, Spec, ZonePairSpec, ZoneSpec,
};

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationResult {
    /// Kind of the object.
    #[schema(example = "rule")]
    pub kind: String,
    /// Its id; empty where the operation was about all of the kind.
    pub id: String,
    /// Its revision now, of one that is gone the commit's; in a dry run that which it would be.
    pub revision: u64,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It says something else, and may have moved too.
    Updated,
    /// It says the same at another place.
    Moved,
    /// It is gone.
    Deleted,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectChange {
    /// Its kind.
    #[schema(example = "rule")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name; missing where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// What happened.
    pub change: ChangeKind,
    /// What it said, as requests would; missing: it is new, or nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub before: Option<Value>,
    /// What it says; missing: it is gone, or nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub after: Option<Value>,
    /// Place among its kind before, from 1, where the kind is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position_before: Option<u64>,
    /// Place after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position_after: Option<u64>,
}

impl ObjectChange {
    /// Of an object before and after, with its places from 0; `in_full` with what it said and says.
    pub fn new(
        before: Option<&model::AnyObject>,
        after: Option<&model::AnyObject>,
        place: (Option<usize>, Option<usize>),
        in_full: bool,
    ) -> Option<Self> {
        let object = after.or(before)?;
        let change = match (before, after) {
            (None, _) => ChangeKind::Created,
            (_, None) => ChangeKind::Deleted,
            (Some(before), Some(after)) if says_the_same(before, after) => ChangeKind::Moved,
            _ => ChangeKind::Updated,
        };
        let position = |index: Option<usize>| index.map(|index| index as u64 + 1);
        Some(Self {
            kind: object.kind().name().to_owned(),
            id: object.id().to_owned(),
            name: object.name().map(str::to_owned),
            change,
            before: before.filter(|_| in_full).map(spec_json),
            after: after.filter(|_| in_full).map(spec_json),
            position_before: position(place.0),
            position_after: position(place.1),
        })
    }
}

fn says_the_same(before: &model::AnyObject, after: &model::AnyObject) -> bool {
    use model::AnyObject::{
        DnsServer, InterfaceSettings, NatRule, PolicyRoute, PublishedService, Route, Rule, Service, Zone,
        ZonePair,
    };
    match (before, after) {
        (Zone(before), Zone(after)) => before.spec == after.spec,
        (ZonePair(before), ZonePair(after)) => before.spec == after.spec,
        (Rule(before), Rule(after)) => before.spec == after.spec,
        (Service(before), Service(after)) => before.spec == after.spec,
        (NatRule(before), NatRule(after)) => before.spec == after.spec,
        (PublishedService(before), PublishedService(after)) => before.spec == after.spec,
        (InterfaceSettings(before), InterfaceSettings(after)) => before.spec == after.spec,
        (Route(before), Route(after)) => before.spec == after.spec,
        (PolicyRoute(before), PolicyRoute(after)) => before.spec == after.spec,
        (DnsServer(before), DnsServer(after)) => before.spec == after.spec,
        _ => false,
    }
}

/// What an object says, as requests would.
fn spec_json(object: &model::AnyObject) -> Value {
    let value = match object {
        model::AnyObject::Zone(object) => serde_json::to_value(ZoneSpec::of(&object.spec)),
        model::AnyObject::ZonePair(object) => serde_json::to_value(ZonePairSpec::of(&object.spec)),
        model::AnyObject::Rule(object) => serde_json::to_value(RuleSpec::of(&object.spec)),
        model::AnyObject::Service(object) => serde_json::to_value(ServiceSpec::of(&object.spec)),
        model::AnyObject::NatRule(object) => serde_json::to_value(NatRuleSpec::of(&object.spec)),
        model::AnyObject::PublishedService(object) => {
            serde_json::to_value(PublishedServiceSpec::of(&object.spec))
        }
        model::AnyObject::InterfaceSettings(object) => {
            serde_json::to_value(InterfaceSettingsSpec::of(&object.spec))
        }
        model::AnyObject::Route(object) => serde_json::to_value(RouteSpec::of(&object.spec)),
        model::AnyObject::PolicyRoute(object) => serde_json::to_value(PolicyRouteSpec::of(&object.spec)),
        model::AnyObject::DnsServer(object) => serde_json::to_value(DnsServerSpec::of(&object.spec)),
    };
    // Strings, numbers and switches only: this cannot fail.
    value.unwrap_or_default()
}

/// Something odd about the policy that is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    /// `warning`, or `info` where it may well be meant.
    #[schema(example = "warning")]
    pub severity: String,
    /// Stable name of what it is.
    #[schema(example = "shadowed")]
    pub code: String,
    /// What it is about.
    pub object: Reference,
    /// Others that have to do with it, such as the rule that shadows.
    pub related: Vec<Reference>,
    /// One sentence for people.
    pub detail: String,
}

/// How long a step of a commit took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitStep {
    /// `validate`, `compile`, `stage`, `hardware`, `load`, `nftables`, `flip`, `read_back`,
    /// `store` or `judge`.
    #[schema(example = "compile")]
    pub step: String,
    /// How long.
    pub duration_ns: u64,
}

/// What became of a commit, or in a dry run would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitReport {
    /// Nothing was stored.
    pub dry_run: bool,
    /// Revision of the policy. Where nothing changed, or in a dry run, the one there was before.
    pub revision: u64,
    /// In the order of the operations.
    pub results: Vec<OperationResult>,
    /// What changed; what objects said and say only in a dry run.
    pub diff: Vec<ObjectChange>,
    /// What there is to say about the policy afterwards.
    pub diagnostics: Vec<Diagnostic>,
    /// Steps that were taken, in order.
    pub steps: Vec<CommitStep>,
    /// What it means for live connections; missing where nothing changed, or where nobody follows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_flows: Option<LiveFlows>,
    /// Why live connections could not be judged; the commit holds all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_flows_problem: Option<String>,
}

/// A commit that waits to be confirmed, or that does no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyState {
    /// Revision of the policy.
    pub revision: u64,
    /// Whether packets are judged by it.
    pub enforced: bool,
    /// Why they are not though they should be, one sentence each.
    pub problems: Vec<String>,
    /// Until when it must be confirmed, or the one before returns; missing: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub confirm_until: Option<crate::Timestamp>,
}
