//! The machine below the engine, as the agent tells of it.

mod bundle;
mod convert;
mod follow;

use ravelin_api_types::{Problem, ProblemKind, Recovery, System, SystemTrial, UpdateProblem};
use ravelin_system::{Agent, AgentError, Refusal, RefusalCode};
use tokio::sync::watch;

use convert::{system, without_agent};

use crate::failure::Failure;

pub(crate) use bundle::{directory as bundle_name, support_bundle};
pub(crate) use convert::{log_entry, update};
pub use follow::{follow_trial, follow_updates};

/// Seconds after which it is worth asking again.
pub(crate) const RETRY_SECONDS: u64 = 10;

/// The way to the machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Who does what needs the rights of root; where its socket is missing, this is no appliance.
    pub agent: Agent,
    /// Whether the slot that runs has yet to show that it works.
    pub on_trial: watch::Receiver<bool>,
}

impl Machine {
    /// The machine as it is now. Without an agent, what the engine can tell by itself.
    pub(crate) async fn show(&self, recovery: Recovery) -> Result<System, AgentError> {
        let status = match self.agent.status().await {
            Ok(status) => status,
            Err(AgentError::Absent(_)) => return Ok(without_agent(recovery)),
            Err(error) => return Err(error),
        };
        let mut machine = system(status, recovery);
        // The agent knows a moment before changes are taken again.
        if machine.trial.is_none() && *self.on_trial.borrow() {
            machine.trial = machine.booted_slot.map(|slot| SystemTrial {
                slot,
                left_seconds: 0,
                waiting_for: Some("the engine to take changes again".to_owned()),
            });
        }
        Ok(machine)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Absent(_) => Self::new(
                ProblemKind::NotAnAppliance,
                "the engine runs in a container or a lab: there is no agent",
            ),
            AgentError::Refused(refusal) => {
                let kind = kind(refusal.code);
                let failure = Self::new(kind, refusal.detail);
                match kind {
                    ProblemKind::OnTrial => failure.retry_after(RETRY_SECONDS),
                    _ => failure,
                }
            }
            error => {
                let error = ravelin_model::chain(&error);
                tracing::error!(error, "the agent does not do what it is asked for");
                Self::new(
                    ProblemKind::AgentUnavailable,
                    "the log says more under this request id",
                )
                .retry_after(RETRY_SECONDS)
            }
        }
    }
}

/// The kind of problem a refusal of the agent is.
fn kind(code: RefusalCode) -> ProblemKind {
    match code {
        RefusalCode::BadRequest => ProblemKind::InvalidQuery,
        RefusalCode::NotFound => ProblemKind::NotFound,
        RefusalCode::NotAnAppliance => ProblemKind::NotAnAppliance,
        RefusalCode::UpdateInterrupted => ProblemKind::UpdateInterrupted,
        RefusalCode::UpdateReplaced => ProblemKind::UpdateReplaced,
        RefusalCode::UpdateUnderWay => ProblemKind::UpdateUnderWay,
        RefusalCode::OnTrial => ProblemKind::OnTrial,
        RefusalCode::UpdateNotABundle => ProblemKind::UpdateNotABundle,
        RefusalCode::UpdateTruncated => ProblemKind::UpdateTruncated,
        RefusalCode::UpdateUnsigned => ProblemKind::UpdateUnsigned,
        RefusalCode::UpdateUntrusted => ProblemKind::UpdateUntrusted,
        RefusalCode::UpdateIncompatible => ProblemKind::UpdateIncompatible,
        RefusalCode::UpdateNotNewer => ProblemKind::UpdateNotNewer,
        RefusalCode::UpdateChecksum => ProblemKind::UpdateChecksum,
        RefusalCode::UpdateTooLarge => ProblemKind::BodyTooLarge,
        RefusalCode::NoRoom => ProblemKind::DiskFull,
        RefusalCode::UpdateFetch => ProblemKind::UpdateFetchFailed,
        RefusalCode::UpdateWrite => ProblemKind::UpdateWriteFailed,
        RefusalCode::SlotNotWhole => ProblemKind::SlotNotWhole,
        RefusalCode::SlotRuns => ProblemKind::SlotRuns,
        RefusalCode::Internal => ProblemKind::Internal,
    }
}

/// A refusal as part of what became of an update.
fn update_problem(refusal: Refusal) -> UpdateProblem {
    let Problem {
        type_, title, detail, ..
    } = Problem::new(kind(refusal.code), refusal.detail);
    UpdateProblem { type_, title, detail }
}
