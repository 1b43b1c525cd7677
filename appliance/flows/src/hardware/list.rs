//! Connections in cards, for whoever asks.

use std::sync::{Arc, PoisonError, RwLock};

use ravelin_model::{FlowCount, FlowTuple};
use time::OffsetDateTime;

use crate::live::FlowId;

/// Whether a connection is in a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HardwareFlowState {
    /// Both directions are.
    Installed,
    /// Neither is: it would be, if the mode was `active`.
    WouldInstall,
}

/// A connection in a card, or one that would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardwareFlow {
    /// Names the connection.
    pub id: FlowId,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// Whether it is.
    pub state: HardwareFlowState,
    /// Where packets of who began it come in, and where they leave: kernel names.
    pub interfaces: [String; 2],
    /// VLAN ids there; None: no tag.
    pub tags: [Option<u16>; 2],
    /// Packets per second, both directions together.
    pub packets_per_second: u64,
    /// What the card forwarded of each direction since it was put in; bytes from the IP header on.
    pub counts: [FlowCount; 2],
    /// Since when it is in the card.
    pub since: Option<OffsetDateTime>,
}

/// The list as of the last look, in order of the ids. Cheap to clone: it is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct HardwareFlows(Arc<RwLock<Arc<Vec<HardwareFlow>>>>);

impl HardwareFlows {
    pub(crate) fn now(&self) -> Arc<Vec<HardwareFlow>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, mut flows: Vec<HardwareFlow>) {
        flows.sort_by_key(|flow| flow.id);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(flows);
    }
}
