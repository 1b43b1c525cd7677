//! Configurations to and from the model.

use ravelin_model as model;

use super::{
    ConntrackSyncConfig, DdosProtectionConfig, DnsBlockAction, DnsBlocklistConfig, FeatureConfig,
    FlowMonitoringConfig, FlowOffloadConfig, FlowRecordsConfig, HwOffloadConfig, HwOffloadMode,
    InterfaceScope, PolicyClassifierConfig, StatisticsConfig,
};
use crate::Text;

impl From<model::StatisticsConfig> for StatisticsConfig {
    fn from(config: model::StatisticsConfig) -> Self {
        let model::StatisticsConfig { measure_run_time } = config;
        Self { measure_run_time }
    }
}

impl From<StatisticsConfig> for model::StatisticsConfig {
    fn from(config: StatisticsConfig) -> Self {
        let StatisticsConfig { measure_run_time } = config;
        Self { measure_run_time }
    }
}

impl From<model::FlowMonitoringConfig> for FlowMonitoringConfig {
    fn from(config: model::FlowMonitoringConfig) -> Self {
        let model::FlowMonitoringConfig {
            tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds,
            udp_timeout_seconds,
            other_timeout_seconds,
        } = config;
        Self {
            tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds,
            udp_timeout_seconds,
            other_timeout_seconds,
        }
    }
}

impl From<FlowMonitoringConfig> for model::FlowMonitoringConfig {
    fn from(config: FlowMonitoringConfig) -> Self {
        let FlowMonitoringConfig {
            tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds,
            udp_timeout_seconds,
            other_timeout_seconds,
        } = config;
        Self {
            tcp_established_timeout_seconds,
            tcp_transitory_timeout_seconds,
            udp_timeout_seconds,
            other_timeout_seconds,
        }
    }
}

impl From<model::InterfaceScope> for InterfaceScope {
    fn from(scope: model::InterfaceScope) -> Self {
        match scope {
            model::InterfaceScope::All => Self::All,
            model::InterfaceScope::External => Self::External,
        }
    }
}

impl From<InterfaceScope> for model::InterfaceScope {
    fn from(scope: InterfaceScope) -> Self {
        match scope {
            InterfaceScope::All => Self::All,
            InterfaceScope::External => Self::External,
        }
    }
}

impl From<model::DdosProtectionConfig> for DdosProtectionConfig {
    fn from(config: model::DdosProtectionConfig) -> Self {
        let model::DdosProtectionConfig { lists, interfaces } = config;
        Self {
            lists: lists.into_iter().map(Text).collect(),
            interfaces: interfaces.into(),
        }
    }
}

impl From<DdosProtectionConfig> for model::DdosProtectionConfig {
    fn from(config: DdosProtectionConfig) -> Self {
        let DdosProtectionConfig { lists, interfaces } = config;
        Self {
            lists: lists.into_iter().map(|id| id.0).collect(),
            interfaces: interfaces.into(),
        }
    }
}

impl From<model::DnsBlockAction> for DnsBlockAction {
    fn from(action: model::DnsBlockAction) -> Self {
        match action {
            model::DnsBlockAction::Nxdomain => Self::Nxdomain,
            model::DnsBlockAction::Drop => Self::Drop,
        }
    }
}

impl From<DnsBlockAction> for model::DnsBlockAction {
    fn from(action: DnsBlockAction) -> Self {
        match action {
            DnsBlockAction::Nxdomain => Self::Nxdomain,
            DnsBlockAction::Drop => Self::Drop,
        }
    }
}

impl From<model::DnsBlocklistConfig> for DnsBlocklistConfig {
    fn from(config: model::DnsBlocklistConfig) -> Self {
        let model::DnsBlocklistConfig { lists, action } = config;
        Self {
            lists: lists.into_iter().map(Text).collect(),
            action: action.into(),
        }
    }
}

impl From<DnsBlocklistConfig> for model::DnsBlocklistConfig {
    fn from(config: DnsBlocklistConfig) -> Self {
        let DnsBlocklistConfig { lists, action } = config;
        Self {
            lists: lists.into_iter().map(|id| id.0).collect(),
            action: action.into(),
        }
    }
}

impl From<model::ConntrackSyncConfig> for ConntrackSyncConfig {
    fn from(config: model::ConntrackSyncConfig) -> Self {
        let model::ConntrackSyncConfig { check_seconds } = config;
        Self { check_seconds }
    }
}

impl From<ConntrackSyncConfig> for model::ConntrackSyncConfig {
    fn from(config: ConntrackSyncConfig) -> Self {
        let ConntrackSyncConfig { check_seconds } = config;
        Self { check_seconds }
    }
}

