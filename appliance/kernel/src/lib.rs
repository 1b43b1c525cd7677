//! Netlink: links, addresses and their changes. The only crate that opens netlink and ethtool sockets.
//! Tells what the kernel says and changes nothing.

mod error;
mod link;
mod links;

pub use error::KernelError;
pub use link::Link;
pub use links::Links;
