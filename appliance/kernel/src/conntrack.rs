//! Connections of the kernel (ctnetlink, include/uapi/linux/netfilter/nfnetlink_conntrack.h), for threads that may
//! block.

mod events;
mod proc;
mod settings;

use ravelin_model::{Connection, ConnectionStatus, FlowTuple, TcpState};

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

/// Asks and tells conntrack of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Conntrack {
    socket: (),
}

fn unsupported() -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}

impl Conntrack {
    /// Opens a socket. Needs CAP_NET_ADMIN.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self { socket: () })
    }

    /// Every connection of both families. One may be missed or come twice when the table changes meanwhile.
    pub fn dump(&mut self, each: &mut dyn FnMut(Connection)) -> Result<(), DumpError> {
        let _ = (each, &self.socket);
        Err(DumpError::Refused(unsupported()))
    }

    /// The connection of this tuple, which may be that of either direction.
    pub fn get(&mut self, original: &FlowTuple, zone: u16) -> Result<Option<Connection>, KernelError> {
        let _ = (original, zone);
        Err(KernelError::Conntrack(unsupported()))
    }

    /// Deletes connections; how many were there. All are tried, then the first error is told.
    pub fn delete(&mut self, keys: &[ConnectionKey]) -> Result<usize, KernelError> {
        let _ = keys;
        Err(KernelError::Conntrack(unsupported()))
    }

    /// Changes connections; how many were there. All are tried, then the first error is told.
    pub fn update(&mut self, updates: &[ConnectionUpdate]) -> Result<usize, KernelError> {
        let _ = updates;
        Err(KernelError::Conntrack(unsupported()))
    }

    /// Makes connections; how many were not there yet. All are tried, then the first error is told.
    pub fn create(&mut self, connections: &[NewConnection]) -> Result<usize, KernelError> {
        let _ = connections;
        Err(KernelError::Conntrack(unsupported()))
    }
}
