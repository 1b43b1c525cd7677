//! Zones nobody reaches, things with nothing in them, rules whose time never comes.

use std::collections::{BTreeMap, BTreeSet};

use ravelin_model::{
    Action, LOCAL_ZONE, ListId, ObjectKind, ObjectRef, Policy, Rule, ServiceId, ServiceMatch, ZoneNumber,
};
use time::OffsetDateTime;

use super::{Diagnostic, DiagnosticCode, Severity, reference, references};
use crate::schedule;
use crate::{Lists, Ruleset};

pub(super) fn diagnose(
    policy: &Policy,
    ruleset: &Ruleset,
    lists: &Lists,
    now: OffsetDateTime,
    diagnostics: &mut Vec<Diagnostic>,
) {
    diagnose_zones(policy, ruleset, diagnostics);
    diagnose_times(policy, now, diagnostics);
    diagnose_empty_lists(policy, lists, diagnostics);
    diagnose_empty_services(policy, diagnostics);
}

fn diagnose_zones(policy: &Policy, ruleset: &Ruleset, diagnostics: &mut Vec<Diagnostic>) {
    let ways = Ways::new(ruleset);
    for (id, zone) in &policy.zones {
        if id.as_str() == LOCAL_ZONE {
            continue;
        }
        let Some(number) = ZoneNumber::new(zone.number) else {
            continue;
        };
        let (severity, detail) = if zone.spec.interfaces.is_empty() {
            (
                Severity::Warning,
                "It has no interfaces: rules that name it match nothing.",
            )
        } else if ways.to.contains(&number) {
            continue;
        } else if ways.from.contains(&number) {
            (
                Severity::Info,
                "Nothing may go to it but what the box itself sends and replies.",
            )
        } else {
            (
                Severity::Warning,
                "Nothing may go to it or come from it but what the box itself sends and replies.",
            )
        };
        diagnostics.push(Diagnostic {
            severity,
            code: DiagnosticCode::UnreachableZone,
            subject: reference(ObjectKind::Zone, id.as_str(), zone.spec.name.as_str()),
            related: Vec::new(),
            detail: detail.to_owned(),
        });
    }
}

/// Zones something may come from or go to, if only from or to one other than themselves. What the box itself sends
/// does not count, but what is sent to it does.
struct Ways {
    from: BTreeSet<ZoneNumber>,
    to: BTreeSet<ZoneNumber>,
}

impl Ways {
    fn new(ruleset: &Ruleset) -> Self {
        let zones = |zone: Option<ZoneNumber>| match zone {
            Some(zone) => vec![zone],
            None => ruleset.zones.keys().copied().collect(),
        };
        // Few of them, however many lines there are.
        let lines: BTreeSet<_> = ruleset
            .lines
            .iter()
            .filter(|line| line.action == Action::Accept)
            .map(|line| (line.from, line.to))
            .collect();
        let by_line = lines
            .into_iter()
            .flat_map(|(from, to)| zones(from).into_iter().map(move |from| (from, to)))
            .flat_map(|(from, to)| zones(to).into_iter().map(move |to| (from, to)));
        let by_default = ruleset
            .defaults
            .iter()
            .filter(|(_, default)| default.action == Action::Accept)
            .map(|(pair, _)| *pair);
        let mut ways = Self {
            from: BTreeSet::new(),
            to: BTreeSet::new(),
        };
        for (from, to) in by_line.chain(by_default) {
            if from != to && from != ZoneNumber::LOCAL {
                ways.from.insert(from);
                ways.to.insert(to);
            }
        }
        ways
    }
}

fn diagnose_times(policy: &Policy, now: OffsetDateTime, diagnostics: &mut Vec<Diagnostic>) {
    for rule in policy.rules.iter().filter(|rule| rule.spec.enabled) {
        let found = match (&rule.spec.expires_at, &rule.spec.schedule) {
            (Some(expires_at), _) if *expires_at <= now => {
                Some((Severity::Info, DiagnosticCode::Expired, "Its time is over."))
            }
            (expires_at, Some(schedule)) if !schedule::is_active(schedule, now) => {
                let never = "Its schedule never begins.";
                let late = "It expires before its schedule begins again.";
                match (schedule::next_change(schedule, now), expires_at) {
                    (None, _) => Some(never),
                    (Some(begins), Some(expires_at)) if *expires_at <= begins => Some(late),
                    _ => None,
                }
                .map(|detail| (Severity::Warning, DiagnosticCode::NeverMatches, detail))
            }
            _ => None,
        };
        diagnostics.extend(found.map(|(severity, code, detail)| Diagnostic {
            severity,
            code,
            subject: rule_reference(rule),
            related: Vec::new(),
            detail: detail.to_owned(),
        }));
    }
}

fn diagnose_empty_lists(policy: &Policy, lists: &Lists, diagnostics: &mut Vec<Diagnostic>) {
    let is_empty = |id: &&ListId| lists.get(*id).is_some_and(|list| list.addresses.is_empty());
    let mut users: BTreeMap<&ListId, Vec<ObjectRef>> = BTreeMap::new();
    for rule in policy.rules.iter().filter(|rule| rule.spec.enabled) {
        for id in rule
            .spec
            .source
            .lists
            .iter()
            .chain(&rule.spec.destination.lists)
            .filter(is_empty)
        {
            users.entry(id).or_default().push(rule_reference(rule));
        }
    }
    for (id, service) in &policy.published_services {
        for list in service.spec.source.lists.iter().filter(is_empty) {
            let user = reference(
                ObjectKind::PublishedService,
                id.as_str(),
                service.spec.name.as_str(),
            );
            users.entry(list).or_default().push(user);
        }
    }
    diagnostics.extend(users.into_iter().map(|(id, users)| Diagnostic {
        severity: Severity::Warning,
        code: DiagnosticCode::EmptyObject,
        subject: reference(ObjectKind::List, id.as_str(), id.as_str()),
        related: references(users),
        detail: "It has no addresses: what names it matches nothing by it.".to_owned(),
    }));
}

fn diagnose_empty_services(policy: &Policy, diagnostics: &mut Vec<Diagnostic>) {
    let mut users: BTreeMap<&ServiceId, Vec<ObjectRef>> = BTreeMap::new();
    let empty: BTreeSet<&ServiceId> = policy
        .services
        .iter()
        .filter(|(_, service)| service.spec.entries.is_empty())
        .map(|(id, _)| id)
        .collect();
    if empty.is_empty() {
        return;
    }
    for rule in &policy.rules {
        for service in &rule.spec.services {
            if let ServiceMatch::Named(id) = service
                && empty.contains(id)
            {
                users.entry(id).or_default().push(rule_reference(rule));
            }
        }
    }
    diagnostics.extend(users.into_iter().filter_map(|(id, users)| {
        let service = policy.services.get(id)?;
        Some(Diagnostic {
            severity: Severity::Warning,
            code: DiagnosticCode::EmptyObject,
            subject: reference(ObjectKind::Service, id.as_str(), service.spec.name.as_str()),
            related: references(users),
            detail: "It has no entries: what names it matches nothing by it.".to_owned(),
        })
    }));
}

fn rule_reference(rule: &Rule) -> ObjectRef {
    reference(ObjectKind::Rule, rule.id.as_str(), rule.spec.name.as_str())
}
