//! What everybody but the task may look at: published whole after every change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ravelin_compile::{CounterId, Inventory, NameImage, Ruleset};
use ravelin_kernel::Link;
use ravelin_model::{
    Action, Counter, EntryId, Feature, FeatureDetail, FeatureState, FeatureStatus, HwOffloadStatus,
    Interface, InterfaceSettingsId, ListId, NetworkFault, NetworkPart, Revision, SyncStatus, TuningSettings,
    VerdictLine,
};

use crate::hit_rows::HitRows;
use crate::policy::Positions;
use crate::retired::Retired;
use crate::settings::Settings;
use crate::status::{self, Obstacles, Ports};
use crate::{PolicyView, Readiness};

/// Entries of the live address image by their row of the hit counters.
pub(crate) type EntryOfRow = HashMap<u32, (ListId, EntryId)>;

/// The state of the engine as of the last change.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) revision: Revision,
    pub(crate) settings: Settings,
    /// Why there is no data plane.
    pub(crate) no_datapath: Option<Arc<str>>,
    /// Boot has not got to the data plane yet.
    pub(crate) starting: bool,
    /// Features whose lists could not be loaded, and why.
    pub(crate) faults: BTreeMap<Feature, String>,
    /// What features do not get of what they ask for, while they are at work.
    pub(crate) shortfalls: BTreeMap<Feature, String>,
    pub(crate) ports: Ports,
    /// Names of interfaces flagged external, whether they exist or not.
    pub(crate) external: BTreeSet<String>,
    pub(crate) rows: Arc<HitRows>,
    pub(crate) entries: Arc<EntryOfRow>,
    pub(crate) names: Option<Arc<NameImage>>,
    pub(crate) retired: Arc<Retired>,
    /// Times something that had come off was put back.
    pub(crate) repairs: u64,
    pub(crate) policy: Arc<PolicyView>,
    /// Of its ordered objects, in the store.
    pub(crate) positions: Arc<Positions>,
    /// What packets are judged by; None: the policy is not enforced.
    pub(crate) enforced: Option<Arc<Enforced>>,
    /// The classifier has the policy.
    pub(crate) classifying: bool,
    /// Where the flow cache stands to conntrack.
    pub(crate) sync: Arc<SyncStatus>,
    /// What tuning keeps to.
    pub(crate) tuning: Arc<TuningSettings>,
    /// How forwarding by network cards stands.
    pub(crate) hw_offload: Arc<HwOffloadStatus>,
    /// What of the network is not as the policy wants it.
    pub(crate) network: Arc<NetworkState>,
}

/// What of the network is not as the policy wants it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NetworkState {
    /// Part by part.
    pub(crate) faults: Vec<NetworkFault>,
    /// Why nothing could be set at all.
    pub(crate) problem: Option<String>,
    /// Links that are not the card their name stands for, and why not.
    pub(crate) strangers: BTreeMap<String, String>,
    /// Why daemons of others do not serve it as they shall.
    pub(crate) services: Option<String>,
}

impl NetworkState {
    /// Faults of an interface. That it is another card is one, whoever found it out.
    pub(crate) fn of(&self, interface: &str) -> Vec<NetworkFault> {
        let faults = self.faults.iter().filter(|fault| match &fault.part {
            NetworkPart::Link(name) | NetworkPart::Address(name, _) => name == interface,
            NetworkPart::Route(_) | NetworkPart::Rule(_) => false,
        });
        match self.strangers.get(interface) {
            None => faults.cloned().collect(),
            Some(why) => vec![NetworkFault {
                part: NetworkPart::Link(interface.to_owned()),
                waiting: false,
                reason: why.clone(),
            }],
        }
    }
}

/// The policy as both back-ends have it.
#[derive(Debug)]
pub(crate) struct Enforced {
    pub(crate) ruleset: Arc<Ruleset>,
    pub(crate) inventory: Arc<Inventory>,
    /// What each counter counts, and what becomes of it.
    pub(crate) lines: HashMap<CounterId, (VerdictLine, Action)>,
}

