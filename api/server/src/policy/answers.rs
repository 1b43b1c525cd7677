//! Answers of control as the API shows them.

use std::net::IpAddr;

use ravelin_api_types as types;
use ravelin_api_types::{
    CommitReport, CommitStep, ConsideredLine, Diagnostic, LiveFlows, ObjectChange, OperationResult,
    PolicyLine, Reference, References, RuleHits, SimulatedTranslation, SimulatedVerdict, Simulation,
    Timestamp, ZoneReference,
};
use ravelin_control::{Committed, Hits, LiveReport, NatOrigin, Origin};
use ravelin_model::{ObjectKind, ObjectRef, Policy};

use super::{Placed, Resource};
use crate::failure::Failure;
use crate::state::AppState;

/// Objects as answers show them, with what they caught.
pub(crate) async fn shown<R: Resource>(
    state: &AppState,
    policy: &Policy,
    objects: &[Placed<R>],
) -> Result<Vec<R::Shown>, Failure> {
    let caught = if R::KIND.has_counter() {
        let numbers: Vec<u32> = objects.iter().map(|(_, object)| object.number).collect();
        state.control().rule_hits(&numbers).await?
    } else {
        Vec::new()
    };
    let caught = caught
        .into_iter()
        .map(hits)
        .chain(std::iter::repeat(RuleHits::default()));
    let view = state.control().policy();
    let objects = objects.iter().zip(caught);
    let shown = objects.map(|((place, object), hits)| {
        let mut shown = R::show(*place, object, policy, hits);
        R::observe(&mut shown, &object.id, &view);
        shown
    });
    Ok(shown.collect())
}

/// What a counter caught.
pub(crate) fn hits(hits: Hits) -> RuleHits {
    let Hits {
        packets,
        bytes,
        last_hit_at,
    } = hits;
    RuleHits {
        packets,
        bytes,
        last_hit_at: last_hit_at.map(Timestamp),
    }
}

/// Who uses an object.
pub(crate) async fn references(
    state: &AppState,
    kind: ObjectKind,
    id: &str,
) -> Result<axum::Json<References>, Failure> {
    let users = state.control().references(kind, id).await?;
    Ok(axum::Json(References {
        items: users.into_iter().map(Reference::from).collect(),
    }))
}

/// What became of a commit.
pub(crate) fn report(committed: Committed, dry_run: bool) -> CommitReport {
    let Committed {
        revision,
        results,
        changes,
        diagnostics,
        policy: _,
        steps,
        live_flows,
    } = committed;
    let (live_flows, live_flows_problem) = live(live_flows);
    let result = |result: ravelin_control::OperationResult| OperationResult {
        kind: result.kind.name().to_owned(),
        id: result.id,
        revision: result.revision.0,
    };
    let step = |(step, duration): (ravelin_control::CommitStep, std::time::Duration)| CommitStep {
        step: step.name().to_owned(),
        duration_ns: u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX),
    };
    CommitReport {
        dry_run,
        revision: revision.0,
        results: results.into_iter().map(result).collect(),
        diff: changes
            .iter()
            .filter_map(|object| change(object, dry_run))
            .collect(),
        diagnostics: diagnostics.iter().map(diagnostic).collect(),
        steps: steps.into_iter().map(step).collect(),
        live_flows,
        live_flows_problem,
    }
}

/// What a change means for live connections, or why that is not known.
pub(crate) fn live(report: LiveReport) -> (Option<LiveFlows>, Option<String>) {
    match report {
        LiveReport::NotJudged => (None, None),
        LiveReport::Judged(flows) => (Some(flows.into()), None),
        LiveReport::Failed(problem) => (None, Some(problem)),
    }
}

/// What happened to an object, `in_full` with what it said and says.
pub(crate) fn change(change: &ravelin_control::ObjectChange, in_full: bool) -> Option<ObjectChange> {
    let ravelin_control::ObjectChange {
        kind: _,
        id: _,
        before,
        after,
        place,
    } = change;
    ObjectChange::new(before.as_ref(), after.as_ref(), *place, in_full)
}

