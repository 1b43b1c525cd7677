//! Netlink: links, addresses and their changes; connections, routes and their changes; the table of nftables and the
//! packets it logs. The only crate that opens netlink and ethtool sockets and runs nft(8). Links, addresses, routes
//! and rules it brings to a plan; of network cards it changes what it is told to.
//!
//! [`Links`], [`Nftables`] and [`PacketLog`] are for tasks; [`Conntrack`], [`ConntrackEvents`], [`Routes`],
//! [`PathHints`], [`Network`] and [`NetworkCards`] block and are for a thread of their own.
//!
//! Sockets belong to the network namespace of the thread that opens them: what [`Links`] tells is that of the thread
//! that called [`Links::open`], wherever its handle is used later.

mod blocking;
mod cards;
mod conntrack;
mod devlink;
mod driver;
mod dump;
mod error;
mod ethtool;
mod forwarding;
mod generic;
mod hints;
mod ioctl;
mod link;
mod links;
mod netlink;
mod network;
mod nftables;
mod packet_log;
mod path_hints;
mod pci;
mod process_usage;
mod queue_packets;
#[cfg(test)]
mod recorded;
mod redirect;
mod routes;
mod socket;
mod softnet;
mod task;
mod tc_flower;
mod xdp_support;

pub use cards::NetworkCards;
pub use conntrack::{
    ConnectionKey, ConnectionUpdate, Conntrack, ConntrackEvent, ConntrackEventMode, ConntrackEvents,
    ConntrackSettings, EventsRead, MarkChange, NewConnection, read_proc_connections,
};
pub use error::{DumpError, KernelError};
pub use forwarding::forward;
pub use link::{Link, VlanLink};
pub use links::Links;
pub use network::Network;
pub use nftables::{Applied, Nftables, PacketCount};
pub use packet_log::{LoggedPacket, PacketLog};
pub use path_hints::{Hint, PathHints};
pub use process_usage::process_usage;
pub use queue_packets::Queues;
pub use routes::{RouteAnswer, RouteQuestion, Routes};
pub use softnet::softnet_cpus;
pub use tc_flower::{
    FlowerError, FlowerRule, FlowerState, GuardRule, Placement, RouteRule, RuleName, TcFlower,
};
