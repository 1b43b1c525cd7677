//! Netlink: links, addresses and their changes; connections, routes and their changes; the table of nftables and the
//! packets it logs. The only crate that opens netlink and ethtool sockets and runs nft(8). Of links and routes it tells
//! what the kernel says and changes nothing.
//!
//! [`Links`], [`Nftables`] and [`PacketLog`] are for tasks; [`Conntrack`], [`ConntrackEvents`], [`Routes`] and
//! [`PathHints`] block and are for a thread of their own.
//!
//! Sockets belong to the network namespace of the thread that opens them: what [`Links`] tells is that of the thread
//! that called [`Links::open`], wherever its handle is used later.

mod blocking;
mod conntrack;
mod driver;
mod dump;
mod error;
mod hints;
mod link;
mod links;
mod netlink;
mod nftables;
mod packet_log;
mod path_hints;
mod redirect;
mod routes;
mod socket;
mod task;

pub use conntrack::{
    ConnectionKey, ConnectionUpdate, Conntrack, ConntrackEvent, ConntrackEventMode, ConntrackEvents,
    ConntrackSettings, EventsRead, MarkChange, NewConnection, read_proc_connections,
};
pub use error::{DumpError, KernelError};
pub use link::{Link, VlanLink};
pub use links::Links;
pub use nftables::{Applied, Nftables, PacketCount};
pub use packet_log::{LoggedPacket, PacketLog};
pub use path_hints::{Hint, PathHints};
pub use routes::{RouteAnswer, RouteQuestion, Routes};
