//! A live connection as it is shown.

use std::time::Duration;

use ravelin_model::{ConnectionStatus, FlowCount, FlowState, FlowTuple, Offload, VerdictLine, ZoneId};
use time::OffsetDateTime;

use super::{FlowId, FlowRate};

/// Where packets of one direction come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEnd {
    /// Zone, and its name for people; None: the interface is in none, or the policy does not know it.
    pub zone: Option<(ZoneId, String)>,
    /// Kernel name of the interface; None: this box, or the interface is gone.
    pub interface: Option<String>,
}

/// A live connection. Directions: of who began it, and of the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowView {
    /// Names it.
    pub id: FlowId,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// As packets of the other side come in.
    pub reply: FlowTuple,
    /// How far it is.
    pub state: FlowState,
    /// What became of it so far.
    pub status: ConnectionStatus,
    /// Where who began it is, by the routes; None: they do not say.
    pub from: Option<FlowEnd>,
    /// Where the other side is.
    pub to: Option<FlowEnd>,
    /// When it began; None where conntrack does not note it.
    pub started_at: Option<OffsetDateTime>,
    /// Since its last packet, as far as it can be told.
    pub idle: Option<Duration>,
    /// Packets and bytes of both directions, whoever forwarded them; None where nobody counts.
    pub counts: Option<[FlowCount; 2]>,
    /// None: it is too young.
    pub rate: Option<FlowRate>,
    /// The line of the policy it counts on; None: it is older than the policy, or the line is gone.
    pub line: Option<VerdictLine>,
    /// Its mark.
    pub mark: u32,
    /// Until it is forgotten, if it stays silent.
    pub timeout_seconds: Option<u32>,
    /// What forwards its packets.
    pub offload: Offload,
    /// Why nothing faster than the kernel does, or not in both directions.
    pub offload_reason: Option<String>,
}
