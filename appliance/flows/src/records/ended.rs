//! A connection that is no more.

use ravelin_model::{Connection, EndReason, FlowCount, Offload};

/// A connection that is no more, as far as who followed it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As conntrack told it last: its counts are those of its end, and `ended_at` is set if conntrack notes times.
    pub connection: Connection,
    /// What the flow cache forwarded beyond what conntrack saw, of who began it and of the other side. Bytes from the
    /// IP header on.
    pub cached: [FlowCount; 2],
    /// Why it ended, where that is known: killed, or cut by a commit. None: its last state tells.
    pub reason_hint: Option<EndReason>,
    /// Who forwarded packets of it at its end.
    pub offload: Offload,
}
