//! The same policy where something else changed: interfaces, addresses, the time, the table of nftables.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ravelin_model::{Feature, chain};
use time::OffsetDateTime;

use super::{CLOCK_STEP, CounterChange, Steps, failed};
use crate::engine::{Engine, Source, Work};
use crate::snapshot::Snapshot;
use crate::{CommitStep, ControlError};

/// Longest wait, so that a step of the wall clock is not overslept.
const LONGEST: Duration = Duration::from_secs(60);

/// Shortest wait, so that what fails is not tried in a loop.
const SHORTEST: Duration = Duration::from_millis(50);

impl Engine {
    /// Brings the back-ends to the policy where something beside the policy changed: interfaces, addresses, the time.
    /// What fails leaves what was there, and is told; the next reconcile tries again.
    pub(in crate::engine) async fn refresh_policy(&mut self, next: &mut Snapshot) {
        let store = self.store.clone();
        let before = self.live.clone();
        let by_time = self.policy_time_has_come();
        let counters = self.counters.clone();
        let held = counters.hold().await;
        self.steps = Steps::default();
        let mut outcome = self.bring_policy(&mut Source::Store(&store), next).await;
        if let Err(error) = &outcome
            && self.classifies(next)
            && matches!(
                error,
                ControlError::CommitFailed {
                    step: CommitStep::Compile | CommitStep::Load,
                    ..
                }
            )
        {
            // Without the classifier the policy holds as well, only slower.
            let reason = format!("the policy could not be loaded: {}", chain(error));
            next.faults.insert(Feature::PolicyClassifier, reason);
            next.classifying = false;
            outcome = self.bring_policy(&mut Source::Store(&store), next).await;
        }
        drop(held);
        let problems = match &outcome {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!(
                "the policy is not in force as it should be: {}",
                chain(error)
            )],
        };
        let changed = outcome.is_ok() && self.enforces_other_than(before.policy.as_deref());
        if let Err(error) = outcome {
            if next.policy.problems != problems {
                tracing::error!(
                    error = chain(&error),
                    "the policy could not be brought into force"
                );
            }
            self.restore(before, &Work::default()).await;
        }
        let enforced = next.enforced.is_some();
        if next.policy.problems != problems || next.policy.enforced != enforced {
            let view = Arc::make_mut(&mut next.policy);
            view.problems = problems;
            view.enforced = enforced;
        }
        self.tell_judge();
        // An interface that comes late must not cost the connections over it, but what a schedule ends shall end.
        if by_time && changed {
            self.cut_denied(next.revision).await;
        }
    }

    /// Whether the table of nftables is not the one that was made: somebody flushed the ruleset, for example.
    pub(in crate::engine) async fn filter_was_changed(&self) -> bool {
        let force = self.live.policy.as_ref().and_then(|live| live.force.as_ref());
        let Some(force) = force else { return false };
        let wanted = force.nft.revision();
        match self.filter.call(|filter| filter.revision()).await {
            Ok(found) => found != Some(wanted),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the table of nftables could not be read");
                false
            }
        }
    }

    async fn bring_policy(
        &mut self,
        source: &mut Source<'_>,
        next: &mut Snapshot,
    ) -> Result<(), ControlError> {
        let compiled = self.compile_policy(source, next, &BTreeSet::new()).await?;
        if let Some(wanted) = compiled {
            self.load_policy(wanted, &CounterChange::default(), next).await?;
            if self.plane.missing().is_none() {
                self.set_switches(next).await.map_err(failed(CommitStep::Flip))?;
            }
        }
        Ok(())
    }

    /// How long until a schedule or an expiry changes what is in force.
    pub(crate) fn until_policy_change(&self) -> Duration {
        let now = self.policy_config.clock.now();
        let change = self.live.policy.as_ref().and_then(|live| live.next_change);
        let unconfirmed = self.now().policy.unconfirmed;
        let until = |at: OffsetDateTime| Duration::try_from(at - now).unwrap_or_default();
        let change = change.map(until).unwrap_or(LONGEST);
        let confirm = unconfirmed.map_or(LONGEST, |unconfirmed| self.time_to_confirm(unconfirmed));
        change.min(confirm).clamp(SHORTEST, LONGEST)
    }

    /// What is to be done because time went by.
    pub(crate) async fn follow_time(&mut self) {
        self.take_back_overdue().await;
        if self.policy_time_has_come() {
            let mut next = (*self.now()).clone();
            self.refresh_policy(&mut next).await;
            self.publish_state(next).await;
        }
    }

    /// A schedule or an expiry may say something else now than when it was looked at.
    pub(in crate::engine) fn policy_time_has_come(&self) -> bool {
        let now = self.policy_config.clock.read();
        self.live.policy.as_ref().is_some_and(|live| {
            live.force.is_some()
                && (live.next_change.is_some_and(|at| at <= now.wall)
                    || now.stepped_since(&live.clock) > CLOCK_STEP)
        })
    }
}
