//! What can go wrong with asking the kernel.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

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
    /// Forwarding could not be switched on.
    #[error("have packets forwarded ({switch})")]
    Forward {
        /// File of the switch.
        switch: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Routes could not be listed.
    #[error("list the routes")]
    ListRoutes(#[source] DumpError),
    /// Rules that choose the table of routes could not be listed.
    #[error("list the rules of routing")]
    ListRules(#[source] DumpError),
    /// Which links XDP can redirect to could not be read.
    #[error("list the links that XDP can redirect to")]
    ListRedirects(#[source] DumpError),
    /// The table of nftables could not be read.
    #[error("list the table of nftables")]
    ListTable(#[source] DumpError),
    /// nft(8) is not there or cannot be run.
    #[error("start nft")]
    StartNft(#[source] io::Error),
    /// nft(8) could not be told or heard.
    #[error("talk to nft")]
    TalkToNft(#[source] io::Error),
    /// nft(8) was ended because it did not come to an end. Whether it made the transaction is not known.
    #[error("nft did not answer for {0:?}")]
    NftTimeout(Duration),
    /// nft(8) did not make the transaction.
    #[error("nft refused ({status}): {said}")]
    NftRefused {
        /// How it ended.
        status: ExitStatus,
        /// What it said, cut off after 1 KiB.
        said: String,
    },
    /// Logged packets could not be subscribed to.
    #[error("listen to log group {group}")]
    OpenPacketLog {
        /// The NFLOG group.
        group: u16,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Conntrack could not be asked or told.
    #[error("talk to conntrack")]
    Conntrack(#[source] io::Error),
    /// News of connections could not be subscribed to or read.
    #[error("listen to conntrack")]
    ConntrackEvents(#[source] io::Error),
    /// The file of connections could not be read.
    #[error("read the connections of {path:?}")]
    ReadConnections {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A setting of conntrack could not be read or written.
    #[error("setting {name} of conntrack")]
    ConntrackSetting {
        /// Its file in /proc/sys/net/netfilter.
        name: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Routes could not be asked for.
    #[error("ask for routes")]
    Routes(#[source] io::Error),
    /// There is no such network interface.
    #[error("there is no interface '{0}'")]
    NoInterface(String),
    /// Whether there is such a network interface could not be asked.
    #[error("ask for interface '{interface}'")]
    AskForInterface {
        /// Its name.
        interface: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A network card was not changed.
    #[error("interface '{interface}' was not changed: {reason}")]
    CardRefused {
        /// Name of its interface.
        interface: String,
        /// What the kernel or the driver says.
        reason: String,
    },
    /// News of routes, neighbours and the like could not be subscribed to or read.
    #[error("listen to changes of routes")]
    PathHints(#[source] io::Error),
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
