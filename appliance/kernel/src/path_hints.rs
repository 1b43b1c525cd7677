//! News that packets may go other ways than before, for threads that may block.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::KernelError;

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// Nothing that matters.
    Nothing,
    /// A neighbour has an address that had none; known ways stay.
    NeighbourResolved,
    /// Routes, rules, next hops, links, addresses or a neighbour's address changed, or a neighbour is gone.
    Changed,
    /// News were lost: anything may have changed.
    Lost,
}

/// News of routes, rules, next hops, neighbours, links and addresses of the network namespace of the thread that
/// opened it.
#[derive(Debug)]
pub struct PathHints {
    socket: OwnedFd,
}

impl PathHints {
    /// From now on nothing is missed unseen.
    pub fn open() -> Result<Self, KernelError> {
        Err(KernelError::PathHints(std::io::ErrorKind::Unsupported.into()))
    }

    /// Reads what is there, waiting for the first at most so long; the strongest of it.
    pub fn read(&mut self, wait: Duration) -> Result<Hint, KernelError> {
        let _ = wait;
        Ok(Hint::Nothing)
    }
}

impl AsFd for PathHints {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