impl Snapshot {
    /// State of a feature and its reason.
    pub(crate) fn state(&self, feature: Feature) -> (FeatureState, Option<String>) {
        let obstacles = Obstacles {
            no_datapath: self.no_datapath.as_deref(),
            starting: self.starting,
            fault: self.faults.get(&feature).map(String::as_str),
            shortfall: self.shortfalls.get(&feature).map(String::as_str),
            sync: &self.sync,
            hw_offload: &self.hw_offload,
        };
        status::state(feature, self.settings.get(feature), obstacles, &self.ports)
    }

    /// A feature with what it counted.
    pub(crate) fn status(&self, feature: Feature, counters: Vec<Counter>) -> FeatureStatus {
        let setting = self.settings.get(feature);
        let (state, state_reason) = self.state(feature);
        FeatureStatus {
            feature,
            enabled: setting.enabled,
            state,
            state_reason,
            hooks: if setting.enabled {
                status::hooks(feature, &self.ports)
            } else {
                Vec::new()
            },
            config: setting.config.clone(),
            counters,
            detail: self.detail(feature),
            revision: setting.revision,
        }
    }

    fn detail(&self, feature: Feature) -> FeatureDetail {
        match feature {
            Feature::ConntrackSync => FeatureDetail::ConntrackSync {
                state: self.sync.state.clone(),
                synced_at: self.sync.synced_at,
            },
            Feature::FlowOffload => FeatureDetail::FlowOffload(self.sync.ports.clone()),
            Feature::HwOffload => FeatureDetail::HwOffload(self.hw_offload.ports.clone()),
            Feature::Statistics
            | Feature::FlowMonitoring
            | Feature::DdosProtection
            | Feature::DnsBlocklist
            | Feature::PolicyClassifier
            | Feature::FlowRecords => FeatureDetail::None,
        }
    }

    /// Whether everything enabled is at work.
    pub(crate) fn readiness(&self) -> Readiness {
        let problems: Vec<String> = Feature::ALL
            .into_iter()
            .filter_map(|feature| match self.state(feature) {
                (FeatureState::Disabled | FeatureState::Active, _) => None,
                (FeatureState::Starting, _) => Some(format!("{feature} is starting")),
                (FeatureState::Degraded, reason) => {
                    Some(format!("{feature} is degraded: {}", reason.unwrap_or_default()))
                }
                (FeatureState::Failed, reason) => {
                    Some(format!("{feature} failed: {}", reason.unwrap_or_default()))
                }
            })
            .chain(self.policy.problems.iter().cloned())
            .collect();
        Readiness {
            ready: problems.is_empty(),
            revision: self.revision,
            problems,
        }
    }

    /// What is said of the interface.
    fn settings_of(&self, name: &str) -> Option<InterfaceSettingsId> {
        let mut settings = self.policy.policy.interface_settings.values();
        let settings = settings.find(|settings| settings.spec.interface == name);
        settings.map(|settings| settings.id.clone())
    }

    /// A link with what Ravelin knows of it.
    pub(crate) fn interface(&self, link: &Link, links: &[Link]) -> Interface {
        let named = |index: u32| links.iter().find(|link| link.index == index);
        let name_of = |index: u32| named(index).map(|link| link.name.clone());
        let ports = links.iter().filter(|port| port.master == Some(link.index));
        let parent = link.vlan.and_then(|vlan| name_of(vlan.device));
        let members = parent
            .into_iter()
            .chain(ports.map(|port| port.name.clone()))
            .collect();
        let master = link.master.and_then(name_of);
        let Link {
            index,
            name,
            hardware_address,
            mtu_bytes,
            addresses,
            origins,
            card,
            driver,
            link_state,
            loopback,
            counters,
            ..
        } = link.clone();
        let port = self.ports.get(&index);
        Interface {
            external: self.external.contains(&name),
            attachments: port.map_or_else(Vec::new, |port| port.attached.attachments.clone()),
            attach_error: match (&self.no_datapath, port) {
                _ if loopback => None,
                (Some(reason), _) => Some(format!("there is no data plane: {reason}")),
                (None, port) => port.and_then(status::Port::problem),
            },
            settings: self.settings_of(&name),
            faults: self.network.of(&name),
            index,
            name,
            hardware_address,
            mtu_bytes,
            addresses,
            origins,
            card,
            master,
            members,
            driver,
            link_state,
            loopback,
            counters,
        }
    }
}
