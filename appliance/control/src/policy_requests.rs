//! What is asked of the policy and what is answered.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use ravelin_compile::{NatOrigin, Origin};
use ravelin_model::{
    Action, AnyObject, DnsServerSpec, Id, InterfaceSettingsId, InterfaceSettingsSpec, Kind, NatRuleId,
    NatRuleSpec, ObjectKind, ObjectRef, Placement, Policy, PolicyRouteSpec, PolicyVerdict,
    PublishedServiceSpec, Revision, RouteSpec, RuleId, RuleSpec, ServiceSpec, ZoneId, ZonePairSpec, ZoneSpec,
};
use time::OffsetDateTime;

use crate::{AppliedSettings, LiveReport, Precondition};

/// A change to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation<S: Kind> {
    /// Makes one; rules and NAT rules go behind the others.
    Create {
        /// None: Ravelin makes one. Given, so that other operations of the same commit can name it.
        id: Option<Id<S>>,
        /// What it says.
        spec: S,
    },
    /// Has one say something else; id, number and place stay.
    Replace {
        /// Which.
        id: Id<S>,
        /// What it says from now on.
        spec: S,
        /// What it must be at.
        precondition: Precondition,
    },
    /// Deletes one nobody uses.
    Delete {
        /// Which.
        id: Id<S>,
        /// What it must be at.
        precondition: Precondition,
    },
}

/// A change to the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOperation {
    /// To a zone.
    Zone(Operation<ZoneSpec>),
    /// To a zone pair.
    ZonePair(Operation<ZonePairSpec>),
    /// To a rule.
    Rule(Operation<RuleSpec>),
    /// Makes a rule at a place.
    CreateRuleAt {
        /// None: Ravelin makes one.
        id: Option<RuleId>,
        /// What it says.
        spec: RuleSpec,
        /// Where it goes.
        placement: Placement,
    },
    /// Puts a rule elsewhere. Its revision changes.
    MoveRule {
        /// Which.
        id: RuleId,
        /// Where to.
        placement: Placement,
        /// What it must be at.
        precondition: Precondition,
    },
    /// Puts all rules in order. Revisions of rules do not change.
    OrderRules {
        /// Every rule there is, once.
        order: Vec<RuleId>,
        /// [`PolicyView::revision`].
        precondition: Precondition,
    },
    /// To a service.
    Service(Operation<ServiceSpec>),
    /// To a NAT rule.
    NatRule(Operation<NatRuleSpec>),
    /// Makes a NAT rule at a place.
    CreateNatRuleAt {
        /// None: Ravelin makes one.
        id: Option<NatRuleId>,
        /// What it says.
        spec: NatRuleSpec,
        /// Where it goes.
        placement: Placement<NatRuleSpec>,
    },
    /// Puts a NAT rule elsewhere.
    MoveNatRule {
        /// Which.
        id: NatRuleId,
        /// Where to.
        placement: Placement<NatRuleSpec>,
        /// What it must be at.
        precondition: Precondition,
    },
    /// Puts all NAT rules in order.
    OrderNatRules {
        /// Every NAT rule there is, once.
        order: Vec<NatRuleId>,
        /// [`PolicyView::revision`].
        precondition: Precondition,
    },
    /// To a published service.
    PublishedService(Operation<PublishedServiceSpec>),
    /// To the settings of an interface.
    InterfaceSettings(Operation<InterfaceSettingsSpec>),
    /// To a static route.
    Route(Operation<RouteSpec>),
    /// To a policy route.
    PolicyRoute(Operation<PolicyRouteSpec>),
    /// To a DNS server.
    DnsServer(Operation<DnsServerSpec>),
}

/// The connection a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerConnection {
    /// Who called.
    pub peer: SocketAddr,
    /// Address of this box it called, where that is known.
    pub local_address: Option<IpAddr>,
    /// TCP port of this box it called.
    pub local_port: u16,
}

/// How to commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitOptions {
    /// Check and compile only.
    pub dry_run: bool,
    /// The old policy returns unless the new one is confirmed within this time.
    pub confirm_within: Option<Duration>,
    /// Where the request came from over the network; None for local ones, which nothing can lock out.
    pub caller: Option<CallerConnection>,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationResult {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Its id; empty where the operation was about all of the kind.
    pub id: String,
    /// Its revision now; where it is gone, that of the commit.
    pub revision: Revision,
}

/// A commit that is done, or would be.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Revision of the policy. Where the operations changed nothing, or in a dry run, the one there was before.
    pub revision: Revision,
    /// In the order of the operations. In a dry run, objects have the revision they would get.
    pub results: Vec<OperationResult>,
    /// What changed.
    pub changes: Vec<ObjectChange>,
    /// What there is to say about the policy.
    pub diagnostics: Arc<[Diagnostic]>,
    /// The policy after it.
    pub policy: Arc<PolicyView>,
    /// How long each step took, in order.
    pub steps: Vec<(CommitStep, Duration)>,
    /// What it meant for live connections, or would.
    pub live_flows: LiveReport,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectChange {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id.
    pub id: String,
    /// What it was; None: it is new.
    pub before: Option<AnyObject>,
    /// What it is; None: it is gone.
    pub after: Option<AnyObject>,
    /// Place among its kind before and after, from 0, where its kind is ordered and it was or is there.
    pub place: (Option<usize>, Option<usize>),
}

