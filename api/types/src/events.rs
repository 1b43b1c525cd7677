//! Events of the stream.

use std::net::IpAddr;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FeatureName, FeatureState, InterfaceSettingsState, Reason, Recovery, Text, Timestamp, TuningDecision,
};

/// Type of an event; also the `event` of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// See `FeatureChanged`.
    FeatureChanged,
    /// See `ListChanged`.
    ListChanged,
    /// See `InterfaceChanged`.
    InterfaceChanged,
    /// See `InterfaceSettingsChanged`.
    InterfaceSettingsChanged,
    /// See `PacketDropped`.
    PacketDropped,
    /// See `DnsQueryBlocked`.
    DnsQueryBlocked,
    /// See `PolicyChanged`.
    PolicyChanged,
    /// See `LiveFlowsJudged`.
    LiveFlowsJudged,
    /// See `FlowsKilled`.
    FlowsKilled,
    /// See `PolicyVerdict`.
    PolicyVerdict,
    /// See `TuningDecision`.
    TuningDecided,
    /// See `Recovery`.
    RecoveryChanged,
    /// See `SystemUpdateChanged`.
    SystemUpdateChanged,
}

/// A feature was switched, configured, or changed state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeatureChanged {
    /// Which.
    pub feature: FeatureName,
    /// What the user wants.
    pub enabled: bool,
    /// What is.
    pub state: FeatureState,
    /// Revision of the change.
    pub revision: u64,
}

/// An update of the machine went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemUpdateChanged {
    /// Its id.
    pub id: String,
    /// How far it is: a `state` of `SystemUpdate`.
    #[schema(example = "writing")]
    pub state: String,
    /// Version of the bundle, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub version: Option<String>,
    /// Of the bundle, as far as it has come in.
    pub received_bytes: u64,
    /// Of the bundle, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total_bytes: Option<u64>,
    /// How far writing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 100, value_type = Option<u32>)]
    pub written_percent: Option<u8>,
    /// Why nothing came of it, or the new slot did not stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
}

impl From<model::SystemUpdateChanged> for SystemUpdateChanged {
    fn from(changed: model::SystemUpdateChanged) -> Self {
        let model::SystemUpdateChanged {
            id,
            state,
            version,
            received_bytes,
            total_bytes,
            written_percent,
            problem,
        } = changed;
        Self {
            id,
            state,
            version,
            received_bytes,
            total_bytes,
            written_percent,
            problem,
        }
    }
}

/// A list or its entries changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListChanged {
    /// Its id.
    #[schema(value_type = String)]
    pub list: Text<model::ListId>,
    /// Entries now; missing: the list is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entries_count: Option<u64>,
    /// Revision of the change.
    pub revision: u64,
}

/// An interface came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceChanged {
    /// Kernel name.
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// False: it is gone.
    pub present: bool,
    /// Programs sit on it.
    pub attached: bool,
}

/// The settings of an interface came into force, or are no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceSettingsChanged {
    /// Id of the settings.
    #[schema(value_type = String, example = "ifs_1f")]
    pub settings: Text<model::InterfaceSettingsId>,
    /// Kernel name of the interface.
    pub interface: String,
    /// How they are doing.
    pub state: InterfaceSettingsState,
    /// Why they are not in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// A packet was dropped or answered. A sample: the data plane sends a bounded number a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PacketDropped {
    /// Kernel index of the interface it came in on.
    pub interface_index: u32,
    /// Kernel name, if the interface is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// Why.
    pub reason: Reason,
    /// From.
    #[schema(value_type = String, example = "203.0.113.7")]
    pub source: IpAddr,
    /// To.
    #[schema(value_type = String, example = "192.0.2.1")]
    pub destination: IpAddr,
    /// IANA protocol number.
    #[schema(value_type = i32, minimum = 0, maximum = 255)]
    pub protocol: u8,
    /// 0 where the protocol has none.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub source_port: u16,
    /// 0 where the protocol has none.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub destination_port: u16,
    /// Id of the list that matched, if it is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub list: Option<Text<model::ListId>>,
    /// Id of the entry that matched, if it is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub entry: Option<Text<model::EntryId>>,
}

