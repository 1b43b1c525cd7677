//! What is odd about a policy though it is no error.

mod extent;
mod index;
mod line;
mod object;
mod service;
mod translation;

use std::collections::{BTreeSet, HashMap};

use ravelin_model::{ObjectKind, ObjectRef, Policy};
use time::OffsetDateTime;

use crate::{Lists, NatOrigin, Origin, Ruleset};

/// Most diagnostics that are told one by one.
pub const DIAGNOSTICS_MAX: usize = 1000;

/// What is odd about a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnosis {
    /// Warnings first, then by what they are about; at most [`DIAGNOSTICS_MAX`].
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there are.
    pub more: usize,
}

/// Something odd about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How odd.
    pub severity: Severity,
    /// What it is.
    pub code: DiagnosticCode,
    /// What it is about.
    pub subject: ObjectRef,
    /// Others that have to do with it, such as the rules that shadow.
    pub related: Vec<ObjectRef>,
    /// One sentence for people.
    pub detail: String,
}

/// How odd something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody meant something else.
    Warning,
    /// May well be meant.
    Info,
}

impl Severity {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What can be odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiagnosticCode {
    /// A rule or translation that never decides: what is in front of it decides everything, at least partly
    /// differently.
    Shadowed,
    /// A rule that never decides, but what is in front of it does the same.
    Redundant,
    /// A rule that covers one in front of it whose action is another: an exception and its rule, or a mistake.
    Generalisation,
    /// A published service nobody reaches: a rule or another translation in front of it decides everything.
    PublishedServiceShadowed,
    /// A zone without interfaces, or one that nothing may go to.
    UnreachableZone,
    /// A list or a service that is used and has nothing in it.
    EmptyObject,
    /// A rule that fits no packet, or whose schedule never begins.
    NeverMatches,
    /// A rule whose time is over.
    Expired,
}

impl DiagnosticCode {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shadowed => "shadowed",
            Self::Redundant => "redundant",
            Self::Generalisation => "generalisation",
            Self::PublishedServiceShadowed => "published_service_shadowed",
            Self::UnreachableZone => "unreachable_zone",
            Self::EmptyObject => "empty_object",
            Self::NeverMatches => "never_matches",
            Self::Expired => "expired",
        }
    }
}

/// What is odd about the policy whose ruleset at `now` this is. Rules that are not in force are not compared with
/// others.
///
/// Tells only what is certain, not all there is: lines are compared one with another, and along one side's addresses
/// with several together, and no line with more than some hundred others, so that the time grows with their number
/// and not with its square.
pub fn diagnose(policy: &Policy, ruleset: &Ruleset, lists: &Lists, now: OffsetDateTime) -> Diagnosis {
    let names = Names::new(policy);
    let mut diagnostics = Vec::new();
    object::diagnose(policy, ruleset, lists, now, &mut diagnostics);
    line::diagnose(ruleset, &names, &mut diagnostics);
    translation::diagnose(ruleset, &names, &mut diagnostics);
    diagnostics.sort_by(|a, b| (a.severity, &a.subject, a.code).cmp(&(b.severity, &b.subject, b.code)));
    let more = diagnostics.len().saturating_sub(DIAGNOSTICS_MAX);
    diagnostics.truncate(DIAGNOSTICS_MAX);
    Diagnosis { diagnostics, more }
}

/// References to what lines and translations come from.
struct Names<'a> {
    policy: &'a Policy,
    rules: HashMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    fn new(policy: &'a Policy) -> Self {
        let rules = policy.rules.iter();
        Self {
            policy,
            rules: rules
                .map(|rule| (rule.id.as_str(), rule.spec.name.as_str()))
                .collect(),
        }
    }

    /// None: it is no object.
    fn of(&self, origin: &Origin) -> Option<ObjectRef> {
        match origin {
            Origin::Rule(id) => {
                let name = self.rules.get(id.as_str()).copied().unwrap_or(id.as_str());
                Some(reference(ObjectKind::Rule, id.as_str(), name))
            }
            Origin::PublishedService(id) => Some(self.published_service(id)),
            Origin::ZonePair(id) => Some(reference(ObjectKind::ZonePair, id.as_str(), id.as_str())),
            Origin::AntiLockout | Origin::UnwrittenPair => None,
        }
    }

    fn of_translation(&self, origin: &NatOrigin) -> ObjectRef {
        match origin {
            NatOrigin::NatRule(id) => {
                let rule = self.policy.nat_rules.iter().find(|rule| rule.id == *id);
                let name = rule.map_or(id.as_str(), |rule| rule.spec.name.as_str());
                reference(ObjectKind::NatRule, id.as_str(), name)
            }
            NatOrigin::PublishedService(id) => self.published_service(id),
        }
    }

    fn published_service(&self, id: &ravelin_model::PublishedServiceId) -> ObjectRef {
        let service = self.policy.published_services.get(id);
        let name = service.map_or(id.as_str(), |service| service.spec.name.as_str());
        reference(ObjectKind::PublishedService, id.as_str(), name)
    }
}

fn reference(kind: ObjectKind, id: &str, name: &str) -> ObjectRef {
    ObjectRef {
        kind,
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

/// Each of them once, in order; no more than a reader takes in.
fn references(found: impl IntoIterator<Item = ObjectRef>) -> Vec<ObjectRef> {
    const RELATED_MAX: usize = 8;
    let found: BTreeSet<ObjectRef> = found.into_iter().collect();
    found.into_iter().take(RELATED_MAX).collect()
}
