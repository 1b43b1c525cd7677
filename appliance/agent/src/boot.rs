//! What is done once at each boot.

use ravelin_model::chain;
use ravelin_system::boot_choice::BootChoice;
use ravelin_system::status::Trial;
use ravelin_system::update::{Update, UpdateState};
use ravelin_system::{Refusal, RefusalCode, Slot};

use crate::install;
use crate::state::AgentState;

/// Notes what runs and what became of the update before the restart; tells the boot loader that user space runs, unless
/// this boot is a trial.
pub fn note(state: &AgentState) {
    install::clean(&state.config().updates_dir);
    let Some(boot) = state.boot() else {
        tracing::info!("nothing tells of slots: this is no appliance");
        return;
    };
    let Some(slot) = boot.slot else {
        tracing::warn!("the initrd does not say which slot runs");
        return;
    };
    if let Err(error) = state.records().note_running(slot, state.version()) {
        tracing::warn!(%error, "the version that runs cannot be noted");
    }
    let choice = match state.loader().read() {
        Ok(choice) => Some(choice),
        Err(error) => {
            tracing::error!(error = chain(&error), "the boot loader does not say what it does");
            None
        }
    };
    if boot.trial && choice.is_none_or(|choice| choice.good != slot) {
        // Nobody is to see a moment between the start and the first look.
        state.set_trial(Some(Trial {
            slot,
            left_seconds: state.config().trial_seconds,
            waiting_for: Some("nothing was looked at yet".to_owned()),
        }));
    }
    if let Some(update) = state.updates().pending() {
        let outcome = outcome(&update, slot, boot.trial, choice);
        state
            .updates()
            .change(&update.id, true, |update| outcome.note(update));
    }
    if !boot.trial
        && let Err(error) = state.loader().clear_attempts()
    {
        tracing::error!(
            error = chain(&error),
            "the boot loader cannot be told that user space runs"
        );
    }
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// This state, and nothing to say.
    Is(UpdateState),
    /// The old slot runs again.
    RolledBack,
    /// The agent was ended while it worked.
    Interrupted,
}

impl Outcome {
    fn note(self, update: &mut Update) {
        match self {
            Self::Is(state) => update.state = state,
            Self::RolledBack => {
                update.state = UpdateState::RolledBack;
                // A slot that gave up has said why.
                update.reason.get_or_insert_with(|| {
                    "the slot was started once and ended without a word: it did not boot, or lost power"
                        .to_owned()
                });
            }
            Self::Interrupted => {
                update.state = UpdateState::Failed;
                let detail = "the machine or the agent restarted meanwhile";
                update.problem = Some(Refusal::new(RefusalCode::UpdateInterrupted, detail));
            }
        }
    }
}

/// By what runs and what the boot loader would do next.
fn outcome(update: &Update, running: Slot, trial: bool, choice: Option<BootChoice>) -> Outcome {
    if update.state.is_active() {
        return Outcome::Interrupted;
    }
    let good = choice.map(|choice| choice.good);
    let next = choice.and_then(|choice| choice.trial);
    match update.slot {
        Some(slot) if slot == running && good == Some(slot) => Outcome::Is(UpdateState::Good),
        Some(slot) if slot == running && trial => Outcome::Is(UpdateState::OnTrial),
        Some(slot) if slot != running && next == Some(slot) => Outcome::Is(UpdateState::ReadyToBoot),
        _ => Outcome::RolledBack,
    }
}

#[cfg(test)]
mod tests {
    use ravelin_system::update::{UpdateOptions, UpdateSource};
    use time::OffsetDateTime;

    use super::*;

    /// An update of slot b.
    fn update(state: UpdateState) -> Update {
        Update {
            id: "upd_1".to_owned(),
            state,
            source: UpdateSource::Upload,
            options: UpdateOptions::default(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            changed_at: OffsetDateTime::UNIX_EPOCH,
            from_version: None,
            version: None,
            slot: Some(Slot::B),
            received_bytes: 0,
            total_bytes: None,
            written_percent: None,
            problem: None,
            reason: None,
        }
    }

    /// An update of slot b in this state: what became of it where this slot runs, and the boot loader says this.
    #[track_caller]
    fn check(state: UpdateState, running: (Slot, bool), loader: (Slot, Option<Slot>), expected: &Outcome) {
        let update = update(state);
        let choice = BootChoice {
            good: loader.0,
            trial: loader.1,
            bad: None,
            attempts: 0,
        };
        let seen = outcome(&update, running.0, running.1, Some(choice));
        assert_eq!(&seen, expected, "{state:?} {running:?} {loader:?}");
    }

    #[test]
    fn what_became_of_an_update_is_told_by_slot_and_boot_loader() {
        use Slot::{A, B};
        use UpdateState::{Good, OnTrial, ReadyToBoot, Verifying, Writing};
        check(ReadyToBoot, (B, true), (A, None), &Outcome::Is(OnTrial));
        check(OnTrial, (B, true), (A, None), &Outcome::Is(OnTrial));
        check(OnTrial, (B, true), (B, None), &Outcome::Is(Good));
        check(ReadyToBoot, (B, false), (B, None), &Outcome::Is(Good));
        // The agent restarted before the machine did.
        check(ReadyToBoot, (A, false), (A, Some(B)), &Outcome::Is(ReadyToBoot));
        check(ReadyToBoot, (A, false), (A, None), &Outcome::RolledBack);
        check(OnTrial, (A, false), (A, None), &Outcome::RolledBack);
        check(Writing, (A, false), (A, None), &Outcome::Interrupted);
        check(Verifying, (A, false), (A, Some(B)), &Outcome::Interrupted);
    }

    #[test]
    fn a_slot_that_gave_up_has_said_why() {
        let reason = |before: Option<&str>| {
            let mut update = update(UpdateState::OnTrial);
            update.reason = before.map(str::to_owned);
            Outcome::RolledBack.note(&mut update);
            update.reason.expect("a reason")
        };
        assert_eq!(reason(Some("no engine")), "no engine");
        assert!(reason(None).contains("did not boot"));
    }
}
