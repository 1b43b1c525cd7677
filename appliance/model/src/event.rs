//! Something happened.

use std::net::IpAddr;

use crate::{
    EntryId, Feature, FeatureState, InterfaceSettingsId, ListId, PolicyVerdict, Reason, Recovery, Revision,
    SettingsState, TuningDecision,
};

/// A packet was dropped. Sampled: the data plane sends a bounded number a second and counts the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketDropped {
    /// Kernel index of the interface it came in on.
    pub interface_index: u32,
    /// Kernel name, if the interface is still known.
    pub interface: Option<String>,
    /// Why.
    pub reason: Reason,
    /// From.
    pub source: IpAddr,
    /// To.
    pub destination: IpAddr,
    /// IANA protocol number.
    pub protocol: u8,
    /// 0 where the protocol has none.
    pub source_port: u16,
    /// 0 where the protocol has none.
    pub destination_port: u16,
    /// The list that matched, if it is still known.
    pub list: Option<ListId>,
    /// The entry that matched, if it is still known.
    pub entry: Option<EntryId>,
}

/// A listed name was asked for. Sampled like [`PacketDropped`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsQueryBlocked {
    /// The query's packet.
    pub packet: PacketDropped,
    /// The name as asked, lower case; bytes outside printable ASCII as `\DDD` (RFC 4343).
    pub name: String,
    /// Lists that have it.
    pub lists: Vec<ListId>,
}

/// An update of the machine went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemUpdateChanged {
    /// Its id.
    pub id: String,
    /// How far it is, as the API names it.
    pub state: String,
    /// Version of the bundle, once that is known.
    pub version: Option<String>,
    /// Of the bundle, as far as it has come in.
    pub received_bytes: u64,
    /// Of the bundle, where that is known.
    pub total_bytes: Option<u64>,
    /// How far writing is.
    pub written_percent: Option<u8>,
    /// Why nothing came of it, or the new slot did not stay.
    pub problem: Option<String>,
}

/// Something happened; broadcast to whoever listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A feature was switched, configured, or changed state.
    FeatureChanged {
        /// Which.
        feature: Feature,
        /// What the user wants.
        enabled: bool,
        /// What is.
        state: FeatureState,
        /// Revision of the change.
        revision: Revision,
    },
    /// A list or its entries changed.
    ListChanged {
        /// Which.
        list: ListId,
        /// Entries now; None: the list is gone.
        entries_count: Option<u64>,
        /// Revision of the change.
        revision: Revision,
    },
    /// An interface came, went or changed.
    InterfaceChanged {
        /// Kernel name.
        interface: String,
        /// Kernel index.
        index: u32,
        /// False: it is gone.
        present: bool,
        /// Programs sit on it.
        attached: bool,
    },
    /// The settings of an interface came into force, or are no longer.
    InterfaceSettingsChanged {
        /// Which settings.
        settings: InterfaceSettingsId,
        /// Kernel name of the interface.
        interface: String,
        /// How they are doing.
        state: SettingsState,
        /// Why they are not in force.
        reason: Option<String>,
    },
    /// A packet was dropped.
    PacketDropped(PacketDropped),
    /// A DNS query was blocked.
    DnsQueryBlocked(DnsQueryBlocked),
    /// Another policy is in force.
    PolicyChanged {
        /// Its revision.
        revision: Revision,
        /// Whether packets are judged by it.
        enforced: bool,
        /// Until when it must be confirmed, or the one before returns.
        confirm_until: Option<time::OffsetDateTime>,
    },
    /// Live connections were judged by the policy, and those it does not allow ended.
    LiveFlowsJudged {
        /// Revision of the configuration.
        revision: Revision,
        /// Stay.
        kept: u64,
        /// Were ended.
        cut: u64,
        /// Of `kept`: where they go could not be told.
        unjudged: u64,
        /// Why they could not be judged; all figures are 0 then.
        problem: Option<String>,
    },
    /// Somebody had live connections ended.
    FlowsKilled {
        /// How many.
        killed: u64,
        /// Both sides of TCP were told.
        reset: bool,
    },
    /// The policy judged a connection whose rule or zone pair is logged. Sampled like [`PacketDropped`].
    PolicyVerdict(PolicyVerdict),
    /// Tuning decided on a change.
    TuningDecided(TuningDecision),
    /// The engine goes by another store than it should, or does no more.
    RecoveryChanged(Recovery),
    /// An update of the machine went on.
    SystemUpdateChanged(SystemUpdateChanged),
}

impl Event {
    /// Its type in the stream.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FeatureChanged { .. } => "feature_changed",
            Self::ListChanged { .. } => "list_changed",
            Self::InterfaceChanged { .. } => "interface_changed",
            Self::InterfaceSettingsChanged { .. } => "interface_settings_changed",
            Self::PacketDropped(_) => "packet_dropped",
            Self::DnsQueryBlocked(_) => "dns_query_blocked",
            Self::PolicyChanged { .. } => "policy_changed",
            Self::LiveFlowsJudged { .. } => "live_flows_judged",
            Self::FlowsKilled { .. } => "flows_killed",
            Self::PolicyVerdict(_) => "policy_verdict",
            Self::TuningDecided(_) => "tuning_decided",
            Self::RecoveryChanged(_) => "recovery_changed",
            Self::SystemUpdateChanged(_) => "system_update_changed",
        }
    }

    /// Every type in the stream.
    pub const KINDS: [&str; 13] = [
        "feature_changed",
        "list_changed",
        "interface_changed",
        "interface_settings_changed",
        "packet_dropped",
        "dns_query_blocked",
        "policy_changed",
        "live_flows_judged",
        "flows_killed",
        "policy_verdict",
        "tuning_decided",
        "recovery_changed",
        "system_update_changed",
    ];
}

/// An event with its place in the stream and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencedEvent {
    /// Grows by one with every event of this process.
    pub sequence: u64,
    /// When it was seen.
    pub at: time::OffsetDateTime,
    /// What happened.
    pub event: Event,
}