impl From<model::PacketDropped> for PacketDropped {
    fn from(packet: model::PacketDropped) -> Self {
        let model::PacketDropped {
            interface_index,
            interface,
            reason,
            source,
            destination,
            protocol,
            source_port,
            destination_port,
            list,
            entry,
        } = packet;
        Self {
            interface_index,
            interface,
            reason: reason.into(),
            source,
            destination,
            protocol,
            source_port,
            destination_port,
            list: list.map(Text),
            entry: entry.map(Text),
        }
    }
}

/// A listed name was asked for. A sample, like `PacketDropped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DnsQueryBlocked {
    /// The name as asked, lower case; bytes outside printable ASCII as `\DDD` (RFC 4343).
    pub name: String,
    /// Ids of the lists that have it.
    #[schema(value_type = Vec<String>)]
    pub lists: Vec<Text<model::ListId>>,
    /// The query's packet.
    pub packet: PacketDropped,
}

impl From<model::DnsQueryBlocked> for DnsQueryBlocked {
    fn from(query: model::DnsQueryBlocked) -> Self {
        let model::DnsQueryBlocked { packet, name, lists } = query;
        Self {
            name,
            lists: lists.into_iter().map(Text).collect(),
            packet: packet.into(),
        }
    }
}

/// The policy judged a new connection whose rule or zone pair is logged. A sample, like `PacketDropped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyVerdict {
    /// What became of it: `accept`, `drop` or `reject`.
    pub action: String,
    /// What decided: `rule`, `published_service`, `zone_pair`, `unwritten_pair`, `anti_lockout`, `invalid_state`,
    /// `no_zone` or `infrastructure`; missing: it is gone since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub origin: Option<String>,
    /// Id of the rule, the published service or the zone pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub origin_id: Option<String>,
    /// Revision of the policy it was judged by.
    pub revision: u64,
    /// `ebpf` where the classifier dropped it, else `nftables`.
    pub backend: String,
    /// Id of the zone it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_zone: Option<String>,
    /// Id of the zone it would leave by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_zone: Option<String>,
    /// Kernel name of the interface it came in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// From.
    #[schema(value_type = String, example = "203.0.113.7")]
    pub source: IpAddr,
    /// To.
    #[schema(value_type = String, example = "192.0.2.1")]
    pub destination: IpAddr,
    /// IANA protocol number.
    #[schema(value_type = i32, minimum = 0, maximum = 255)]
    pub protocol: u8,
    /// 0 where the protocol has none.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub source_port: u16,
    /// 0 where the protocol has none.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub destination_port: u16,
    /// Bytes of the packet.
    pub packet_bytes: u32,
}

impl From<model::PolicyVerdict> for PolicyVerdict {
    fn from(verdict: model::PolicyVerdict) -> Self {
        let model::PolicyVerdict {
            action,
            line,
            revision,
            backend,
            from,
            to,
            interface,
            source,
            destination,
            protocol,
            source_port,
            destination_port,
            packet_bytes,
        } = verdict;
        Self {
            action: action.name().to_owned(),
            origin: line.as_ref().map(|line| line.name().to_owned()),
            origin_id: line.as_ref().and_then(|line| line.id().map(str::to_owned)),
            revision: revision.0,
            backend: backend.name().to_owned(),
            from_zone: from.map(|zone| zone.to_string()),
            to_zone: to.map(|zone| zone.to_string()),
            interface,
            source,
            destination,
            protocol,
            source_port,
            destination_port,
            packet_bytes,
        }
    }
}

/// Another policy is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyChanged {
    /// Its revision.
    pub revision: u64,
    /// Whether packets are judged by it.
    pub enforced: bool,
    /// Until when it must be confirmed, or the one before returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub confirm_until: Option<Timestamp>,
}

/// Live connections were judged by the policy, and those it does not allow ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveFlowsJudged {
    /// Revision of the configuration.
    pub revision: u64,
    /// Connections that stay.
    pub kept: u64,
    /// Connections that were ended.
    pub cut: u64,
    /// Of `kept`: where they go could not be told.
    pub unjudged: u64,
    /// Why they could not be judged; all figures are 0 then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
}

/// Somebody had live connections ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowsKilled {
    /// How many.
    pub killed: u64,
    /// Both sides of TCP were told.
    pub reset: bool,
}

