//! What can go wrong with asking the kernel.

use std::io;

use thiserror::Error;

/// A question to the kernel failed.
#[derive(Debug, Error)]
pub enum KernelError {
    /// The netlink socket could not be made or bound to its multicast groups.
    #[error("open a netlink socket")]
    OpenNetlink(#[source] io::Error),
    /// The socket for driver names could not be made.
    #[error("open a socket for ethtool")]
    OpenEthtool(#[source] io::Error),
    /// Links could not be listed.
    #[error("list the links")]
    ListLinks(#[source] rtnetlink::Error),
    /// Addresses could not be listed.
    #[error("list the addresses")]
    ListAddresses(#[source] rtnetlink::Error),
    /// The task that follows the kernel is gone.
    #[error("the task that follows the links has ended")]
    Ended,
}
