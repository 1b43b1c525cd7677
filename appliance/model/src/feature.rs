//! Features of the data plane: what can be switched on and off while packets flow.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    Attachment, ConntrackSyncConfig, FlowRecordsConfig, HwOffloadConfig, HwOffloadPort, ListId, OffloadPort,
    Revision, SyncState,
};

/// A feature of the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Counts every packet by interface, protocol and outcome.
    Statistics,
    /// Counts every flow.
    FlowMonitoring,
    /// Drops listed sources.
    DdosProtection,
    /// Answers or drops queries for listed names.
    DnsBlocklist,
    /// Classifies packets by the policy's zones and rules before nftables does.
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

impl Feature {
    /// Every feature, in the order they are shown.
    pub const ALL: [Self; 9] = [
        Self::Statistics,
        Self::FlowMonitoring,
        Self::DdosProtection,
        Self::DnsBlocklist,
        Self::PolicyClassifier,
        Self::ConntrackSync,
        Self::FlowOffload,
        Self::FlowRecords,
        Self::HwOffload,
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Statistics => "statistics",
            Self::FlowMonitoring => "flow_monitoring",
            Self::DdosProtection => "ddos_protection",
            Self::DnsBlocklist => "dns_blocklist",
            Self::PolicyClassifier => "policy_classifier",
            Self::ConntrackSync => "conntrack_sync",
            Self::FlowOffload => "flow_offload",
            Self::FlowRecords => "flow_records",
            Self::HwOffload => "hw_offload",
        }
    }

    /// One sentence for people.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Statistics => "Counts packets and bytes by interface, protocol and outcome.",
            Self::FlowMonitoring => "Counts packets and bytes of every flow and expires idle ones.",
            Self::DdosProtection => "Drops packets whose source is on an address list.",
            Self::DnsBlocklist => "Answers DNS queries for listed names with NXDOMAIN, or drops them.",
            Self::PolicyClassifier => {
                "Finds a packet's rule in eBPF, at a cost that does not grow with the rules; off, nftables does it alone."
            }
            Self::ConntrackSync => {
                "Follows every connection of the kernel and keeps the flow cache in step with them."
            }
            Self::FlowOffload => {
                "Forwards packets of established connections in XDP, address translation included."
            }
            Self::FlowRecords => "Notes every connection when it ends, and sends it to a collector by IPFIX.",
            Self::HwOffload => {
                "Has network cards that can forward the busiest connections without the processor."
            }
        }
    }

    /// Features that must be enabled first. A drop nobody can count is not allowed, so whatever
    /// drops needs the statistics; the policy has counters of its own. What is about connections needs to hear of them.
    pub fn depends_on(self) -> &'static [Self] {
        match self {
            Self::Statistics | Self::FlowMonitoring | Self::PolicyClassifier | Self::ConntrackSync => &[],
            Self::DdosProtection | Self::DnsBlocklist => &[Self::Statistics],
            Self::FlowOffload | Self::FlowRecords => &[Self::ConntrackSync],
            Self::HwOffload => &[Self::FlowOffload],
        }
    }

    /// Whether it is on when nobody said anything.
    pub fn enabled_by_default(self) -> bool {
        !matches!(self, Self::DdosProtection | Self::DnsBlocklist | Self::HwOffload)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No feature has that name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no feature is called '{0}'")]
pub struct UnknownFeature(pub String);

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Self, UnknownFeature> {
        Self::ALL
            .into_iter()
            .find(|f| f.name() == text)
            .ok_or_else(|| UnknownFeature(text.to_owned()))
    }
}

/// Configuration of [`Feature::Statistics`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatisticsConfig {
    /// Have the kernel time each program run; costs about 20 ns a packet.
    pub measure_run_time: bool,
}

/// Configuration of [`Feature::FlowMonitoring`]: idle seconds after which a flow is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowMonitoringConfig {
    /// TCP, both sides heard, not closing.
    pub tcp_established_timeout_seconds: u32,
    /// TCP opening or closing.
    pub tcp_transitory_timeout_seconds: u32,
    /// UDP.
    pub udp_timeout_seconds: u32,
    /// ICMP and everything else.
    pub other_timeout_seconds: u32,
}

impl Default for FlowMonitoringConfig {
    fn default() -> Self {
        Self {
            tcp_established_timeout_seconds: 7440,
            tcp_transitory_timeout_seconds: 240,
            udp_timeout_seconds: 180,
            other_timeout_seconds: 60,
        }
    }
}

/// Which interfaces a feature looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InterfaceScope {
    /// Every attached interface.
    #[default]
    All,
    /// Only those flagged external.
    External,
}

/// Configuration of [`Feature::DdosProtection`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DdosProtectionConfig {
    /// Address lists whose entries are dropped.
    pub lists: Vec<ListId>,
    /// Where.
    pub interfaces: InterfaceScope,
}

/// What happens to a query for a listed name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsBlockAction {
    /// Answered NXDOMAIN with EDE 15 where the client speaks EDNS (RFC 8914).
    #[default]
    Nxdomain,
    /// Dropped.
    Drop,
}

