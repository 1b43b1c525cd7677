//! Connections of the kernel (ctnetlink, include/uapi/linux/netfilter/nfnetlink_conntrack.h), for threads that may
//! block.

mod attribute;
mod build;
mod events;
mod parse;
mod proc;
mod settings;

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use ravelin_model::{Connection, ConnectionStatus, FlowTuple, TcpState};

use crate::blocking::BlockingSocket;
use crate::netlink::{Answer, DUMP, Messages, SUBSYSTEM_HEADER, answers};
use crate::{DumpError, KernelError};

pub use events::{ConntrackEvent, ConntrackEvents, EventsRead};
pub use proc::read_proc_connections;
pub use settings::{ConntrackEventMode, ConntrackSettings};

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// Conntrack zone.
    pub zone: u16,
    /// The kernel's number for it; None: whichever has these tuples now. Only deleting asks for it.
    pub id: Option<u32>,
}

/// Bits of a mark to change; the others stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkChange {
    /// What these bits become.
    pub value: u32,
    /// Which bits.
    pub mask: u32,
}

/// What to change in a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionUpdate {
    /// Which; its number is not looked at.
    pub key: ConnectionKey,
    /// Seconds until it is forgotten; None: as it is.
    pub timeout_seconds: Option<u32>,
    /// None: as it is.
    pub mark: Option<MarkChange>,
    /// TCP: packets outside the window are of it too, both ways (IP_CT_TCP_FLAG_BE_LIBERAL); false: as it is.
    pub liberal: bool,
}

/// A connection to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NewConnection {
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// As packets of the other side come in: where it is not `original` the other way round, it is translated.
    pub reply: FlowTuple,
    /// Conntrack zone.
    pub zone: u16,
    /// Of these bits SEEN_REPLY and ASSURED count; the kernel sets the others itself.
    pub status: ConnectionStatus,
    /// Its mark.
    pub mark: u32,
    /// Seconds until it is forgotten.
    pub timeout_seconds: u32,
    /// None where it is not TCP.
    pub tcp_state: Option<TcpState>,
}

/// Answers to one question each that the kernel keeps in a buffer, as it counts them.
const ANSWER_BYTES: usize = 2048;
/// Questions told at once: some 64 KiB.
const AT_ONCE: usize = 512;

/// Asks and tells conntrack of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Conntrack {
    socket: BlockingSocket,
    at_once: usize,
}

impl Conntrack {
    /// Opens a socket. Needs CAP_NET_ADMIN.
    pub fn open() -> Result<Self, KernelError> {
        Self::socket().map_err(KernelError::Conntrack)
    }

    fn socket() -> io::Result<Self> {
        let mut socket = BlockingSocket::open(NETLINK_NETFILTER)?;
        let held = socket.hold(AT_ONCE * ANSWER_BYTES)?;
        Ok(Self {
            socket,
            at_once: AT_ONCE.min(held / ANSWER_BYTES),
        })
    }

    pub(crate) fn port(&self) -> io::Result<u32> {
        self.socket.port()
    }

    /// Every connection of both families. One may be missed or come twice when the table changes meanwhile.
    pub fn dump(&mut self, each: &mut dyn FnMut(Connection)) -> Result<(), DumpError> {
        let mut messages = Messages::default();
        let sequence = self.socket.next_sequence();
        messages.begin(build::GET, DUMP, sequence, &build::BOTH);
        messages.end();
        self.socket.send(messages.bytes()).map_err(DumpError::Refused)?;
        loop {
            let datagram = self.socket.receive().map_err(DumpError::Refused)?;
            for (of, _, answer) in answers(datagram) {
                match answer {
                    _ if of != sequence => {}
                    Answer::Message(build::NEW, message) => {
                        if let Some(connection) = parse::connection(message) {
                            each(connection);
                        }
                    }
                    Answer::Message(..) => {}
                    Answer::End(0) => return Ok(()),
                    Answer::End(error) => return Err(DumpError::Refused(refusal(error))),
                }
            }
        }
    }

    /// The connection of this tuple, which may be that of either direction.
    pub fn get(&mut self, original: &FlowTuple, zone: u16) -> Result<Option<Connection>, KernelError> {
        let (mut found, mut refused) = (None, None);
        let build =
            |messages: &mut Messages, sequence, (): &()| build::get(messages, sequence, original, zone);
        self.socket
            .ask(&[()], 1, build, |_, answer| match answer {
                Answer::Message(build::NEW, body) => {
                    found = body.get(SUBSYSTEM_HEADER..).and_then(parse::connection);
                }
                Answer::End(error) if error != 0 && error != -libc::ENOENT => refused = Some(error),
                _ => {}
            })
            .map_err(KernelError::Conntrack)?;
        match refused {
            Some(error) => Err(KernelError::Conntrack(refusal(error))),
            None => Ok(found),
        }
    }

    /// Deletes connections; how many were there. All are tried, then the first error is told.
    pub fn delete(&mut self, keys: &[ConnectionKey]) -> Result<usize, KernelError> {
        self.change(keys, build::delete, libc::ENOENT)
    }

    /// Changes connections; how many were there. All are tried, then the first error is told.
    pub fn update(&mut self, updates: &[ConnectionUpdate]) -> Result<usize, KernelError> {
        self.change(updates, build::update, libc::ENOENT)
    }

    /// Makes connections; how many were not there yet. All are tried, then the first error is told.
    pub fn create(&mut self, connections: &[NewConnection]) -> Result<usize, KernelError> {
        self.change(connections, build::create, libc::EEXIST)
    }

    /// `harmless` is the error that only counts.
    fn change<Q>(
        &mut self,
        changes: &[Q],
        build: impl FnMut(&mut Messages, u32, &Q),
        harmless: i32,
    ) -> Result<usize, KernelError> {
        let (mut done, mut refused) = (changes.len(), None);
        self.socket
            .ask(changes, self.at_once, build, |_, answer| match answer {
                Answer::End(error) if error == -harmless => done -= 1,
                Answer::End(error) if error != 0 => refused = refused.or(Some(error)),
                _ => {}
            })
            .map_err(KernelError::Conntrack)?;
        match refused {
            Some(error) => Err(KernelError::Conntrack(refusal(error))),
            None => Ok(done),
        }
    }
}

/// The kernel's negated error number.
fn refusal(error: i32) -> io::Error {
    io::Error::from_raw_os_error(error.saturating_neg())
}
