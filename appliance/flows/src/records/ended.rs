//! A connection that is no more, and why.

use ravelin_model::{Connection, EndReason, FlowCount, Offload, TcpState};

/// A connection that is no more, as far as who followed it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As the news of its end tells it: its counts are those of its end, and it has a time-out only where that had not
    /// run out.
    pub connection: Connection,
    /// What the flow cache forwarded beyond what conntrack saw, of who began it and of the other side. Bytes from the
    /// IP header on.
    pub cached: [FlowCount; 2],
    /// Why it ended, where that is known: killed, or cut by a commit. None: its last state tells.
    pub reason_hint: Option<EndReason>,
    /// Who forwarded packets of it at its end.
    pub offload: Offload,
}

impl Ended {
    /// Why it ended.
    pub(super) fn reason(&self) -> EndReason {
        if let Some(reason) = self.reason_hint {
            return reason;
        }
        match self.connection.tcp_state {
            // The entry outlives the connection for a while, however it goes then.
            Some(TcpState::LastAck | TcpState::TimeWait) => EndReason::Closed,
            Some(TcpState::Close) => EndReason::Reset,
            // The kernel tells what was left of the time-out, if anything was (ctnetlink_conntrack_event).
            _ if self.connection.timeout_seconds.is_none() => EndReason::Timeout,
            _ => EndReason::Removed,
        }
    }
}