/// Something odd about the policy.
pub(crate) fn diagnostic(diagnostic: &ravelin_control::Diagnostic) -> Diagnostic {
    let ravelin_control::Diagnostic {
        severity,
        code,
        object,
        related,
        detail,
    } = diagnostic;
    Diagnostic {
        severity: (*severity).to_owned(),
        code: (*code).to_owned(),
        object: object.clone().into(),
        related: related.iter().cloned().map(Into::into).collect(),
        detail: detail.clone(),
    }
}

/// What would become of a packet; the policy says the names.
pub(crate) fn simulation(simulation: ravelin_control::Simulation, policy: &Policy) -> Simulation {
    let ravelin_control::Simulation {
        action,
        origin,
        from,
        to,
        translation,
        by_program,
        by_program_missing,
        by_reference,
        agree,
        explanation,
        revision,
    } = simulation;
    let decided_by = line(&origin, policy);
    let rule = match &origin {
        Origin::Rule(id) => Some(Reference::from(ObjectRef {
            kind: ObjectKind::Rule,
            id: id.to_string(),
            name: decided_by.origin_name.clone().unwrap_or_default(),
        })),
        _ => None,
    };
    let considered = |considered: ravelin_control::Consideration| ConsideredLine {
        line: line(&considered.origin, policy),
        matched: considered.matched,
        why_not: considered.mismatch,
    };
    Simulation {
        verdict: action.into(),
        reason: decided_by.origin.clone(),
        rule,
        decided_by,
        from_zone: zone(from),
        to_zone: zone(to),
        translation: translation.map(translated),
        by_program: by_program.map(|verdict| program(verdict, policy)),
        by_program_missing,
        by_reference: SimulatedVerdict {
            verdict: Some(by_reference.action.into()),
            decided_by: Some(line(&by_reference.origin, policy)),
            to_zone: None,
            destination: None,
            destination_port: None,
        },
        agree,
        considered: explanation.into_iter().map(considered).collect(),
        revision: revision.0,
    }
}

fn program(verdict: ravelin_control::ProgramVerdict, policy: &Policy) -> SimulatedVerdict {
    let ravelin_control::ProgramVerdict {
        action,
        origin,
        to,
        destination,
    } = verdict;
    let (address, port): (IpAddr, u16) = destination;
    SimulatedVerdict {
        verdict: action.map(Into::into),
        decided_by: origin.map(|origin| line(&origin, policy)),
        to_zone: to.map(zone),
        destination: Some(address),
        destination_port: Some(port),
    }
}

fn zone(zone: ravelin_control::ZoneRef) -> ZoneReference {
    let ravelin_control::ZoneRef { id, name } = zone;
    ZoneReference {
        id: id.to_string(),
        name,
    }
}

fn translated(translation: ravelin_control::SimulatedTranslation) -> SimulatedTranslation {
    let ravelin_control::SimulatedTranslation {
        origin,
        destination,
        destination_port,
    } = translation;
    let (origin, origin_id) = match origin {
        NatOrigin::NatRule(id) => (ObjectKind::NatRule, id.to_string()),
        NatOrigin::PublishedService(id) => (ObjectKind::PublishedService, id.to_string()),
    };
    SimulatedTranslation {
        origin: origin.name().to_owned(),
        origin_id,
        destination,
        destination_port,
    }
}

/// A line of the policy, with its name where it has one.
fn line(origin: &Origin, policy: &Policy) -> PolicyLine {
    let (origin, id, name) = match origin {
        Origin::AntiLockout => ("anti_lockout", None, None),
        Origin::UnwrittenPair => ("unwritten_pair", None, None),
        Origin::ZonePair(id) => (ObjectKind::ZonePair.name(), Some(id.to_string()), None),
        Origin::Rule(id) => {
            let name = types::RuleSpec::find(policy, id).map(|(_, rule)| rule.spec.name.to_string());
            (ObjectKind::Rule.name(), Some(id.to_string()), name)
        }
        Origin::PublishedService(id) => {
            let service = policy.published_services.get(id);
            let name = service.map(|service| service.spec.name.to_string());
            (ObjectKind::PublishedService.name(), Some(id.to_string()), name)
        }
    };
    PolicyLine {
        origin: origin.to_owned(),
        origin_id: id,
        origin_name: name,
    }
}
