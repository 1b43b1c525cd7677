//! Features: the switch and the configuration.

use std::net::SocketAddr;

use ravelin_model::{
    ConntrackSyncConfig, DdosProtectionConfig, DnsBlockAction, DnsBlocklistConfig, Feature, FeatureConfig,
    FlowMonitoringConfig, FlowOffloadConfig, FlowRecordsConfig, HwOffloadConfig, HwOffloadMode,
    InterfaceScope, ListId, PolicyClassifierConfig, Revision, StatisticsConfig,
};
use serde::{Deserialize, Serialize};

use crate::{Change, Store, StoreError, convert};

/// A feature as stored; what was never set is the model's default, at revision 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFeature {
    /// Which.
    pub feature: Feature,
    /// What the user wants.
    pub enabled: bool,
    /// Of the feature's own type.
    pub config: FeatureConfig,
    /// Revision of the last change to the switch or the configuration.
    pub revision: Revision,
}

impl Store {
    /// Every feature, in the order of [`Feature::ALL`].
    pub async fn features(&self) -> Result<Vec<StoredFeature>, StoreError> {
        let rows: Vec<(String, Option<bool>, Option<String>, i64)> =
            sqlx::query_as("SELECT name, enabled, config, revision FROM feature")
                .fetch_all(&self.reader)
                .await
                .map_err(StoreError::ReadFeatures)?;
        let mut features = Feature::ALL.map(|feature| StoredFeature {
            feature,
            enabled: feature.enabled_by_default(),
            config: FeatureConfig::default_of(feature),
            revision: Revision::default(),
        });
        for (name, enabled, config, revision) in rows {
            let stored = features
                .iter_mut()
                .find(|stored| stored.feature.name() == name)
                .ok_or_else(|| convert::column("feature.name", None))?;
            stored.enabled = enabled.unwrap_or(stored.enabled);
            if let Some(json) = config {
                stored.config = read_config(stored.feature, &json)?;
            }
            stored.revision = convert::revision("feature.revision", revision)?;
        }
        Ok(features.to_vec())
    }
}

