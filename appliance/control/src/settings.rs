//! What the user wants of each feature, and what follows from it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ravelin_datapath::{FlowTimeouts, Switches};
use ravelin_model::{
    DnsBlockAction, Feature, FeatureConfig, FlowMonitoringConfig, FlowSettings, InterfaceScope,
    InvalidFeatureConfig, List, ListId, ListKind, Revision,
};

use crate::{ControlError, Precondition};

/// What the user wants of one feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) enabled: bool,
    pub(crate) config: FeatureConfig,
    /// Of the last change.
    pub(crate) revision: Revision,
}

/// What the user wants of every feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings(BTreeMap<Feature, Setting>);

impl Settings {
    /// The given settings; features without one have their default.
    pub(crate) fn new(stored: impl IntoIterator<Item = (Feature, Setting)>) -> Self {
        let defaults = Feature::ALL.map(|feature| {
            let setting = Setting {
                enabled: feature.enabled_by_default(),
                config: FeatureConfig::default_of(feature),
                revision: Revision::default(),
            };
            (feature, setting)
        });
        Self(defaults.into_iter().chain(stored).collect())
    }

    pub(crate) fn get(&self, feature: Feature) -> &Setting {
        &self.0[&feature]
    }

    fn with(&self, feature: Feature, change: impl FnOnce(&mut Setting)) -> Self {
        let mut changed = self.clone();
        changed.0.entry(feature).and_modify(change);
        changed
    }

    /// With the feature's revision set.
    pub(crate) fn at_revision(&self, feature: Feature, revision: Revision) -> Self {
        self.with(feature, |setting| setting.revision = revision)
    }

    /// With the feature switched; None: it is so already.
    pub(crate) fn switched(&self, feature: Feature, enabled: bool) -> Result<Option<Self>, ControlError> {
        if self.get(feature).enabled == enabled {
            return Ok(None);
        }
        if enabled {
            let missing: Vec<Feature> = feature
                .depends_on()
                .iter()
                .copied()
                .filter(|needed| !self.get(*needed).enabled)
                .collect();
            if !missing.is_empty() {
                return Err(ControlError::MissingDependency { feature, missing });
            }
        } else {
            let users: Vec<Feature> = Feature::ALL
                .into_iter()
                .filter(|user| self.get(*user).enabled && user.depends_on().contains(&feature))
                .collect();
            if !users.is_empty() {
                return Err(ControlError::NeededBy { feature, users });
            }
        }
        Ok(Some(self.with(feature, |setting| setting.enabled = enabled)))
    }

    /// With the configuration replaced; None: it is so already.
    pub(crate) fn configured(
        &self,
        config: &FeatureConfig,
        precondition: Precondition,
        lists: &[List],
    ) -> Result<Option<Self>, ControlError> {
        let feature = config.feature();
        let current = self.get(feature);
        precondition.check(current.revision)?;
        let problems = problems(config, lists);
        if !problems.is_empty() {
            return Err(ControlError::InvalidConfig { feature, problems });
        }
        if current.config == *config {
            return Ok(None);
        }
        Ok(Some(
            self.with(feature, |setting| setting.config = config.clone()),
        ))
    }

    /// Features whose configuration names the list.
    pub(crate) fn users_of(&self, list: &ListId) -> Vec<Feature> {
        Feature::ALL
            .into_iter()
            .filter(|feature| self.get(*feature).config.lists().contains(list))
            .collect()
    }

    /// Lists the data plane must hold for the feature; None while it is disabled.
    pub(crate) fn loaded_lists(&self, feature: Feature) -> Option<BTreeSet<ListId>> {
        let setting = self.get(feature);
        setting
            .enabled
            .then(|| setting.config.lists().iter().cloned().collect())
    }

