//! News of connections.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use ravelin_model::Connection;

use crate::KernelError;

/// What became of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConntrackEvent {
    /// It began: its first packet got through. It has no counts.
    New(Connection),
    /// It changed. It has no counts, and what did not change may be missing: its TCP state is None then.
    Updated(Connection),
    /// It ended, with its counts and times.
    Destroyed(Connection),
}

/// How reading went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsRead {
    /// So many events.
    Some(usize),
    /// There was nothing in that time.
    Nothing,
    /// Events were lost. What waited is thrown away, so that none is lost unseen after this: read all there is.
    Overrun,
}

/// News of connections of the network namespace of the thread that opened it, both families.
#[derive(Debug)]
pub struct ConntrackEvents {
    socket: OwnedFd,
}

impl ConntrackEvents {
    /// From now on nothing is missed unseen. The kernel holds so many bytes for the reader (SO_RCVBUFFORCE; it doubles
    /// them and counts its own overhead, near 1 KiB an event).
    pub fn open(receive_buffer_bytes: usize) -> Result<Self, KernelError> {
        let _ = receive_buffer_bytes;
        Err(KernelError::ConntrackEvents(super::unsupported()))
    }

    /// Reads what is there, waiting for the first at most so long.
    pub fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(ConntrackEvent),
    ) -> Result<EventsRead, KernelError> {
        let _ = (wait, each);
        Ok(EventsRead::Nothing)
    }
}

impl AsFd for ConntrackEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
