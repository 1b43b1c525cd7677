//! Which connections XDP may forward by itself.

use std::fmt;

use ravelin_abi::rv_connection_mark::{RV_CONNECTION_ANSWERED, RV_CONNECTION_COUNTER, RV_CONNECTION_RESET};
use ravelin_datapath::CachedFlow;
use ravelin_model::{Connection, ConnectionStatus, TcpState, protocol};

use super::Locals;

/// Why a connection is not in the flow cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotCached {
    /// Neither TCP nor UDP.
    Protocol,
    /// Conntrack zone other than 0.
    Zone,
    /// Its first packet is still on its way.
    Unconfirmed,
    /// It is being ended.
    Dying,
    /// TCP that is opening or closing.
    NotEstablished,
    /// TCP whose handshake conntrack did not see, or UDP that may be thrown out early.
    NotAssured,
    /// Only one side has sent packets.
    NoReply,
    /// It begins or ends on this box.
    Local,
    /// A helper reads it (FTP, SIP, …).
    Helper,
    /// Its TCP sequence numbers are changed.
    SequenceAdjusted,
    /// A SYN proxy stands in between.
    SynProxy,
    /// Another table forwards it.
    Offloaded,
    /// It is answered or reset by the policy.
    Answered,
    /// It is being ended by this engine.
    Ending,
    /// The cache is full.
    Full,
}

impl NotCached {
    /// The reason in words, to follow "the kernel forwards it: ".
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Protocol => "XDP forwards TCP and UDP only",
            Self::Zone => "it is in a conntrack zone of its own",
            Self::Unconfirmed => "its first packet is still on its way",
            Self::Dying => "it is being ended",
            Self::NotEstablished => "it is opening or closing",
            Self::NotAssured => "conntrack did not see its handshake",
            Self::NoReply => "only one side has sent packets",
            Self::Local => "it begins or ends on this box",
            Self::Helper => "a conntrack helper reads it",
            Self::SequenceAdjusted => "its TCP sequence numbers are changed",
            Self::SynProxy => "a SYN proxy stands in between",
            Self::Offloaded => "another table forwards it already",
            Self::Answered => "the policy answers its packets",
            Self::Ending => "it is being ended",
            Self::Full => "the flow cache is full",
        }
    }
}

impl fmt::Display for NotCached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// The connection as the cache keeps it, or the first reason why it must not.
///
/// A TCP state that is not told is taken for none: whoever knows better says so first.
pub(crate) fn eligible(connection: &Connection, locals: &Locals) -> Result<CachedFlow, NotCached> {
    let Connection {
        id,
        zone,
        original,
        reply,
        status,
        mark,
        tcp_state,
        syn_proxy,
        // Time and traffic say nothing about what packets need; of a master only a helper matters, which is in the
        // status.
        timeout_seconds: _,
        counts: _,
        started_at: _,
        ended_at: _,
        master: _,
        labels: _,
    } = connection;
    let tcp = original.protocol == protocol::TCP;
    let never = [
        (!tcp && original.protocol != protocol::UDP, NotCached::Protocol),
        (*zone != 0, NotCached::Zone),
        (status.has(ConnectionStatus::DYING), NotCached::Dying),
        (!status.has(ConnectionStatus::CONFIRMED), NotCached::Unconfirmed),
        (
            mark & (RV_CONNECTION_ANSWERED | RV_CONNECTION_RESET) != 0,
            NotCached::Answered,
        ),
        (status.has(ConnectionStatus::HELPER), NotCached::Helper),
        (
            status.has(ConnectionStatus::SEQUENCE_ADJUSTED),
            NotCached::SequenceAdjusted,
        ),
        (*syn_proxy, NotCached::SynProxy),
        (
            status.has(ConnectionStatus::OFFLOADED | ConnectionStatus::HARDWARE),
            NotCached::Offloaded,
        ),
        (
            locals.has(original.source) || locals.has(reply.source),
            NotCached::Local,
        ),
    ];
    let not_yet = [
        (!status.has(ConnectionStatus::SEEN_REPLY), NotCached::NoReply),
        (
            tcp && *tcp_state != Some(TcpState::Established),
            NotCached::NotEstablished,
        ),
        (
            tcp && !status.has(ConnectionStatus::ASSURED),
            NotCached::NotAssured,
        ),
    ];
    match never.into_iter().chain(not_yet).find(|(hinders, _)| *hinders) {
        Some((_, reason)) => Err(reason),
        None => Ok(CachedFlow {
            connection: *id,
            original: *original,
            reply: *reply,
            counter: mark & RV_CONNECTION_COUNTER,
        }),
    }
}

#[cfg(test)]
mod tests;