impl From<model::FlowRecordsConfig> for FlowRecordsConfig {
    fn from(config: model::FlowRecordsConfig) -> Self {
        let model::FlowRecordsConfig {
            keep_records,
            keep_hours,
            collector,
            observation_domain,
        } = config;
        Self {
            keep_records,
            keep_hours,
            collector: collector.map(Text),
            observation_domain,
        }
    }
}

impl From<FlowRecordsConfig> for model::FlowRecordsConfig {
    fn from(config: FlowRecordsConfig) -> Self {
        let FlowRecordsConfig {
            keep_records,
            keep_hours,
            collector,
            observation_domain,
        } = config;
        Self {
            keep_records,
            keep_hours,
            collector: collector.map(|collector| collector.0),
            observation_domain,
        }
    }
}

impl From<model::HwOffloadMode> for HwOffloadMode {
    fn from(mode: model::HwOffloadMode) -> Self {
        match mode {
            model::HwOffloadMode::Active => Self::Active,
            model::HwOffloadMode::DryRun => Self::DryRun,
        }
    }
}

impl From<HwOffloadMode> for model::HwOffloadMode {
    fn from(mode: HwOffloadMode) -> Self {
        match mode {
            HwOffloadMode::Active => Self::Active,
            HwOffloadMode::DryRun => Self::DryRun,
        }
    }
}

impl From<model::HwOffloadConfig> for HwOffloadConfig {
    fn from(config: model::HwOffloadConfig) -> Self {
        let model::HwOffloadConfig {
            mode,
            min_packets_per_second,
            max_flows,
            idle_seconds,
        } = config;
        Self {
            mode: mode.into(),
            min_packets_per_second,
            max_flows,
            idle_seconds,
        }
    }
}

impl From<HwOffloadConfig> for model::HwOffloadConfig {
    fn from(config: HwOffloadConfig) -> Self {
        let HwOffloadConfig {
            mode,
            min_packets_per_second,
            max_flows,
            idle_seconds,
        } = config;
        Self {
            mode: mode.into(),
            min_packets_per_second,
            max_flows,
            idle_seconds,
        }
    }
}

impl From<model::FeatureConfig> for FeatureConfig {
    fn from(config: model::FeatureConfig) -> Self {
        match config {
            model::FeatureConfig::Statistics(config) => Self::Statistics(config.into()),
            model::FeatureConfig::FlowMonitoring(config) => Self::FlowMonitoring(config.into()),
            model::FeatureConfig::DdosProtection(config) => Self::DdosProtection(config.into()),
            model::FeatureConfig::DnsBlocklist(config) => Self::DnsBlocklist(config.into()),
            model::FeatureConfig::PolicyClassifier(model::PolicyClassifierConfig {}) => {
                Self::PolicyClassifier(PolicyClassifierConfig {})
            }
            model::FeatureConfig::ConntrackSync(config) => Self::ConntrackSync(config.into()),
            model::FeatureConfig::FlowOffload(model::FlowOffloadConfig {}) => {
                Self::FlowOffload(FlowOffloadConfig {})
            }
            model::FeatureConfig::FlowRecords(config) => Self::FlowRecords(config.into()),
            model::FeatureConfig::HwOffload(config) => Self::HwOffload(config.into()),
        }
    }
}

impl From<FeatureConfig> for model::FeatureConfig {
    fn from(config: FeatureConfig) -> Self {
        match config {
            FeatureConfig::Statistics(config) => Self::Statistics(config.into()),
            FeatureConfig::FlowMonitoring(config) => Self::FlowMonitoring(config.into()),
            FeatureConfig::DdosProtection(config) => Self::DdosProtection(config.into()),
            FeatureConfig::DnsBlocklist(config) => Self::DnsBlocklist(config.into()),
            FeatureConfig::PolicyClassifier(PolicyClassifierConfig {}) => {
                Self::PolicyClassifier(model::PolicyClassifierConfig {})
            }
            FeatureConfig::ConntrackSync(config) => Self::ConntrackSync(config.into()),
            FeatureConfig::FlowOffload(FlowOffloadConfig {}) => {
                Self::FlowOffload(model::FlowOffloadConfig {})
            }
            FeatureConfig::FlowRecords(config) => Self::FlowRecords(config.into()),
            FeatureConfig::HwOffload(config) => Self::HwOffload(config.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_the_wire() {
        for feature in model::Feature::ALL {
            let config = model::FeatureConfig::default_of(feature);
            let json = serde_json::to_string(&FeatureConfig::from(config.clone())).expect("serialise");
            let back: FeatureConfig = serde_json::from_str(&json).expect("deserialise");
            // Two that have nothing to say look the same; the name beside them tells them apart.
            assert_eq!(
                serde_json::to_string(&back).expect("serialise"),
                json,
                "{feature}"
            );
            if json != "{}" {
                assert_eq!(model::FeatureConfig::from(back), config, "{json}");
            }
        }
    }
}
