//! The policy on its way into both back-ends: resolved, compiled, loaded. Only what changed is made anew.

mod compile;
mod load;
mod refresh;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_compile::{CounterId, Inventory, Judge, Lists, NftRuleset, NftSettings, PolicyImages};
use ravelin_model::{AnyObject, Policy, Revision};
use time::OffsetDateTime;

use crate::clock::Now;
use crate::snapshot::Enforced;
use crate::{CommitStep, ControlError, ObjectChange};

/// A step of the wall clock after which schedules are looked at anew.
const CLOCK_STEP: time::Duration = time::Duration::SECOND;

/// The policy as the back-ends have it, and what it was made from.
#[derive(Debug)]
pub(super) struct LivePolicy {
    policy: Arc<Policy>,
    revision: Revision,
    inventory: Arc<Inventory>,
    lists: Arc<Lists>,
    /// When schedules were looked at.
    clock: Now,
    next_change: Option<OffsetDateTime>,
    /// None: it is not enforced.
    force: Option<Force>,
}

/// What enforces it.
#[derive(Debug)]
struct Force {
    enforced: Arc<Enforced>,
    settings: NftSettings,
    nft: Arc<NftRuleset>,
    /// None: nftables does it alone.
    images: Option<Arc<PolicyImages>>,
    /// The same for connections that live already.
    judge: Arc<Judge>,
}

/// Counters that change hands in a commit.
#[derive(Debug, Default)]
pub(super) struct CounterChange {
    /// Come to new objects.
    pub(super) fresh: Vec<CounterId>,
}

impl CounterChange {
    /// Of the changes to objects.
    pub(super) fn of(changes: &[ObjectChange]) -> Self {
        let number = |object: &Option<AnyObject>| object.as_ref().map(AnyObject::number);
        let counted = changes.iter().filter(|change| change.kind.has_counter());
        Self {
            fresh: counted
                .filter(|change| number(&change.before) != number(&change.after))
                .filter_map(|change| number(&change.after))
                .collect(),
        }
    }
}

/// How long the steps of a commit took.
#[derive(Debug, Default)]
pub(crate) struct Steps(pub(crate) Vec<(CommitStep, Duration)>);

impl Steps {
    pub(super) fn took(&mut self, step: CommitStep, since: Instant) {
        self.0.push((step, since.elapsed()));
    }
}

/// A failure named by its step.
pub(super) fn failed(step: CommitStep) -> impl Fn(ControlError) -> ControlError {
    move |source| ControlError::CommitFailed {
        step,
        source: Box::new(source),
    }
}

impl LivePolicy {
    fn not_enforced(policy: Arc<Policy>, revision: Revision, clock: Now) -> Self {
        Self {
            policy,
            revision,
            inventory: Arc::default(),
            lists: Arc::default(),
            clock,
            next_change: None,
            force: None,
        }
    }

    /// What judges connections that live already, where it is enforced.
    pub(super) fn judge(&self) -> Option<&Arc<Judge>> {
        self.force.as_ref().map(|force| &force.judge)
    }

    /// The ruleset, where it is enforced.
    pub(super) fn enforced(&self) -> Option<&Arc<Enforced>> {
        self.force.as_ref().map(|force| &force.enforced)
    }
}
