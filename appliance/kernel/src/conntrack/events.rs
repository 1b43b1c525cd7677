//! News of connections.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::protocols::NETLINK_NETFILTER;
use ravelin_model::Connection;

use super::{Conntrack, build, parse};
use crate::KernelError;
use crate::blocking::BlockingSocket;
use crate::netlink::{Answer, answers};

/// What became of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConntrackEvent {
    /// It began: its first packet got through. It has no counts.
    New(Connection),
    /// It changed. It has no counts, and what did not change may be missing: its TCP state is None then.
    Updated(Connection),
    /// It ended, with its counts and times. The seconds it had left say that somebody ended it; None: they ran out.
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

/// Groups of ctnetlink (`enum nfnetlink_groups`): NEW, UPDATE, DESTROY.
const GROUPS: [u32; 3] = [1, 2, 3];

/// Datagrams read at a time, each with one event.
const AT_ONCE: usize = 4096;

/// News of connections of the network namespace of the thread that opened it, both families.
#[derive(Debug)]
pub struct ConntrackEvents {
    socket: BlockingSocket,
}

impl ConntrackEvents {
    /// From now on nothing is missed unseen. The kernel holds so many bytes for the reader (SO_RCVBUFFORCE), with its
    /// own overhead: near 1 KiB an event. It has a minimum of some 2 KiB.
    pub fn open(receive_buffer_bytes: usize) -> Result<Self, KernelError> {
        let open = || {
            let mut socket = BlockingSocket::open(NETLINK_NETFILTER)?;
            socket.hold(receive_buffer_bytes)?;
            socket.join(&GROUPS)?;
            Ok(Self { socket })
        };
        open().map_err(KernelError::ConntrackEvents)
    }

    /// From now on what this one changes, makes or deletes is no news, but to others.
    pub fn leave_out(&mut self, conntrack: &Conntrack) -> Result<(), KernelError> {
        let mut leave_out = || self.socket.leave_out(conntrack.port()?);
        leave_out().map_err(KernelError::ConntrackEvents)
    }

    /// Reads what is there, waiting for the first at most so long.
    pub fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(ConntrackEvent),
    ) -> Result<EventsRead, KernelError> {
        self.read_some(wait, each).map_err(KernelError::ConntrackEvents)
    }

    fn read_some(&mut self, wait: Duration, each: &mut dyn FnMut(ConntrackEvent)) -> io::Result<EventsRead> {
        self.socket.wait(wait)?;
        let mut count = 0;
        for _ in 0..AT_ONCE {
            match self.socket.try_receive() {
                Ok(Some(datagram)) => {
                    for event in events(datagram) {
                        count += 1;
                        each(event);
                    }
                }
                Ok(None) => break,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.socket.drain()?;
                    return Ok(EventsRead::Overrun);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(match count {
            0 => EventsRead::Nothing,
            count => EventsRead::Some(count),
        })
    }
}

fn events(datagram: &[u8]) -> impl Iterator<Item = ConntrackEvent> {
    answers(datagram).filter_map(|(_, flags, answer)| match answer {
        Answer::Message(build::NEW, message) => {
            let connection = parse::connection(message)?;
            Some(if flags & build::CREATED == 0 {
                ConntrackEvent::Updated(connection)
            } else {
                ConntrackEvent::New(connection)
            })
        }
        Answer::Message(build::DELETE, message) => parse::connection(message).map(ConntrackEvent::Destroyed),
        _ => None,
    })
}

impl AsFd for ConntrackEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
