//! Which connections XDP may forward by itself.

use std::fmt;

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
