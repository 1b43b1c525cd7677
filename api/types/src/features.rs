//! Features of the data plane and their configurations.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use flows::{
    ConntrackSyncConfig, ConntrackSyncConfigPatch, ConntrackSyncState, FlowOffloadConfig, FlowRecordsConfig,
    FlowRecordsConfigPatch, OffloadInterface, SyncState,
};
pub use hw_offload::{HwOffloadConfig, HwOffloadConfigPatch, HwOffloadInterface, HwOffloadMode};

use crate::{Attachment, Errors, Fields, FromJson, Node, Text};

/// Name of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeatureName {
    /// Counts packets and bytes.
    Statistics,
    /// Counts flows.
    FlowMonitoring,
    /// Drops listed sources.
    DdosProtection,
    /// Blocks queries for listed names.
    DnsBlocklist,
    /// Classifies packets by the policy.
    PolicyClassifier,
    /// Keeps the flow cache in step with conntrack.
    ConntrackSync,
    /// Forwards established connections in XDP.
    FlowOffload,
    /// Notes connections when they end.
    FlowRecords,
    /// Has network cards forward the busiest connections.
    HwOffload,
}

impl From<model::Feature> for FeatureName {
    fn from(feature: model::Feature) -> Self {
        match feature {
            model::Feature::Statistics => Self::Statistics,
            model::Feature::FlowMonitoring => Self::FlowMonitoring,
            model::Feature::DdosProtection => Self::DdosProtection,
            model::Feature::DnsBlocklist => Self::DnsBlocklist,
            model::Feature::PolicyClassifier => Self::PolicyClassifier,
            model::Feature::ConntrackSync => Self::ConntrackSync,
            model::Feature::FlowOffload => Self::FlowOffload,
            model::Feature::FlowRecords => Self::FlowRecords,
            model::Feature::HwOffload => Self::HwOffload,
        }
    }
}

/// How a feature is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeatureState {
    /// Switched off.
    Disabled,
    /// Switched on, not yet in the data plane.
    Starting,
    /// At work on every interface.
    Active,
    /// At work, but not everywhere or not fully.
    Degraded,
    /// Switched on and not at work.
    Failed,
}

impl From<model::FeatureState> for FeatureState {
    fn from(state: model::FeatureState) -> Self {
        match state {
            model::FeatureState::Disabled => Self::Disabled,
            model::FeatureState::Starting => Self::Starting,
            model::FeatureState::Active => Self::Active,
            model::FeatureState::Degraded => Self::Degraded,
            model::FeatureState::Failed => Self::Failed,
        }
    }
}

/// Configuration of `statistics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatisticsConfig {
    /// Have the kernel time each program run; costs about 20 ns a packet.
    pub measure_run_time: bool,
}

/// Members to change; `null` and unknown members are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatisticsConfigPatch {
    /// See `StatisticsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub measure_run_time: Option<bool>,
}

impl FromJson for StatisticsConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let measure_run_time = fields.required("measure_run_time", errors);
        fields.finish(errors);
        Some(Self {
            measure_run_time: measure_run_time?,
        })
    }
}

/// Configuration of `flow_monitoring`: idle seconds after which a flow is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowMonitoringConfig {
    /// TCP, both sides heard, not closing.
    #[schema(minimum = 1, maximum = 864_000)]
    pub tcp_established_timeout_seconds: u32,
    /// TCP opening or closing.
    #[schema(minimum = 1, maximum = 864_000)]
    pub tcp_transitory_timeout_seconds: u32,
    /// UDP.
    #[schema(minimum = 1, maximum = 864_000)]
    pub udp_timeout_seconds: u32,
    /// ICMP and everything else.
    #[schema(minimum = 1, maximum = 864_000)]
    pub other_timeout_seconds: u32,
}

/// Members to change; `null` and unknown members are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowMonitoringConfigPatch {
    /// See `FlowMonitoringConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 864_000)]
    pub tcp_established_timeout_seconds: Option<u32>,
    /// See `FlowMonitoringConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 864_000)]
    pub tcp_transitory_timeout_seconds: Option<u32>,
    /// See `FlowMonitoringConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 864_000)]
    pub udp_timeout_seconds: Option<u32>,
    /// See `FlowMonitoringConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 864_000)]
    pub other_timeout_seconds: Option<u32>,
}

impl FromJson for FlowMonitoringConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let mut seconds = |name, errors: &mut Errors| {
            fields.required_with(name, errors, |node, errors| {
                node.integer(&model::FlowMonitoringConfig::TIMEOUT_SECONDS, errors)
            })
        };
        let tcp_established = seconds("tcp_established_timeout_seconds", errors);
        let tcp_transitory = seconds("tcp_transitory_timeout_seconds", errors);
        let udp = seconds("udp_timeout_seconds", errors);
        let other = seconds("other_timeout_seconds", errors);
        fields.finish(errors);
        Some(Self {
            tcp_established_timeout_seconds: tcp_established?,
            tcp_transitory_timeout_seconds: tcp_transitory?,
            udp_timeout_seconds: udp?,
            other_timeout_seconds: other?,
        })
    }
}

/// Which interfaces a feature looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceScope {
    /// Every attached interface.
    All,
    /// Only those flagged external.
    External,
}

impl FromJson for InterfaceScope {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        node.word(&[("all", Self::All), ("external", Self::External)], errors)
    }
}

/// Configuration of `ddos_protection`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DdosProtectionConfig {
    /// Ids of the address lists whose entries are dropped.
    #[schema(value_type = Vec<String>, example = json!(["blocklist"]))]
    pub lists: Vec<Text<model::ListId>>,
    /// Where.
    pub interfaces: InterfaceScope,
}

