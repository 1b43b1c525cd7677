//! Telling how it goes.

use std::time::{Duration, Instant};

use ravelin_model::{SyncState, SyncStatus};
use tokio::sync::watch;

/// Between two tellings without a change of state.
const PERIOD: Duration = Duration::from_millis(500);

/// Tells every change of state at once, and the rest at most twice a second.
#[derive(Debug)]
pub(super) struct Publisher {
    sender: watch::Sender<SyncStatus>,
    told: Option<Instant>,
}

impl Publisher {
    pub(super) fn new(sender: watch::Sender<SyncStatus>) -> Self {
        Self { sender, told: None }
    }

    /// Whether something of this state would be told now.
    pub(super) fn is_due(&self, state: &SyncState, now: Instant) -> bool {
        self.told.is_none_or(|told| now >= told + PERIOD) || self.sender.borrow().state != *state
    }

    /// Has what is there now be told with the next look.
    pub(super) fn hurry(&mut self) {
        self.told = None;
    }

    pub(super) fn tell(&mut self, status: SyncStatus, now: Instant) {
        self.told = Some(now);
        self.sender.send_if_modified(|told| {
            let changed = *told != status;
            *told = status;
            changed
        });
    }
}