    /// Switches of the data plane. A feature in `faults` stays off: what it needs is not loaded.
    /// The classifier too, as long as it has no policy.
    pub(crate) fn switches(&self, faults: &BTreeMap<Feature, String>, classifying: bool) -> Switches {
        let on = |feature| self.get(feature).enabled && !faults.contains_key(&feature);
        let mut switches = Switches {
            statistics: on(Feature::Statistics),
            flow_monitoring: on(Feature::FlowMonitoring),
            ddos_protection: on(Feature::DdosProtection),
            dns_blocklist: on(Feature::DnsBlocklist),
            policy_classifier: on(Feature::PolicyClassifier) && classifying,
            flow_offload: on(Feature::FlowOffload),
            ..Switches::default()
        };
        for setting in self.0.values() {
            match &setting.config {
                FeatureConfig::Statistics(_)
                | FeatureConfig::FlowMonitoring(_)
                | FeatureConfig::PolicyClassifier(_)
                | FeatureConfig::ConntrackSync(_)
                | FeatureConfig::FlowOffload(_)
                | FeatureConfig::FlowRecords(_)
                | FeatureConfig::HwOffload(_) => {}
                FeatureConfig::DdosProtection(config) => {
                    switches.ddos_external_only = config.interfaces == InterfaceScope::External;
                }
                FeatureConfig::DnsBlocklist(config) => {
                    switches.dns_drop = config.action == DnsBlockAction::Drop;
                }
            }
        }
        switches
    }

    /// Whether the kernel shall time program runs.
    pub(crate) fn measures_run_time(&self) -> bool {
        let setting = self.get(Feature::Statistics);
        setting.enabled && matches!(&setting.config, FeatureConfig::Statistics(c) if c.measure_run_time)
    }

    /// What is to be done about connections.
    pub(crate) fn flows(&self) -> FlowSettings {
        let mut flows = FlowSettings::default();
        if let FeatureConfig::FlowRecords(config) = &self.get(Feature::FlowRecords).config {
            // What was recorded goes in time, too, when nothing is any more.
            flows.retention = Some(config.retention());
        }
        for setting in self.0.values().filter(|setting| setting.enabled) {
            match &setting.config {
                FeatureConfig::ConntrackSync(config) => flows.sync = Some(config.clone()),
                FeatureConfig::FlowOffload(_) => flows.offload = true,
                FeatureConfig::FlowRecords(config) => flows.records = Some(config.clone()),
                FeatureConfig::HwOffload(config) => flows.hardware = Some(config.clone()),
                FeatureConfig::Statistics(_)
                | FeatureConfig::FlowMonitoring(_)
                | FeatureConfig::DdosProtection(_)
                | FeatureConfig::DnsBlocklist(_)
                | FeatureConfig::PolicyClassifier(_) => {}
            }
        }
        flows
    }

    /// Idle times of the flow maps.
    pub(crate) fn flow_timeouts(&self) -> FlowTimeouts {
        let config = match &self.get(Feature::FlowMonitoring).config {
            FeatureConfig::FlowMonitoring(config) => config.clone(),
            _ => FlowMonitoringConfig::default(),
        };
        let seconds = |value: u32| Duration::from_secs(value.into());
        FlowTimeouts {
            tcp_established: seconds(config.tcp_established_timeout_seconds),
            tcp_transitory: seconds(config.tcp_transitory_timeout_seconds),
            udp: seconds(config.udp_timeout_seconds),
            other: seconds(config.other_timeout_seconds),
        }
    }
}

/// Everything wrong with a configuration, given the lists there are.
fn problems(config: &FeatureConfig, lists: &[List]) -> Vec<InvalidFeatureConfig> {
    let (named, kind) = match config {
        FeatureConfig::Statistics(_) | FeatureConfig::PolicyClassifier(_) | FeatureConfig::FlowOffload(_) => {
            return Vec::new();
        }
        FeatureConfig::ConntrackSync(config) => return config.problems(),
        FeatureConfig::FlowRecords(config) => return config.problems(),
        FeatureConfig::HwOffload(config) => return config.problems(),
        FeatureConfig::FlowMonitoring(config) => return config.problems(),
        FeatureConfig::DdosProtection(config) => (&config.lists, ListKind::Address),
        FeatureConfig::DnsBlocklist(config) => (&config.lists, ListKind::Domain),
    };
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for id in named {
        let found = lists.iter().find(|list| list.id == *id);
        let problem = match found {
            None => format!("names '{id}', which does not exist"),
            Some(list) if list.kind != kind => format!("names '{id}', which is of the wrong kind"),
            Some(_) if !seen.insert(id) => format!("names '{id}' twice"),
            Some(_) => continue,
        };
        problems.push(InvalidFeatureConfig {
            field: "lists",
            problem,
        });
    }
    problems
}
