//! What XDP forwarded of connections that are out of the cache and still in conntrack, and what cards forwarded.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ravelin_model::{Connection, ConnectionStatus, EndReason, FlowCount, FlowTuple, Offload};

use crate::records::Ended;

/// A connection: as packets of who began it come in, and conntrack's number, which two connections may share.
pub(crate) type Identity = (FlowTuple, u32);

/// Counts of connections that left the cache before they ended, and ends that wait for their counts. Cheap to clone:
/// it is the same. Holds no more connections than conntrack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carried(Arc<Mutex<HashMap<Identity, Entry>>>);

#[derive(Debug, Default)]
struct Entry {
    counts: [FlowCount; 2],
    /// Removals from the cache that were not collected yet.
    pending: u32,
    /// A card forwarded some of it.
    hardware: bool,
    ended: Option<Box<(Connection, Option<EndReason>)>>,
    /// The last reading of conntrack did not have it.
    missed: bool,
}

impl Carried {
    fn entries(&self) -> MutexGuard<'_, HashMap<Identity, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// What XDP forwarded of a connection while it was in the cache before, and cards of it; IP bytes.
    pub(crate) fn counts(&self, identity: &Identity) -> [FlowCount; 2] {
        self.entries()
            .get(identity)
            .map(|entry| entry.counts)
            .unwrap_or_default()
    }

    /// A card forwarded more of it. Where it has ended already, [`Self::retain`] forgets it.
    pub(crate) fn note(&self, identity: Identity, counts: [FlowCount; 2]) {
        let mut entries = self.entries();
        let entry = entries.entry(identity).or_default();
        entry.hardware = true;
        for (sum, count) in entry.counts.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// It was taken out of the cache: its counts will come.
    pub(super) fn expect(&self, identity: Identity) {
        self.entries().entry(identity).or_default().pending += 1;
    }

    /// Its counts came. Answers its end if that has come already.
    pub(super) fn add(&self, identity: Identity, counts: [FlowCount; 2]) -> Option<Ended> {
        let mut entries = self.entries();
        let entry = entries.entry(identity).or_default();
        entry.pending = entry.pending.saturating_sub(1);
        for (sum, count) in entry.counts.iter_mut().zip(counts) {
            *sum += count;
        }
        if entry.pending > 0 {
            return None;
        }
        if entry.ended.is_none() && entry.counts == [FlowCount::default(); 2] {
            entries.remove(&identity);
            return None;
        }
        let (connection, reason) = *entry.ended.take()?;
        let (counts, hardware) = (entry.counts, entry.hardware);
        entries.remove(&identity);
        Some(ended(connection, counts, reason, hardware))
    }

    /// It ended. Answers its end if no counts are to come.
    pub(super) fn end(&self, connection: Connection, reason: Option<EndReason>) -> Option<Ended> {
        let mut entries = self.entries();
        let identity = (connection.original, connection.id);
        match entries.get_mut(&identity) {
            Some(entry) if entry.pending > 0 => {
                entry.ended = Some(Box::new((connection, reason)));
                None
            }
            Some(entry) => {
                let (counts, hardware) = (entry.counts, entry.hardware);
                entries.remove(&identity);
                Some(ended(connection, counts, reason, hardware))
            }
            None => Some(ended(connection, <[FlowCount; 2]>::default(), reason, false)),
        }
    }

    /// Forgets what two readings in turn did not have: the news of its end was lost.
    pub(super) fn retain(&self, seen: &HashSet<Identity>) {
        self.entries().retain(|identity, entry| {
            let missed = !seen.contains(identity);
            let lost = missed && entry.missed;
            entry.missed = missed;
            entry.pending > 0 || !lost
        });
    }
}

fn ended(
    connection: Connection,
    cached: [FlowCount; 2],
    reason_hint: Option<EndReason>,
    hardware: bool,
) -> Ended {
    let offload = if hardware || connection.status.has(ConnectionStatus::HARDWARE) {
        Offload::Hardware
    } else if connection.status.has(ConnectionStatus::OFFLOADED) {
        Offload::Flowtable
    } else if cached.iter().any(|count| count.packets > 0) {
        Offload::Xdp
    } else {
        Offload::None
    };
    Ended {
        connection,
        cached,
        reason_hint,
        offload,
    }
}

#[cfg(test)]
mod tests;
