//! Connections somebody asked to end, and how both ends are told.

use ravelin_abi::rv_connection_mark::RV_CONNECTION_RESET;
use ravelin_kernel::{ConnectionKey, ConnectionUpdate, Conntrack, MarkChange, NewConnection};
use ravelin_model::{ConnectionStatus, EndReason, TcpState, protocol};

use super::seen::Seen;
use crate::{Ending, FlowsError};

/// Seconds a connection that is reset has to answer every packet of its sides with that.
const RESET_SECONDS: u32 = 30;

/// A connection that shall end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meant {
    pub(super) ending: Ending,
    pub(super) tcp: bool,
    /// What it is made anew as to be reset: while a flowtable has it, its packets meet no rule.
    anew: Option<NewConnection>,
}

impl Meant {
    pub(super) fn of(seen: &Seen) -> Self {
        let connection = &seen.connection;
        Self {
            ending: Ending {
                id: connection.id,
                zone: connection.zone,
                original: connection.original,
                reason: EndReason::Killed,
            },
            tcp: connection.original.protocol == protocol::TCP,
            anew: connection
                .status
                .has(ConnectionStatus::OFFLOADED | ConnectionStatus::HARDWARE)
                .then_some(NewConnection {
                    original: connection.original,
                    reply: connection.reply,
                    zone: connection.zone,
                    status: connection.status,
                    mark: connection.mark | RV_CONNECTION_RESET,
                    timeout_seconds: RESET_SECONDS,
                    tcp_state: Some(TcpState::Established),
                }),
        }
    }

    fn key(&self) -> ConnectionKey {
        ConnectionKey {
            original: self.ending.original,
            zone: self.ending.zone,
            id: Some(self.ending.id),
        }
    }

    fn reset(&self) -> ConnectionUpdate {
        ConnectionUpdate {
            key: self.key(),
            timeout_seconds: Some(RESET_SECONDS),
            mark: Some(MarkChange {
                value: RV_CONNECTION_RESET,
                mask: RV_CONNECTION_RESET,
            }),
            liberal: false,
        }
    }
}

/// Has both ends told; how many were there.
pub(super) fn reset_all(meant: &[Meant]) -> Result<usize, FlowsError> {
    let mut conntrack = Conntrack::open()?;
    let marked = meant.iter().filter(|meant| meant.anew.is_none());
    let mut reset = conntrack.update(&marked.map(Meant::reset).collect::<Vec<_>>())?;
    for (meant, anew) in meant
        .iter()
        .filter_map(|meant| meant.anew.map(|anew| (meant, anew)))
    {
        if conntrack.delete(&[meant.key()])? > 0 {
            reset += 1;
            conntrack.create(&[anew])?;
        }
    }
    Ok(reset)
}