/// Configuration of [`Feature::DnsBlocklist`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsBlocklistConfig {
    /// Domain lists whose names are blocked.
    pub lists: Vec<ListId>,
    /// How.
    pub action: DnsBlockAction,
}

/// Configuration of [`Feature::PolicyClassifier`]: there is nothing to say. The policy is objects of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyClassifierConfig {}

/// Configuration of [`Feature::FlowOffload`]: there is nothing to say. Where it can be, the kernel says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowOffloadConfig {}

/// A value out of range, or a list that cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field} {problem}")]
pub struct InvalidFeatureConfig {
    /// Name of the field.
    pub field: &'static str,
    /// Why it is refused, to follow the field's name.
    pub problem: String,
}

impl FlowMonitoringConfig {
    /// Bounds of every time-out, in seconds.
    pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=864_000;

    /// Every field out of bounds.
    pub fn problems(&self) -> Vec<InvalidFeatureConfig> {
        let Self {
            tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds,
            udp_timeout_seconds,
            other_timeout_seconds,
        } = self;
        [
            ("tcp_established_timeout_seconds", tcp_established_timeout_seconds),
            ("tcp_transitory_timeout_seconds", tcp_transitory_timeout_seconds),
            ("udp_timeout_seconds", udp_timeout_seconds),
            ("other_timeout_seconds", other_timeout_seconds),
        ]
        .into_iter()
        .filter(|(_, value)| !Self::TIMEOUT_SECONDS.contains(value))
        .map(|(field, _)| InvalidFeatureConfig {
            field,
            problem: "is not within 1 to 864000 seconds".to_owned(),
        })
        .collect()
    }
}

impl ConntrackSyncConfig {
    /// Bounds of `check_seconds`.
    pub const CHECK_SECONDS: std::ops::RangeInclusive<u32> = 5..=3600;

    /// Every field out of bounds.
    pub fn problems(&self) -> Vec<InvalidFeatureConfig> {
        let Self { check_seconds } = self;
        outside("check_seconds", *check_seconds, &Self::CHECK_SECONDS)
            .into_iter()
            .collect()
    }
}

impl FlowRecordsConfig {
    /// Bounds of `keep_records`.
    pub const KEEP_RECORDS: std::ops::RangeInclusive<u32> = 1000..=1_000_000;

    /// Bounds of `keep_hours`: up to a year.
    pub const KEEP_HOURS: std::ops::RangeInclusive<u32> = 1..=8784;