/// A step of a commit, in the order they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitStep {
    /// Operations are applied and checked.
    Validate,
    /// Rules become images.
    Compile,
    /// The transaction is written, but not committed.
    Stage,
    /// Network cards are set, and asked what came of it.
    Hardware,
    /// The nftables transaction.
    Nftables,
    /// The images go into the idle rows of the maps, which then become the live ones.
    Load,
    /// The switches of eBPF are set, where they change.
    Flip,
    /// Both back-ends are asked what they enforce.
    ReadBack,
    /// Links, addresses and routes are set, and the kernel is asked what came of it.
    Network,
    /// The transaction is committed.
    Store,
    /// Live connections are judged, and those that are denied ended. Its failure does not undo the commit.
    Judge,
}

impl CommitStep {
    /// Its name in answers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Compile => "compile",
            Self::Stage => "stage",
            Self::Hardware => "hardware",
            Self::Load => "load",
            Self::Nftables => "nftables",
            Self::Flip => "flip",
            Self::ReadBack => "read_back",
            Self::Network => "network",
            Self::Store => "store",
            Self::Judge => "judge",
        }
    }
}

/// A commit that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The commit.
    pub revision: Revision,
    /// What returns.
    pub previous: Revision,
    /// When.
    pub until: OffsetDateTime,
}

/// The policy as it is stored and in force.
#[derive(Debug, Clone)]
pub struct PolicyView {
    /// The objects.
    pub policy: Arc<Policy>,
    /// Of the last change to any object.
    pub revision: Revision,
    /// Whether packets are judged by it.
    pub enforced: bool,
    /// Why it is not enforced though it should be, one sentence each.
    pub problems: Vec<String>,
    /// A commit that waits to be confirmed.
    pub unconfirmed: Option<Unconfirmed>,
    /// What there is to say about it.
    pub diagnostics: Arc<[Diagnostic]>,
    /// How settings of interfaces are doing.
    pub applied: Arc<BTreeMap<InterfaceSettingsId, AppliedSettings>>,
}

/// Something odd about the policy that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `warning`, or `info` where it may well be meant.
    pub severity: &'static str,
    /// Stable name of what it is: `shadowed`, `redundant`, …
    pub code: &'static str,
    /// What it is about.
    pub object: ObjectRef,
    /// Others that have to do with it, e.g. the rule that shadows.
    pub related: Vec<ObjectRef>,
    /// One sentence for people.
    pub detail: String,
}

/// What a counter counted since its object was made, through commits, restarts and reboots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// Packets, of both directions of the connections.
    pub packets: u64,
    /// Bytes, from the IP header on.
    pub bytes: u64,
    /// When a count was last seen to grow, within five seconds; None: never.
    pub last_hit_at: Option<OffsetDateTime>,
}

/// Where a simulated packet comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimulationSource {
    /// In by this interface.
    Interface(String),
    /// From this zone; the loaded program is asked with the first interface of the zone that exists.
    Zone(ZoneId),
}

/// A packet to simulate: the first of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulationQuery {
    /// Where it comes from.
    pub from: SimulationSource,
    /// Where it would leave; None: by the routes.
    pub to: Option<ZoneId>,
    /// From.
    pub source: IpAddr,
    /// To, as sent: before translation.
    pub destination: IpAddr,
    /// IANA number.
    pub protocol: u8,
    /// Where the protocol has ports.
    pub source_port: u16,
    /// Where the protocol has ports.
    pub destination_port: u16,
    /// Type and code, where it is ICMP or ICMPv6.
    pub icmp: (u8, u8),
}

/// A zone in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneRef {
    /// Its id.
    pub id: ZoneId,
    /// Its name.
    pub name: String,
}

/// Destination translation of a simulated packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedTranslation {
    /// Who translates.
    pub origin: NatOrigin,
    /// Destination after it.
    pub destination: IpAddr,
    /// Port after it.
    pub destination_port: u16,
}

/// What the reference says of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceVerdict {
    /// What becomes of it.
    pub action: Action,
    /// Which line decides.
    pub origin: Origin,
}

/// What the loaded program says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramVerdict {
    /// What becomes of it; None: the program leaves it to nftables.
    pub action: Option<Action>,
    /// The line it counts on, where it decides.
    pub origin: Option<Origin>,
    /// Zone it would leave by, as the program sees it.
    pub to: Option<ZoneRef>,
    /// Destination and port after translation.
    pub destination: (IpAddr, u16),
}

