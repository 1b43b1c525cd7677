//! Connections and what is left of them, as the API shows them.

use ravelin_api_types::{
    Flow, FlowEnd, FlowKillReport, FlowRate, FlowRecord, FlowTranslation, PolicyLine, ProblemKind, RuleSpec,
    Timestamp, ZoneReference,
};
use ravelin_flows::FlowsError;
use ravelin_flows::live::{FlowView, Killed};
use ravelin_flows::records::StoredFlowRecord;
use ravelin_model::{Policy, VerdictLine, chain};
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::policy::Resource;

/// A connection; the policy says the names.
pub(crate) fn flow(view: FlowView, policy: &Policy, now: OffsetDateTime) -> Flow {
    let FlowView {
        id,
        original,
        reply,
        state,
        status,
        from,
        to,
        started_at,
        idle,
        counts,
        rate,
        line: decided,
        mark,
        timeout_seconds,
        offload,
        offload_reason,
    } = view;
    let age = started_at.map(|started| (now - started).whole_seconds());
    Flow {
        id: id.to_string(),
        protocol: original.protocol,
        nat: FlowTranslation::of(&original, &reply),
        original: original.into(),
        reply: reply.into(),
        state: state.name().to_owned(),
        status: Flow::status(status),
        from: from.map(end),
        to: to.map(end),
        conntrack_zone: id.zone,
        started_at: started_at.map(Timestamp),
        age_seconds: age.map(|seconds| u64::try_from(seconds).unwrap_or(0)),
        idle_seconds: idle.map(|idle| idle.as_secs()),
        timeout_seconds,
        counts: counts.map(Into::into),
        rate: rate.map(self::rate),
        line: decided.map(|decided| line(&decided, policy)),
        mark,
        offload: offload.name().to_owned(),
        offload_reason,
    }
}

/// Connections that were ended.
pub(crate) fn report(killed: Killed, dry_run: bool, policy: &Policy) -> FlowKillReport {
    let Killed {
        matched,
        killed,
        sample,
    } = killed;
    let now = OffsetDateTime::now_utc();
    FlowKillReport {
        dry_run,
        matched,
        killed,
        sample: sample.into_iter().map(|view| flow(view, policy, now)).collect(),
    }
}

/// What is left of a connection; the policy says the names.
pub(crate) fn record(stored: StoredFlowRecord, policy: &Policy) -> FlowRecord {
    let StoredFlowRecord { number, record } = stored;
    let decided = record.line.as_ref().map(|decided| line(decided, policy));
    FlowRecord::new(number, record, decided)
}

fn end(end: ravelin_flows::live::FlowEnd) -> FlowEnd {
    let ravelin_flows::live::FlowEnd { zone, interface } = end;
    FlowEnd {
        zone: zone.map(|(id, name)| ZoneReference {
            id: id.to_string(),
            name,
        }),
        interface,
    }
}

fn rate(rate: ravelin_flows::live::FlowRate) -> FlowRate {
    let ravelin_flows::live::FlowRate {
        bits_per_second: [original_bps, reply_bps],
        window,
    } = rate;
    FlowRate {
        original_bps,
        reply_bps,
        window_ms: u64::try_from(window.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A line of the policy, with its name where it has one.
fn line(line: &VerdictLine, policy: &Policy) -> PolicyLine {
    let name = match line {
        VerdictLine::Rule(id) => RuleSpec::find(policy, id).map(|(_, rule)| rule.spec.name.to_string()),
        VerdictLine::PublishedService(id) => {
            let service = policy.published_services.get(id);
            service.map(|service| service.spec.name.to_string())
        }
        _ => None,
    };
    PolicyLine {
        origin: line.name().to_owned(),
        origin_id: line.id().map(str::to_owned),
        origin_name: name,
    }
}

impl From<FlowsError> for Failure {
    fn from(error: FlowsError) -> Self {
        match &error {
            FlowsError::Busy => Self::new(ProblemKind::Busy, error.to_string()).retry_after(1),
            FlowsError::NoConntrack => Self::new(ProblemKind::DatapathUnavailable, error.to_string()),
            FlowsError::Ended => Self::new(ProblemKind::ShuttingDown, error.to_string()).retry_after(5),
            FlowsError::Read(_) | FlowsError::Kernel(_) | FlowsError::Records(_) => {
                tracing::error!(error = chain(&error), "a request about connections failed inside");
                let detail = "connections cannot be asked for; the log says more under this request id";
                Self::new(ProblemKind::Internal, detail)
            }
        }
    }
}