/// `data` of an event: the member named like `type` is there, the other ones are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Grows by one with every event of the engine's process; also the `id` of the stream.
    pub sequence: u64,
    /// When it was seen.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened.
    #[serde(rename = "type")]
    pub type_: EventType,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub feature_changed: Option<FeatureChanged>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub list_changed: Option<ListChanged>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface_changed: Option<InterfaceChanged>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface_settings_changed: Option<InterfaceSettingsChanged>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub packet_dropped: Option<PacketDropped>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_query_blocked: Option<DnsQueryBlocked>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub policy_changed: Option<PolicyChanged>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_flows_judged: Option<LiveFlowsJudged>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flows_killed: Option<FlowsKilled>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub policy_verdict: Option<PolicyVerdict>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tuning_decided: Option<TuningDecision>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recovery_changed: Option<Recovery>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub system_update_changed: Option<SystemUpdateChanged>,
}

impl From<model::SequencedEvent> for Event {
    fn from(sequenced: model::SequencedEvent) -> Self {
        let model::SequencedEvent { sequence, at, event } = sequenced;
        let mut data = Self {
            sequence,
            at: Timestamp(at),
            type_: EventType::FeatureChanged,
            feature_changed: None,
            list_changed: None,
            interface_changed: None,
            interface_settings_changed: None,
            packet_dropped: None,
            dns_query_blocked: None,
            policy_changed: None,
            live_flows_judged: None,
            flows_killed: None,
            policy_verdict: None,
            tuning_decided: None,
            recovery_changed: None,
            system_update_changed: None,
        };
        match event {
            model::Event::FeatureChanged {
                feature,
                enabled,
                state,
                revision,
            } => {
                data.type_ = EventType::FeatureChanged;
                data.feature_changed = Some(FeatureChanged {
                    feature: feature.into(),
                    enabled,
                    state: state.into(),
                    revision: revision.0,
                });
            }
            model::Event::ListChanged {
                list,
                entries_count,
                revision,
            } => {
                data.type_ = EventType::ListChanged;
                data.list_changed = Some(ListChanged {
                    list: Text(list),
                    entries_count,
                    revision: revision.0,
                });
            }
            model::Event::InterfaceChanged {
                interface,
                index,
                present,
                attached,
            } => {
                data.type_ = EventType::InterfaceChanged;
                data.interface_changed = Some(InterfaceChanged {
                    interface,
                    index,
                    present,
                    attached,
                });
            }
            model::Event::InterfaceSettingsChanged {
                settings,
                interface,
                state,
                reason,
            } => {
                data.type_ = EventType::InterfaceSettingsChanged;
                data.interface_settings_changed = Some(InterfaceSettingsChanged {
                    settings: Text(settings),
                    interface,
                    state: state.into(),
                    reason,
                });
            }
            model::Event::PacketDropped(packet) => {
                data.type_ = EventType::PacketDropped;
                data.packet_dropped = Some(packet.into());
            }
            model::Event::DnsQueryBlocked(query) => {
                data.type_ = EventType::DnsQueryBlocked;
                data.dns_query_blocked = Some(query.into());
            }
            model::Event::PolicyChanged {
                revision,
                enforced,
                confirm_until,
            } => {
                data.type_ = EventType::PolicyChanged;
                data.policy_changed = Some(PolicyChanged {
                    revision: revision.0,
                    enforced,
                    confirm_until: confirm_until.map(Timestamp),
                });
            }
            model::Event::LiveFlowsJudged {
                revision,
                kept,
                cut,
                unjudged,
                problem,
            } => {
                data.type_ = EventType::LiveFlowsJudged;
                data.live_flows_judged = Some(LiveFlowsJudged {
                    revision: revision.0,
                    kept,
                    cut,
                    unjudged,
                    problem,
                });
            }
            model::Event::FlowsKilled { killed, reset } => {
                data.type_ = EventType::FlowsKilled;
                data.flows_killed = Some(FlowsKilled { killed, reset });
            }
            model::Event::PolicyVerdict(verdict) => {
                data.type_ = EventType::PolicyVerdict;
                data.policy_verdict = Some(verdict.into());
            }
            model::Event::TuningDecided(decision) => {
                data.type_ = EventType::TuningDecided;
                data.tuning_decided = Some(decision.into());
            }
            model::Event::RecoveryChanged(recovery) => {
                data.type_ = EventType::RecoveryChanged;
                data.recovery_changed = Some(recovery.into());
            }
            model::Event::SystemUpdateChanged(changed) => {
                data.type_ = EventType::SystemUpdateChanged;
                data.system_update_changed = Some(changed.into());
            }
        }
        data
    }
}

/// `data` of the event `gap`: the reader was too slow, or resumed from too long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Events that are missing here.
    pub lost: u64,
}