impl Change {
    /// Stores the switch.
    pub async fn set_feature_enabled(&mut self, feature: Feature, enabled: bool) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO feature (name, enabled, revision) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled, revision = excluded.revision",
        )
        .bind(feature.name())
        .bind(enabled)
        .bind(convert::signed(self.revision.0))
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteFeature)?;
        Ok(())
    }

    /// Stores the configuration of the feature it belongs to.
    pub async fn set_feature_config(&mut self, config: &FeatureConfig) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO feature (name, config, revision) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET config = excluded.config, revision = excluded.revision",
        )
        .bind(config.feature().name())
        .bind(write_config(config)?)
        .bind(convert::signed(self.revision.0))
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteFeature)?;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatisticsRow {
    measure_run_time: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowMonitoringRow {
    tcp_established_timeout_seconds: u32,
    tcp_transitory_timeout_seconds: u32,
    udp_timeout_seconds: u32,
    other_timeout_seconds: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeRow {
    All,
    External,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DdosProtectionRow {
    lists: Vec<String>,
    interfaces: ScopeRow,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionRow {
    Nxdomain,
    Drop,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsBlocklistRow {
    lists: Vec<String>,
    action: ActionRow,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyClassifierRow {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConntrackSyncRow {
    check_seconds: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowOffloadRow {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowRecordsRow {
    keep_records: u32,
    keep_hours: u32,
    collector: Option<SocketAddr>,
    observation_domain: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeRow {
    Active,
    DryRun,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HwOffloadRow {
    mode: ModeRow,
    min_packets_per_second: u32,
    max_flows: Option<u32>,
    idle_seconds: u32,
}

const CONFIG: &str = "feature.config";

fn write_config(config: &FeatureConfig) -> Result<String, StoreError> {
    let ids = |lists: &[ListId]| lists.iter().map(ListId::to_string).collect();
    match config {
        FeatureConfig::Statistics(StatisticsConfig { measure_run_time }) => to_json(&StatisticsRow {
            measure_run_time: *measure_run_time,
        }),
        FeatureConfig::FlowMonitoring(FlowMonitoringConfig {
            tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds,
            udp_timeout_seconds,
            other_timeout_seconds,
        }) => to_json(&FlowMonitoringRow {
            tcp_established_timeout_seconds: *tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds: *tcp_transitory_timeout_seconds,
            udp_timeout_seconds: *udp_timeout_seconds,
            other_timeout_seconds: *other_timeout_seconds,
        }),
        FeatureConfig::DdosProtection(DdosProtectionConfig { lists, interfaces }) => {
            let interfaces = match interfaces {
                InterfaceScope::All => ScopeRow::All,
                InterfaceScope::External => ScopeRow::External,
            };
            to_json(&DdosProtectionRow {
                lists: ids(lists),
                interfaces,
            })
        }
        FeatureConfig::DnsBlocklist(DnsBlocklistConfig { lists, action }) => {
            let action = match action {
                DnsBlockAction::Nxdomain => ActionRow::Nxdomain,
                DnsBlockAction::Drop => ActionRow::Drop,
            };
            to_json(&DnsBlocklistRow {
                lists: ids(lists),
                action,
            })
        }
        FeatureConfig::PolicyClassifier(PolicyClassifierConfig {}) => to_json(&PolicyClassifierRow {}),
        FeatureConfig::ConntrackSync(ConntrackSyncConfig { check_seconds }) => to_json(&ConntrackSyncRow {
            check_seconds: *check_seconds,
        }),
        FeatureConfig::FlowOffload(FlowOffloadConfig {}) => to_json(&FlowOffloadRow {}),
        FeatureConfig::FlowRecords(FlowRecordsConfig {
            keep_records,
            keep_hours,
            collector,
            observation_domain,
        }) => to_json(&FlowRecordsRow {
            keep_records: *keep_records,
            keep_hours: *keep_hours,
            collector: *collector,
            observation_domain: *observation_domain,
        }),
        FeatureConfig::HwOffload(HwOffloadConfig {
            mode,
            min_packets_per_second,
            max_flows,
            idle_seconds,
        }) => to_json(&HwOffloadRow {
            mode: match mode {
                HwOffloadMode::Active => ModeRow::Active,
                HwOffloadMode::DryRun => ModeRow::DryRun,
            },
            min_packets_per_second: *min_packets_per_second,
            max_flows: *max_flows,
            idle_seconds: *idle_seconds,
        }),
    }
}

fn read_config(feature: Feature, json: &str) -> Result<FeatureConfig, StoreError> {
    Ok(match feature {
        Feature::Statistics => {
            let StatisticsRow { measure_run_time } = from_json(json)?;
            FeatureConfig::Statistics(StatisticsConfig { measure_run_time })
        }
        Feature::FlowMonitoring => {
            let FlowMonitoringRow {
                tcp_established_timeout_seconds,
                tcp_transitory_timeout_seconds,
                udp_timeout_seconds,
                other_timeout_seconds,
            } = from_json(json)?;
            FeatureConfig::FlowMonitoring(FlowMonitoringConfig {
                tcp_established_timeout_seconds,
                tcp_transitory_timeout_seconds,
                udp_timeout_seconds,
                other_timeout_seconds,
            })
        }
        Feature::DdosProtection => {
            let DdosProtectionRow { lists, interfaces } = from_json(json)?;
            let interfaces = match interfaces {
                ScopeRow::All => InterfaceScope::All,
                ScopeRow::External => InterfaceScope::External,
            };
            FeatureConfig::DdosProtection(DdosProtectionConfig {
                lists: list_ids(&lists)?,
                interfaces,
            })
        }
        Feature::DnsBlocklist => {
            let DnsBlocklistRow { lists, action } = from_json(json)?;
            let action = match action {
                ActionRow::Nxdomain => DnsBlockAction::Nxdomain,
                ActionRow::Drop => DnsBlockAction::Drop,
            };
            FeatureConfig::DnsBlocklist(DnsBlocklistConfig {
                lists: list_ids(&lists)?,
                action,
            })
        }
        Feature::PolicyClassifier => {
            let PolicyClassifierRow {} = from_json(json)?;
            FeatureConfig::PolicyClassifier(PolicyClassifierConfig {})
        }
        Feature::ConntrackSync => {
            let ConntrackSyncRow { check_seconds } = from_json(json)?;
            FeatureConfig::ConntrackSync(ConntrackSyncConfig { check_seconds })
        }
        Feature::FlowOffload => {
            let FlowOffloadRow {} = from_json(json)?;
            FeatureConfig::FlowOffload(FlowOffloadConfig {})
        }
        Feature::FlowRecords => {
            let FlowRecordsRow {
                keep_records,
                keep_hours,
                collector,
                observation_domain,
            } = from_json(json)?;
            FeatureConfig::FlowRecords(FlowRecordsConfig {
                keep_records,
                keep_hours,
                collector,
                observation_domain,
            })
        }
        Feature::HwOffload => {
            let HwOffloadRow {
                mode,
                min_packets_per_second,
                max_flows,
                idle_seconds,
            } = from_json(json)?;
            FeatureConfig::HwOffload(HwOffloadConfig {
                mode: match mode {
                    ModeRow::Active => HwOffloadMode::Active,
                    ModeRow::DryRun => HwOffloadMode::DryRun,
                },
                min_packets_per_second,
                max_flows,
                idle_seconds,
            })
        }
    })
}

fn list_ids(texts: &[String]) -> Result<Vec<ListId>, StoreError> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|source: ravelin_model::InvalidList| convert::column(CONFIG, Some(source.into())))
        })
        .collect()
}

fn to_json<T: Serialize>(row: &T) -> Result<String, StoreError> {
    serde_json::to_string(row).map_err(|source| convert::column(CONFIG, Some(source.into())))
}

fn from_json<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|source| convert::column(CONFIG, Some(source.into())))
}
