//! News that packets may go other ways than before, for threads that may block.

mod neighbours;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::protocols::NETLINK_ROUTE;

use self::neighbours::Neighbours;
use crate::KernelError;
use crate::blocking::BlockingSocket;
use crate::netlink::{Answer, whole_answers};

/// Groups of rtnetlink (`enum rtnetlink_groups`): links; neighbours; addresses, routes and rules of IPv4; the same of
/// IPv6; next hops.
const GROUPS: [u32; 9] = [1, 3, 5, 7, 8, 9, 11, 19, 32];

/// Some 4,000 messages.
const SOCKET_BYTES: usize = 4 << 20;

/// Datagrams read at a time.
const AT_ONCE: usize = 4096;

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
    socket: BlockingSocket,
    /// To ask with.
    reader: BlockingSocket,
    neighbours: Neighbours,
}

impl PathHints {
    /// From now on nothing is missed unseen.
    pub fn open() -> Result<Self, KernelError> {
        let open = || {
            let mut socket = BlockingSocket::open(NETLINK_ROUTE)?;
            socket.hold(SOCKET_BYTES)?;
            socket.join(&GROUPS)?;
            let mut reader = BlockingSocket::open(NETLINK_ROUTE)?;
            let neighbours = Neighbours::read(&mut reader)?;
            Ok(Self {
                socket,
                reader,
                neighbours,
            })
        };
        open().map_err(KernelError::PathHints)
    }

    /// Reads what is there, waiting for the first at most so long; the strongest of it.
    pub fn read(&mut self, wait: Duration) -> Result<Hint, KernelError> {
        self.read_some(wait).map_err(KernelError::PathHints)
    }

    fn read_some(&mut self, wait: Duration) -> io::Result<Hint> {
        self.socket.wait(wait)?;
        let mut strongest = Hint::Nothing;
        for _ in 0..AT_ONCE {
            match self.socket.try_receive() {
                Ok(Some(datagram)) => {
                    for (_, _, answer) in whole_answers(datagram) {
                        if let Answer::Message(kind, body) = answer {
                            let hint = self.neighbours.hear(kind, body).unwrap_or(Hint::Changed);
                            strongest = strongest.max(hint);
                        }
                    }
                }
                Ok(None) => break,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.socket.drain()?;
                    self.neighbours = Neighbours::read(&mut self.reader)?;
                    return Ok(Hint::Lost);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(strongest)
    }
}

impl AsFd for PathHints {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
