//! What the engine goes by where its store was of no use: told by the daemon, ended by an operator.

use ravelin_model::{Event, Recovery, RecoveryState, Revision};
use tokio::sync::watch;

use crate::{Actor, ControlError, ControlHandle};

impl ControlHandle {
    /// What the engine goes by.
    pub fn recovery(&self) -> Recovery {
        self.recovery.borrow().clone()
    }

    /// The same as it changes.
    pub fn watch_recovery(&self) -> watch::Receiver<Recovery> {
        self.recovery.subscribe()
    }

    /// Tells everybody what the engine goes by.
    pub fn begin_recovery(&self, recovery: Recovery) {
        if *self.recovery.borrow() == recovery {
            return;
        }
        self.recovery.send_replace(recovery.clone());
        self.hub.publish(Event::RecoveryChanged(recovery));
    }

    /// An operator knows. Where changes cannot be kept there is nothing to go on with, and it stays.
    pub fn acknowledge_recovery(&self, actor: &Actor) -> Result<Recovery, ControlError> {
        let now = self.recovery();
        if now.volatile {
            return Err(ControlError::NotKept(now.reason));
        }
        if now.state == RecoveryState::None {
            return Err(ControlError::NothingToAcknowledge);
        }
        tracing::info!(actor = actor.name, "the recovery was acknowledged");
        self.begin_recovery(Recovery::default());
        Ok(Recovery::default())
    }

    /// The revision, if it is at work: in both back-ends as they were read back, and waiting for nobody.
    pub fn revision_at_work(&self) -> Option<Revision> {
        let now = self.now();
        let at_work = !now.starting && now.policy.problems.is_empty() && now.policy.unconfirmed.is_none();
        at_work.then_some(now.revision)
    }

    /// Waits for the revision to be another than this one; None: the engine has ended.
    pub async fn other_revision(&self, than: Option<Revision>) -> Option<Revision> {
        let mut snapshots = self.snapshots.clone();
        let now = snapshots.wait_for(|now| Some(now.revision) != than).await.ok()?;
        Some(now.revision)
    }

    /// A policy of an operator's own is in force, for good: there is nothing to recover from any more.
    pub(crate) fn end_recovery(&self, actor: &Actor) {
        if !is_engine(actor) && self.recovery.borrow().state != RecoveryState::None {
            self.begin_recovery(Recovery::default());
        }
    }

    /// Refuses an operator's change that would be gone after a restart.
    pub(crate) fn refuse_volatile(&self, actor: &Actor) -> Result<(), ControlError> {
        let now = self.recovery.borrow();
        if now.volatile && !is_engine(actor) {
            return Err(ControlError::NotKept(now.reason.clone()));
        }
        Ok(())
    }

    /// What `/readyz` says of it.
    pub(crate) fn recovery_problem(&self) -> Option<String> {
        let now = self.recovery.borrow();
        let what = match now.state {
            RecoveryState::None => return None,
            RecoveryState::LastKnownGood => "the last-known-good revision is in force",
            RecoveryState::Lockdown => "lockdown: only management passes",
        };
        Some(format!("{what}, since {}", now.reason))
    }
}

fn is_engine(actor: &Actor) -> bool {
    *actor == Actor::engine()
}

impl Actor {
    /// The engine itself.
    pub fn engine() -> Self {
        Self {
            name: "ravelin".to_owned(),
            origin: "engine".to_owned(),
        }
    }
}