/// Why a line did not match, or that it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consideration {
    /// The line.
    pub origin: Origin,
    /// Whether it decided.
    pub matched: bool,
    /// Why not, e.g. `source is not in 10.0.0.0/8`.
    pub mismatch: Option<String>,
}

/// What would become of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// What becomes of it.
    pub action: Action,
    /// Which line decides.
    pub origin: Origin,
    /// Where it comes in.
    pub from: ZoneRef,
    /// Where it would leave.
    pub to: ZoneRef,
    /// Destination translation.
    pub translation: Option<SimulatedTranslation>,
    /// What the loaded program says; None where there is none to ask, `by_program_missing` says why.
    pub by_program: Option<ProgramVerdict>,
    /// Why the program was not asked.
    pub by_program_missing: Option<String>,
    /// What the reference says.
    pub by_reference: ReferenceVerdict,
    /// Whether both say the same; a program that leaves the packet to nftables says nothing else.
    pub agree: bool,
    /// Every line that was looked at, up to the one that decided.
    pub explanation: Vec<Consideration>,
    /// Revision of the policy.
    pub revision: Revision,
}

/// Which verdicts to show, newest first. Everything given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerdictQuery {
    /// Not older.
    pub since: Option<OffsetDateTime>,
    /// From or to an address in this network.
    pub address: Option<ipnet::IpNet>,
    /// From or to this zone.
    pub zone: Option<ZoneId>,
    /// Decided by this rule.
    pub rule: Option<RuleId>,
    /// With this action.
    pub action: Option<Action>,
    /// Older than the one with this number.
    pub before: Option<u64>,
    /// At most so many, 1..=1000.
    pub limit: u32,
}

/// A verdict with its number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedVerdict {
    /// Grows with every verdict.
    pub number: u64,
    /// When it was heard of.
    pub at: OffsetDateTime,
    /// The verdict.
    pub verdict: PolicyVerdict,
}

/// A page of verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerdictPage {
    /// Newest first.
    pub items: Vec<LoggedVerdict>,
    /// Where the next page starts: [`VerdictQuery::before`]; None: this was the last.
    pub next: Option<u64>,
}

/// A change to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionInfo {
    /// Its number.
    pub revision: Revision,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: crate::Actor,
    /// One sentence.
    pub summary: String,
    /// Whether objects of the policy changed.
    pub policy: bool,
}

/// A page of revisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevisionPage {
    /// Newest first.
    pub items: Vec<RevisionInfo>,
    /// Older than this one is on the next page; None: this was the last.
    pub next: Option<Revision>,
}

/// What an operation was refused for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// 404: there is no such object.
    Unknown {
        /// Of this kind …
        kind: ObjectKind,
        /// … with this id.
        id: String,
    },
    /// 412: it is at another revision.
    Stale {
        /// What an If-Match would have to say.
        current: Revision,
    },
    /// 409: objects that name it.
    InUse {
        /// Who.
        users: Vec<ObjectRef>,
    },
    /// 409: another object of the kind has the name, or says what only one may say.
    Taken {
        /// Who.
        by: ObjectRef,
    },
    /// 409: there is an object with the id.
    IdTaken,
    /// 409: it is built in, and cannot be deleted or made to say that.
    BuiltIn,
    /// 422: it names something that does not exist.
    BadReference,
    /// 422: it says what cannot be.
    Invalid,
    /// 507: there is no number left for one more.
    Full,
}

impl RefusalReason {
    /// Stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Stale { .. } => "stale",
            Self::InUse { .. } => "in_use",
            Self::Taken { .. } => "taken",
            Self::IdTaken => "id_taken",
            Self::BuiltIn => "built_in",
            Self::BadReference => "bad_reference",
            Self::Invalid => "invalid",
            Self::Full => "full",
        }
    }
}

/// An operation that was refused, or a part of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Position of the operation in the request, from 0.
    pub operation: usize,
    /// Place in the object's JSON (RFC 6901), e.g. `/source/lists/0`; empty: the whole object.
    pub pointer: String,
    /// Why.
    pub reason: RefusalReason,
    /// The same for people, to follow the name of the place.
    pub detail: String,
}

/// Figures for the metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyMetrics {
    /// What rules and defaults counted, by action, zone from and zone to; None: any or none.
    pub hits: Vec<(Action, Option<ZoneRef>, Option<ZoneRef>, Hits)>,
    /// Compilations and the time they took together.
    pub compilations: (u64, Duration),
    /// Commits and the time they took together, from request to read-back.
    pub commits: (u64, Duration),
    /// The last commit.
    pub last_commit: Duration,
    /// Commits that failed and left the old policy in force.
    pub failed_commits: u64,
    /// Times live connections were judged, and the time it took together.
    pub judgements: (u64, Duration),
    /// Times that failed.
    pub failed_judgements: u64,
    /// Connections the policy ended.
    pub cut_connections: u64,
    /// Simulations in which program and reference differed.
    pub simulation_differences: u64,
    /// Verdicts that were neither stored nor sent to the stream.
    pub verdicts_lost: u64,
}
