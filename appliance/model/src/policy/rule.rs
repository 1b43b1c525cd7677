//! Rules: which new connections may be.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::address::AddressMatch;
use super::object::{Id, Kind, Object, ObjectName};
use super::schedule::Schedule;
use super::service::ServiceMatch;
use crate::ZoneId;

/// A rule. Rules are ordered; the first that matches decides.
pub type Rule = Object<RuleSpec>;
/// Id of a rule: `rul_…`.
pub type RuleId = Id<RuleSpec>;

/// What becomes of a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It may be, and so may its replies.
    Accept,
    /// It ends without an answer.
    Drop,
    /// It ends with an answer: TCP a reset, the rest ICMP "administratively prohibited".
    Reject,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Accept, Self::Drop, Self::Reject];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Reject => "reject",
        }
    }
}

/// A zone or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ZoneMatch {
    /// Every zone, `local` included.
    Any,
    /// This one.
    Zone(ZoneId),
}

/// Who shares a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateLimitScope {
    /// All connections the rule matches.
    Rule,
    /// Those from one source address.
    Source,
}

/// Limits how often a rule matches. Over the limit the rule does not match and the next ones decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// New connections a second, at least 1.
    pub rate: u32,
    /// Who shares it.
    pub per: RateLimitScope,
    /// New connections at once before the rate counts, at least 1.
    pub burst: u32,
}

/// What a user says of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    /// Unique.
    pub name: ObjectName,
    /// A rule that is not enabled matches nothing.
    pub enabled: bool,
    /// Where the packet came in.
    pub from: ZoneMatch,
    /// Where it would leave.
    pub to: ZoneMatch,
    /// From whom, before source NAT.
    pub source: AddressMatch,
    /// To whom, after destination NAT.
    pub destination: AddressMatch,
    /// Any of these; empty: everything.
    pub services: Vec<ServiceMatch>,
    /// What becomes of it.
    pub action: Action,
    /// Whether matches are logged.
    pub log: bool,
    /// None: no limit.
    pub rate_limit: Option<RateLimit>,
    /// None: always.
    pub schedule: Option<Schedule>,
    /// The rule matches nothing from then on.
    pub expires_at: Option<OffsetDateTime>,
    /// Free text.
    pub comment: String,
    /// Free words to find it by.
    pub tags: BTreeSet<String>,
}

impl Kind for RuleSpec {
    const PREFIX: &'static str = "rul_";
    const NAME: &'static str = "rule";
    const COLLECTION: &'static str = "rules";
}

/// Where a rule goes; also a NAT rule, among its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement<S: Kind = RuleSpec> {
    /// In front of all.
    First,
    /// Behind all.
    Last,
    /// Right before this one.
    Before(Id<S>),
    /// Right after this one.
    After(Id<S>),
}
