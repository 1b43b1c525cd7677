//! Settings of conntrack (/proc/sys/net/netfilter), of the network namespace of the calling thread.

use std::fs;
use std::io;
use std::time::Duration;

use crate::KernelError;

const FOLDER: &str = "/proc/sys/net/netfilter";
const ACCOUNTING: &str = "nf_conntrack_acct";
const TIMESTAMPS: &str = "nf_conntrack_timestamp";
const EVENTS: &str = "nf_conntrack_events";
const COUNT: &str = "nf_conntrack_count";
const MAX: &str = "nf_conntrack_max";
const UDP: &str = "nf_conntrack_udp_timeout";
const UDP_STREAM: &str = "nf_conntrack_udp_timeout_stream";
const TCP_ESTABLISHED: &str = "nf_conntrack_tcp_timeout_established";

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
    /// Of UDP that had no answer yet, or goes both ways since two seconds at most (nf_conntrack_udp_timeout).
    pub udp_timeout: Duration,
    /// Of UDP that goes both ways for longer (nf_conntrack_udp_timeout_stream).
    pub udp_stream_timeout: Duration,
    /// Of TCP that is established (nf_conntrack_tcp_timeout_established).
    pub tcp_established_timeout: Duration,
    /// Settings this kernel does not have, by the name of their file: off, 0.
    pub absent: Vec<&'static str>,
}

/// Which connections conntrack tells news of (nf_conntrack_events).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConntrackEventMode {
    /// None.
    Off,
    /// Those made since it is so.
    On,
    /// Those made while somebody listened.
    Automatic,
}

impl ConntrackSettings {
    /// As it is.
    pub fn read() -> Result<Self, KernelError> {
        let mut absent = Vec::new();
        let mut read = |name| {
            let value = number(name)?;
            if value.is_none() {
                absent.push(name);
            }
            Ok::<u64, KernelError>(value.unwrap_or(0))
        };
        Ok(Self {
            accounting: read(ACCOUNTING)? != 0,
            timestamps: read(TIMESTAMPS)? != 0,
            events: match read(EVENTS)? {
                0 => ConntrackEventMode::Off,
                1 => ConntrackEventMode::On,
                _ => ConntrackEventMode::Automatic,
            },
            count: read(COUNT)?,
            max: read(MAX)?,
            udp_timeout: Duration::from_secs(read(UDP)?),
            udp_stream_timeout: Duration::from_secs(read(UDP_STREAM)?),
            tcp_established_timeout: Duration::from_secs(read(TCP_ESTABLISHED)?),
            absent,
        })
    }

    /// Turns counting, times and events on for connections made from now on; as it is then.
    pub fn enable() -> Result<Self, KernelError> {
        for name in [ACCOUNTING, TIMESTAMPS, EVENTS] {
            if number(name)?.is_some_and(|value| value != 1) {
                fs::write(path(name), "1")
                    .map_err(|source| KernelError::ConntrackSetting { name, source })?;
            }
        }
        Self::read()
    }
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// None: this kernel has no such setting.
fn number(name: &'static str) -> Result<Option<u64>, KernelError> {
    let failed = |source| KernelError::ConntrackSetting { name, source };
    match fs::read_to_string(path(name)) {
        Ok(text) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| failed(io::ErrorKind::InvalidData.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}