    /// Every field out of bounds, or that cannot be.
    pub fn problems(&self) -> Vec<InvalidFeatureConfig> {
        let Self {
            keep_records,
            keep_hours,
            collector,
            observation_domain: _,
        } = self;
        let collector = collector.filter(|collector| {
            let address = collector.ip();
            collector.port() == 0 || address.is_unspecified() || address.is_multicast()
        });
        [
            outside("keep_records", *keep_records, &Self::KEEP_RECORDS),
            outside("keep_hours", *keep_hours, &Self::KEEP_HOURS),
            collector.map(|_| InvalidFeatureConfig {
                field: "collector",
                problem: "is not an address and a port of one host".to_owned(),
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl HwOffloadConfig {
    /// Bounds of `min_packets_per_second`.
    pub const MIN_PACKETS_PER_SECOND: std::ops::RangeInclusive<u32> = 1..=100_000_000;

    /// Bounds of `max_flows`: a connection is two.
    pub const MAX_FLOWS: std::ops::RangeInclusive<u32> = 2..=16_777_216;

    /// Bounds of `idle_seconds`.
    pub const IDLE_SECONDS: std::ops::RangeInclusive<u32> = 10..=3600;

    /// Every field out of bounds.
    pub fn problems(&self) -> Vec<InvalidFeatureConfig> {
        let Self {
            mode: _,
            min_packets_per_second,
            max_flows,
            idle_seconds,
        } = self;
        let max_flows = max_flows.and_then(|flows| outside("max_flows", flows, &Self::MAX_FLOWS));
        [
            outside(
                "min_packets_per_second",
                *min_packets_per_second,
                &Self::MIN_PACKETS_PER_SECOND,
            ),
            max_flows,
            outside("idle_seconds", *idle_seconds, &Self::IDLE_SECONDS),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The problem of a value that is not in its range.
fn outside(
    field: &'static str,
    value: u32,
    range: &std::ops::RangeInclusive<u32>,
) -> Option<InvalidFeatureConfig> {
    (!range.contains(&value)).then(|| InvalidFeatureConfig {
        field,
        problem: format!("is not within {} to {}", range.start(), range.end()),
    })
}

/// Configuration of a feature, of the feature's own type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureConfig {
    /// Of [`Feature::Statistics`].
    Statistics(StatisticsConfig),
    /// Of [`Feature::FlowMonitoring`].
    FlowMonitoring(FlowMonitoringConfig),
    /// Of [`Feature::DdosProtection`].
    DdosProtection(DdosProtectionConfig),
    /// Of [`Feature::DnsBlocklist`].
    DnsBlocklist(DnsBlocklistConfig),
    /// Of [`Feature::PolicyClassifier`].
    PolicyClassifier(PolicyClassifierConfig),
    /// Of [`Feature::ConntrackSync`].
    ConntrackSync(ConntrackSyncConfig),
    /// Of [`Feature::FlowOffload`].
    FlowOffload(FlowOffloadConfig),
    /// Of [`Feature::FlowRecords`].
    FlowRecords(FlowRecordsConfig),
    /// Of [`Feature::HwOffload`].
    HwOffload(HwOffloadConfig),
}

impl FeatureConfig {
    /// The feature it belongs to.
    pub fn feature(&self) -> Feature {
        match self {
            Self::Statistics(_) => Feature::Statistics,
            Self::FlowMonitoring(_) => Feature::FlowMonitoring,
            Self::DdosProtection(_) => Feature::DdosProtection,
            Self::DnsBlocklist(_) => Feature::DnsBlocklist,
            Self::PolicyClassifier(_) => Feature::PolicyClassifier,
            Self::ConntrackSync(_) => Feature::ConntrackSync,
            Self::FlowOffload(_) => Feature::FlowOffload,
            Self::FlowRecords(_) => Feature::FlowRecords,
            Self::HwOffload(_) => Feature::HwOffload,
        }
    }

    /// What a feature starts with.
    pub fn default_of(feature: Feature) -> Self {
        let built_in = |id: &str| vec![id.parse().expect("built-in list id")];
        match feature {
            Feature::Statistics => Self::Statistics(StatisticsConfig::default()),
            Feature::FlowMonitoring => Self::FlowMonitoring(FlowMonitoringConfig::default()),
            Feature::DdosProtection => Self::DdosProtection(DdosProtectionConfig {
                lists: built_in(ListId::BLOCKLIST),
                interfaces: InterfaceScope::default(),
            }),
            Feature::DnsBlocklist => Self::DnsBlocklist(DnsBlocklistConfig {
                lists: built_in(ListId::DNS_BLOCKLIST),
                action: DnsBlockAction::default(),
            }),
            Feature::PolicyClassifier => Self::PolicyClassifier(PolicyClassifierConfig::default()),
            Feature::ConntrackSync => Self::ConntrackSync(ConntrackSyncConfig::default()),
            Feature::FlowOffload => Self::FlowOffload(FlowOffloadConfig::default()),
            Feature::FlowRecords => Self::FlowRecords(FlowRecordsConfig::default()),
            Feature::HwOffload => Self::HwOffload(HwOffloadConfig::default()),
        }
    }

    /// Lists it uses.
    pub fn lists(&self) -> &[ListId] {
        match self {
            Self::Statistics(_)
            | Self::FlowMonitoring(_)
            | Self::PolicyClassifier(_)
            | Self::ConntrackSync(_)
            | Self::FlowOffload(_)
            | Self::FlowRecords(_)
            | Self::HwOffload(_) => &[],
            Self::DdosProtection(config) => &config.lists,
            Self::DnsBlocklist(config) => &config.lists,
        }
    }
}

/// How a feature is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureState {
    /// Switched off.
    Disabled,
    /// Switched on, not yet in the data plane.
    Starting,
    /// At work on every interface.
    Active,
    /// At work, but not everywhere or not fully; `state_reason` says what is missing.
    Degraded,
    /// Switched on and not at work; `state_reason` says why.
    Failed,
}

/// A named number a feature counts; it never decreases while the maps live, unless `gauge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// snake_case with its unit.
    pub name: String,
    /// The number.
    pub value: u64,
    /// True where the number may fall.
    pub gauge: bool,
}

/// What there is to say about one feature and no other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FeatureDetail {
    /// Nothing.
    #[default]
    None,
    /// Of [`Feature::ConntrackSync`].
    ConntrackSync {
        /// Where the cache stands to conntrack.
        state: SyncState,
        /// Since when it is in step.
        synced_at: Option<OffsetDateTime>,
    },
    /// Of [`Feature::FlowOffload`]: interfaces, and why frames cannot be redirected to some.
    FlowOffload(Vec<OffloadPort>),
    /// Of [`Feature::HwOffload`]: interfaces, and why cards of some do not forward.
    HwOffload(Vec<HwOffloadPort>),
}

/// Everything there is to say about a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureStatus {
    /// Which.
    pub feature: Feature,
    /// What the user wants.
    pub enabled: bool,
    /// What is.
    pub state: FeatureState,
    /// Why, for [`FeatureState::Degraded`] and [`FeatureState::Failed`].
    pub state_reason: Option<String>,
    /// Hooks its programs sit on.
    pub hooks: Vec<Attachment>,
    /// Its configuration.
    pub config: FeatureConfig,
    /// What it counted.
    pub counters: Vec<Counter>,
    /// What only this feature has to say.
    pub detail: FeatureDetail,
    /// Revision of the last change to the switch or the configuration; the ETag.
    pub revision: Revision,
}
