//! Features that are about connections.

use std::net::SocketAddr;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// Configuration of `conntrack_sync`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConntrackSyncConfig {
    /// Seconds between comparisons of the flow cache with all of conntrack.
    #[schema(minimum = 5, maximum = 3600)]
    pub check_seconds: u32,
}

/// Members to change; `null` and unknown members are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConntrackSyncConfigPatch {
    /// See `ConntrackSyncConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 5, maximum = 3600)]
    pub check_seconds: Option<u32>,
}

impl FromJson for ConntrackSyncConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let check_seconds = fields.required_with("check_seconds", errors, |node, errors| {
            node.integer(&model::ConntrackSyncConfig::CHECK_SECONDS, errors)
        });
        fields.finish(errors);
        Some(Self {
            check_seconds: check_seconds?,
        })
    }
}

/// Configuration of `flow_offload`: there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowOffloadConfig {}

impl FromJson for FlowOffloadConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let fields = Fields::of(node, errors)?;
        fields.finish(errors);
        Some(Self {})
    }
}

/// Configuration of `flow_records`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowRecordsConfig {
    /// Most records kept; the oldest go first.
    #[schema(minimum = 1000, maximum = 1_000_000)]
    pub keep_records: u32,
    /// Hours after which a record goes.
    #[schema(minimum = 1, maximum = 8784)]
    pub keep_hours: u32,
    /// Address and UDP port of a collector they are sent to by IPFIX (RFC 7011), IPv6 in brackets; `null`: to none.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "[2001:db8::9]:4739")]
    pub collector: Option<Text<SocketAddr>>,
    /// IPFIX observation domain.
    pub observation_domain: u32,
}

/// Members to change; unknown members are refused, and `null` but for `collector`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowRecordsConfigPatch {
    /// See `FlowRecordsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1000, maximum = 1_000_000)]
    pub keep_records: Option<u32>,
    /// See `FlowRecordsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 8784)]
    pub keep_hours: Option<u32>,
    /// See `FlowRecordsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub collector: Option<Text<SocketAddr>>,
    /// See `FlowRecordsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub observation_domain: Option<u32>,
}

impl FromJson for FlowRecordsConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let mut number = |name, bounds, errors: &mut Errors| {
            fields.required_with(name, errors, |node, errors| node.integer(&bounds, errors))
        };
        let keep_records = number("keep_records", model::FlowRecordsConfig::KEEP_RECORDS, errors);
        let keep_hours = number("keep_hours", model::FlowRecordsConfig::KEEP_HOURS, errors);
        let observation_domain = number("observation_domain", 0..=u32::MAX, errors);
        let collector = fields.optional_with("collector", errors, Text::from_json);
        fields.finish(errors);
        Some(Self {
            keep_records: keep_records?,
            keep_hours: keep_hours?,
            collector: collector?,
            observation_domain: observation_domain?,
        })
    }
}

/// Where the flow cache stands to conntrack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConntrackSyncState {
    /// `off`, `seeding`, `synced`, `resyncing` after lost news, or `unavailable`.
    pub state: SyncState,
    /// Since when it is in step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub synced_at: Option<Timestamp>,
    /// Why it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
}

impl ConntrackSyncState {
    pub(super) fn new(state: &model::SyncState, synced_at: Option<OffsetDateTime>) -> Self {
        let (state, problem) = match state {
            model::SyncState::Off => (SyncState::Off, None),
            model::SyncState::Seeding => (SyncState::Seeding, None),
            model::SyncState::Synced => (SyncState::Synced, None),
            model::SyncState::Resyncing => (SyncState::Resyncing, None),
            model::SyncState::Unavailable(problem) => (SyncState::Unavailable, Some(problem.clone())),
        };
        Self {
            state,
            synced_at: synced_at.map(Timestamp),
            problem,
        }
    }
}

/// State of the flow cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// `conntrack_sync` is off.
    Off,
    /// Conntrack is read for the first time.
    Seeding,
    /// In step.
    Synced,
    /// News were lost, and conntrack is read anew.
    Resyncing,
    /// It cannot be done.
    Unavailable,
}

/// An interface and whether XDP can send by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OffloadInterface {
    /// Kernel name.
    #[schema(example = "lan0")]
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// Frames can be redirected to it.
    pub eligible: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
}

impl From<model::OffloadPort> for OffloadInterface {
    fn from(port: model::OffloadPort) -> Self {
        let model::OffloadPort {
            interface,
            index,
            problem,
        } = port;
        Self {
            interface,
            index,
            eligible: problem.is_none(),
            problem,
        }
    }
}