/// Members to change; `null` and unknown members are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DdosProtectionConfigPatch {
    /// See `DdosProtectionConfig`; replaces the whole array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub lists: Option<Vec<Text<model::ListId>>>,
    /// See `DdosProtectionConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interfaces: Option<InterfaceScope>,
}

impl FromJson for DdosProtectionConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let lists = fields.required("lists", errors);
        let interfaces = fields.required("interfaces", errors);
        fields.finish(errors);
        Some(Self {
            lists: lists?,
            interfaces: interfaces?,
        })
    }
}

/// What happens to a query for a listed name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DnsBlockAction {
    /// Answered NXDOMAIN.
    Nxdomain,
    /// Dropped.
    Drop,
}

impl FromJson for DnsBlockAction {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        node.word(&[("nxdomain", Self::Nxdomain), ("drop", Self::Drop)], errors)
    }
}

/// Configuration of `dns_blocklist`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsBlocklistConfig {
    /// Ids of the domain lists whose names are blocked.
    #[schema(value_type = Vec<String>, example = json!(["dns-blocklist"]))]
    pub lists: Vec<Text<model::ListId>>,
    /// How.
    pub action: DnsBlockAction,
}

/// Members to change; `null` and unknown members are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsBlocklistConfigPatch {
    /// See `DnsBlocklistConfig`; replaces the whole array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub lists: Option<Vec<Text<model::ListId>>>,
    /// See `DnsBlocklistConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub action: Option<DnsBlockAction>,
}

impl FromJson for DnsBlocklistConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let lists = fields.required("lists", errors);
        let action = fields.required("action", errors);
        fields.finish(errors);
        Some(Self {
            lists: lists?,
            action: action?,
        })
    }
}

/// Configuration of `policy_classifier`: there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyClassifierConfig {}

impl FromJson for PolicyClassifierConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let fields = Fields::of(node, errors)?;
        fields.finish(errors);
        Some(Self {})
    }
}

/// Configuration of a feature; `name` beside it says of which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FeatureConfig {
    /// Of `statistics`.
    Statistics(StatisticsConfig),
    /// Of `flow_monitoring`.
    FlowMonitoring(FlowMonitoringConfig),
    /// Of `ddos_protection`.
    DdosProtection(DdosProtectionConfig),
    /// Of `dns_blocklist`.
    DnsBlocklist(DnsBlocklistConfig),
    /// Of `policy_classifier`.
    PolicyClassifier(PolicyClassifierConfig),
    /// Of `conntrack_sync`.
    ConntrackSync(ConntrackSyncConfig),
    /// Of `flow_offload`.
    FlowOffload(FlowOffloadConfig),
    /// Of `flow_records`.
    FlowRecords(FlowRecordsConfig),
    /// Of `hw_offload`.
    HwOffload(HwOffloadConfig),
}

/// A named number a feature counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counter {
    /// With its unit.
    pub name: String,
    /// The number.
    pub value: u64,
    /// Whether the number may fall.
    pub gauge: bool,
}

impl From<model::Counter> for Counter {
    fn from(counter: model::Counter) -> Self {
        let model::Counter { name, value, gauge } = counter;
        Self { name, value, gauge }
    }
}

/// Everything there is to say about a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Feature {
    /// Its name.
    pub name: FeatureName,
    /// One sentence for people.
    pub summary: String,
    /// What the user wants.
    pub enabled: bool,
    /// What is.
    pub state: FeatureState,
    /// Why it is degraded or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state_reason: Option<String>,
    /// Features that must be enabled first.
    pub depends_on: Vec<FeatureName>,
    /// Hooks its programs sit on.
    pub hooks: Vec<Attachment>,
    /// Its configuration.
    pub config: FeatureConfig,
    /// What it counted.
    pub counters: Vec<Counter>,
    /// Of `conntrack_sync`: where the flow cache stands to conntrack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sync: Option<ConntrackSyncState>,
    /// Of `flow_offload`: interfaces, and why frames cannot be redirected to some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offload_interfaces: Option<Vec<OffloadInterface>>,
    /// Of `hw_offload`: interfaces, and why cards of some do not forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hw_offload_interfaces: Option<Vec<HwOffloadInterface>>,
    /// Revision of the last change to its switch or configuration; also its ETag.
    pub revision: u64,
}

impl From<model::FeatureStatus> for Feature {
    fn from(status: model::FeatureStatus) -> Self {
        let model::FeatureStatus {
            feature,
            enabled,
            state,
            state_reason,
            hooks,
            config,
            counters,
            detail,
            revision,
        } = status;
        let mut shown = Self {
            name: feature.into(),
            summary: feature.summary().to_owned(),
            enabled,
            state: state.into(),
            state_reason,
            depends_on: feature.depends_on().iter().map(|f| (*f).into()).collect(),
            hooks: hooks.into_iter().map(Into::into).collect(),
            config: config.into(),
            counters: counters.into_iter().map(Into::into).collect(),
            sync: None,
            offload_interfaces: None,
            hw_offload_interfaces: None,
            revision: revision.0,
        };
        match detail {
            model::FeatureDetail::None => {}
            model::FeatureDetail::ConntrackSync { state, synced_at } => {
                shown.sync = Some(ConntrackSyncState::new(&state, synced_at));
            }
            model::FeatureDetail::FlowOffload(ports) => {
                shown.offload_interfaces = Some(ports.into_iter().map(Into::into).collect());
            }
            model::FeatureDetail::HwOffload(ports) => {
                shown.hw_offload_interfaces = Some(ports.into_iter().map(Into::into).collect());
            }
        }
        shown
    }
}

mod convert;
mod flows;
mod hw_offload;
