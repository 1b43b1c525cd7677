//! Netlink: links, addresses and their changes; the table of nftables and the packets it logs. The only crate that
//! opens netlink and ethtool sockets and runs nft(8). Of links it tells what the kernel says and changes nothing.
//!
//! Sockets belong to the network namespace of the thread that opens them: what [`Links`] tells is that of the thread
//! that called [`Links::open`], wherever its handle is used later.

mod driver;
mod dump;
mod error;
mod hints;
mod link;
mod links;
mod netfilter;
mod nftables;
mod packet_log;
mod task;

pub use error::{DumpError, KernelError};
pub use link::Link;
pub use links::Links;
pub use nftables::{Applied, Nftables, PacketCount};
pub use packet_log::{LoggedPacket, PacketLog};
