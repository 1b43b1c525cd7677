//! The slot on trial: watches it until it is good or the machine goes back.

use std::path::Path;
use std::time::Duration;

use ravelin_model::chain;
use ravelin_system::status::Trial;
use ravelin_system::trial::{Observation, TrialRules, TrialVerdict, TrialWatch, trial_seconds};
use ravelin_system::update::UpdateState;
use ravelin_system::{Refusal, Slot, readings};

use crate::config::Config;
use crate::state::AgentState;
use crate::{checks, keep, power};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Between two attempts to restart, or to tell the boot loader.
const AGAIN: Duration = Duration::from_secs(5);
/// Beside the socket: says to the guard of the trial that there is nothing to guard any more.
const GOOD_FILE: &str = "good";

/// Watches the slot that runs until it is good. One on trial that does not become so in time has the machine restart.
/// One that runs because the good one did not come up stays: there is nothing better to go to.
pub async fn watch(state: AgentState) {
    let (Some(boot), Ok(slot)) = (state.boot(), state.booted()) else {
        return;
    };
    if state.loader().read().is_ok_and(|choice| choice.good == slot) {
        return;
    }
    let deadline = if boot.trial {
        deadline(state.config(), Path::new("/proc/cmdline"))
    } else {
        Duration::MAX
    };
    tracing::info!(%slot, trial = boot.trial, "the slot has to show that it works");
    let mut watch = TrialWatch::new(TrialRules::new(deadline));
    loop {
        let missing = checks::missing(state.config()).await;
        let verdict = watch.observe(Observation {
            uptime: uptime(deadline),
            missing,
        });
        match verdict {
            TrialVerdict::Wait { left, missing } if boot.trial => state.set_trial(Some(Trial {
                slot,
                left_seconds: left.as_secs(),
                waiting_for: missing,
            })),
            TrialVerdict::Wait { .. } => {}
            TrialVerdict::Good => match mark_good(&state, slot) {
                Ok(()) => return,
                // The old slot is still the good one: the deadline ends it.
                Err(problem) => tracing::error!(problem = problem.detail, "the slot cannot be marked good"),
            },
            TrialVerdict::Failed(reason) => give_up(&state, &reason).await,
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The slot that runs is the good one from now on.
pub fn mark_good(state: &AgentState, slot: Slot) -> Result<(), Refusal> {
    state
        .loader()
        .mark_good(slot)
        .map_err(|error| crate::install::boot_loader(&error))?;
    state.set_trial(None);
    if let Err(error) = keep::write(&state.config().socket.with_file_name(GOOD_FILE), b"") {
        tracing::warn!(%error, "the guard of the trial cannot be told");
    }
    tracing::info!(%slot, "the slot is good");
    if let Some(update) = state.updates().pending()
        && update.slot == Some(slot)
    {
        state
            .updates()
            .change(&update.id, true, |update| update.state = UpdateState::Good);
    }
    Ok(())
}

/// Restarts the machine; the boot loader takes the good slot by itself.
async fn give_up(state: &AgentState, reason: &str) {
    tracing::error!(reason, "the slot on trial is given up: the machine restarts");
    if let Some(update) = state.updates().pending() {
        state
            .updates()
            .change(&update.id, true, |update| update.reason = Some(reason.to_owned()));
    }
    while let Err(problem) = power::reboot(state.config()).await {
        tracing::error!(problem = problem.detail, "the machine does not restart");
        tokio::time::sleep(AGAIN).await;
    }
    // The service manager ends this process with the others.
    std::future::pending::<()>().await;
}

/// Time since the start of the kernel. Where that cannot be read, no time is left.
fn uptime(deadline: Duration) -> Duration {
    readings::uptime_seconds(Path::new("/proc"))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(deadline)
}

fn deadline(config: &Config, command_line: &Path) -> Duration {
    let text = std::fs::read_to_string(command_line)
        .inspect_err(|error| {
            tracing::warn!(
                error = chain(error),
                "the command line of the kernel cannot be read"
            )
        })
        .unwrap_or_default();
    Duration::from_secs(trial_seconds(&text).unwrap_or(config.trial_seconds))
}
