//! What the policy said of a connection.

use std::net::IpAddr;

use crate::{Action, PublishedServiceId, Revision, RuleId, ZoneId, ZonePairId};

/// Which line of the policy decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VerdictLine {
    /// The management ports of a management zone.
    AntiLockout,
    /// A rule.
    Rule(RuleId),
    /// The rule of a published service.
    PublishedService(PublishedServiceId),
    /// The default of a zone pair.
    ZonePair(ZonePairId),
    /// The default of a pair nobody wrote.
    UnwrittenPair,
    /// The packet belongs to no connection and cannot begin one.
    InvalidState,
    /// Its interface is in no zone.
    NoZone,
    /// Neighbour discovery and the like.
    Infrastructure,
}

impl VerdictLine {
    /// Its name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AntiLockout => "anti_lockout",
            Self::Rule(_) => "rule",
            Self::PublishedService(_) => "published_service",
            Self::ZonePair(_) => "zone_pair",
            Self::UnwrittenPair => "unwritten_pair",
            Self::InvalidState => "invalid_state",
            Self::NoZone => "no_zone",
            Self::Infrastructure => "infrastructure",
        }
    }

    /// Id of the object it is the line of.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Rule(id) => Some(id.as_str()),
            Self::PublishedService(id) => Some(id.as_str()),
            Self::ZonePair(id) => Some(id.as_str()),
            Self::AntiLockout
            | Self::UnwrittenPair
            | Self::InvalidState
            | Self::NoZone
            | Self::Infrastructure => None,
        }
    }
}

/// Who judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictBackend {
    /// The classifier in eBPF dropped it.
    Ebpf,
    /// It went through nftables, whoever found the rule.
    Nftables,
}

impl VerdictBackend {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ebpf => "ebpf",
            Self::Nftables => "nftables",
        }
    }
}

/// A new connection and what the policy said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// What became of it.
    pub action: Action,
    /// Who decided; None: the line is gone since.
    pub line: Option<VerdictLine>,
    /// Revision of the policy it was judged by.
    pub revision: Revision,
    /// Who judged.
    pub backend: VerdictBackend,
    /// Zone it came from; None: none, or it is gone since.
    pub from: Option<ZoneId>,
    /// Zone it would leave by; the same.
    pub to: Option<ZoneId>,
    /// Kernel name of the interface it came in by, if there is one.
    pub interface: Option<String>,
    /// From.
    pub source: IpAddr,
    /// To, as in the packet where it was judged.
    pub destination: IpAddr,
    /// IANA protocol number.
    pub protocol: u8,
    /// 0 where the protocol has none.
    pub source_port: u16,
    /// 0 where the protocol has none.
    pub destination_port: u16,
    /// Bytes of the packet.
    pub packet_bytes: u32,
}
