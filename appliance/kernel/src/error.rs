//! What can go wrong with asking the kernel.

use std::io;

use thiserror::Error;

/// A question to the kernel failed.
#[derive(Debug, Error)]
pub enum KernelError {
    /// The netlink socket for questions could not be made.
    #[error("open a netlink socket")]
    OpenNetlink(#[source] io::Error),
    /// The netlink socket for news could not be made or bound to its multicast groups.
    #[error("subscribe to changes of links and addresses")]
    Subscribe(#[source] io::Error),
    /// The socket for driver names could not be made.
    #[error("open a socket for ethtool")]
    OpenEthtool(#[source] io::Error),
    /// Links could not be listed.
    #[error("list the links")]
    ListLinks(#[source] DumpError),
    /// Addresses could not be listed.
    #[error("list the addresses")]
    ListAddresses(#[source] DumpError),
}

/// A table could not be read from the kernel.
#[derive(Debug, Error)]
pub enum DumpError {
    /// The question could not be sent.
    #[error("the netlink socket is closed")]
    Closed,
    /// The kernel's answer.
    #[error("the kernel refused")]
    Refused(#[source] io::Error),
    /// The answer ended before its end mark: it may lack entries, so it is not used.
    #[error("the answer was cut off")]
    CutOff,
    /// The table changed while it was read, again and again (NLM_F_DUMP_INTR).
    #[error("the table did not keep still for {tries} readings")]
    Restless {
        /// Readings begun.
        tries: u32,
    },
}
