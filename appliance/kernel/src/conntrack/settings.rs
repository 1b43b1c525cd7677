//! Settings of conntrack (/proc/sys/net/netfilter), of the network namespace of the calling thread.

use std::time::Duration;

use crate::KernelError;

/// How conntrack is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConntrackSettings {
    /// It counts packets and bytes of connections made from now on (nf_conntrack_acct).
    pub accounting: bool,
    /// It notes when connections begin and end (nf_conntrack_timestamp).
    pub timestamps: bool,
    /// Which connections it tells news of.
    pub events: ConntrackEventMode,
    /// Connections now.
    pub count: u64,
    /// Connections at most.
    pub max: u64,
    /// Of UDP that had an answer or not.
    pub udp_timeout: Duration,
    /// Of UDP that goes both ways for a while.
    pub udp_stream_timeout: Duration,
    /// Of TCP that is established.
    pub tcp_established_timeout: Duration,
    /// Settings this kernel does not have, by the name of their file; above they are what the kernel does without.
    pub absent: Vec<&'static str>,
}

/// Which connections conntrack tells news of (nf_conntrack_events).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConntrackEventMode {
    /// None.
    Off,
    /// All made since.
    On,
    /// Those made while somebody listened.
    Automatic,
}

impl ConntrackSettings {
    /// As it is.
    pub fn read() -> Result<Self, KernelError> {
        Err(KernelError::ConntrackSetting {
            name: "nf_conntrack_max",
            source: super::unsupported(),
        })
    }

    /// Turns counting, times and events on for connections made from now on; as it is then.
    pub fn enable() -> Result<Self, KernelError> {
        Self::read()
    }
}
