//! Connections somebody asked to end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ravelin_kernel::ConnectionKey;
use ravelin_model::{Connection, EndReason, FlowTuple};

/// A connection that is to end, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending {
    /// Conntrack's number for it.
    pub id: u32,
    /// Conntrack zone.
    pub zone: u16,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// Why it ends.
    pub reason: EndReason,
}

impl Ending {
    /// Whom conntrack is told.
    pub(crate) fn key(&self) -> ConnectionKey {
        ConnectionKey {
            original: self.original,
            zone: self.zone,
            id: Some(self.id),
        }
    }
}

/// How long a reason waits for the end. Deleting takes milliseconds, but who is reset stays until it sends a packet.
const PATIENCE: Duration = Duration::from_secs(600);

/// Most that are remembered: what conntrack can hold at most, by far.
const MOST: usize = 1 << 20;

/// What is known of connections that are about to end. They stay out of the cache meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    reasons: HashMap<(FlowTuple, u32), (EndReason, Instant)>,
}

impl Endings {
    /// From now on.
    pub(crate) fn add(&mut self, ending: &Ending, now: Instant) {
        if self.reasons.len() < MOST {
            self.reasons
                .insert((ending.original, ending.id), (ending.reason, now + PATIENCE));
        }
    }

    /// Whether it is about to end.
    pub(crate) fn has(&self, connection: &Connection) -> bool {
        !self.reasons.is_empty() && self.reasons.contains_key(&(connection.original, connection.id))
    }

    /// Why it ended.
    pub(crate) fn take(&mut self, connection: &Connection) -> Option<EndReason> {
        let (reason, _) = self.reasons.remove(&(connection.original, connection.id))?;
        Some(reason)
    }

    /// Forgets those that did not end.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.reasons.retain(|_, (_, until)| *until > now);
    }
}
