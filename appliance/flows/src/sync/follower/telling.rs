//! Telling where the cache stands.

use std::time::Instant;

use ravelin_model::{SyncState, SyncStatus};

use super::Follower;

impl Follower {
    /// Tells everything there is to tell, if it is time.
    pub(super) fn publish(&mut self) {
        let now = Instant::now();
        if !self.publisher.is_due(&self.machine.state, now) {
            return;
        }
        let occupancy = self
            .keeper
            .cache()
            .map(|cache| cache.occupancy())
            .unwrap_or_default();
        let figures = self.keeper.figures();
        let records = self.records.counters();
        let status = SyncStatus {
            state: self.machine.state.clone(),
            synced_at: self.machine.synced_at,
            epoch: self.machine.epoch,
            overruns: self.machine.overruns,
            entries4: occupancy.ipv4,
            entries6: occupancy.ipv6,
            capacity: occupancy.capacity,
            inserted: figures.inserted,
            removed: figures.removed,
            full: figures.full,
            moves: figures.moves,
            left_behind: figures.left_behind,
            last_pause: self.last_pause,
            drift: figures.drift,
            events: figures.events,
            last_reading: self.last_reading,
            connections: self.connections,
            records_stored: records.stored(),
            records_lost: records.lost(),
            records_exported: records.exported(),
            ports: self.ports.shown.clone(),
        };
        self.publisher.tell(status, now);
    }
}

/// A change of state is logged.
pub(super) fn log_turn(before: &SyncState, now: &SyncState) {
    match now {
        SyncState::Unavailable(reason) => tracing::error!(reason, "the flow cache cannot be kept in step"),
        SyncState::Resyncing => tracing::warn!("news of conntrack were lost; it is read anew"),
        _ => tracing::info!(
            before = before.name(),
            now = now.name(),
            "flow cache and conntrack"
        ),
    }
}
