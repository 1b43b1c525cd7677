//! What is said of a network card, in the words of the API.

use ravelin_api_types::{
    Capability, CapabilitySource, CapabilityValue, FeatureSwitch, InterfaceOffload, MaxFlows, MaxFlowsSource,
};
use ravelin_model::{HardwareChange, HardwareProbe};
use ravelin_nic::{Answer, Assessment, FlowLimit, LimitSource, Source, assess};

/// Assesses what was told of a card.
pub(crate) fn shown(probe: &HardwareProbe) -> InterfaceOffload {
    let Assessment {
        family,
        model,
        identity_source,
        capabilities,
        max_flows,
        supported,
        reason,
        remedy,
    } = assess(probe);
    InterfaceOffload {
        interface: probe.interface.clone(),
        index: probe.index,
        driver: probe.driver.clone(),
        driver_version: probe.driver_version.clone(),
        firmware: probe.firmware.clone(),
        bus: probe.bus.clone(),
        pci: probe.pci.map(|pci| pci.to_string()),
        family: family.map(str::to_owned),
        model: model.map(str::to_owned),
        model_source: identity_source.map(str::to_owned),
        supported,
        reason,
        remedy: remedy.and_then(switch),
        max_flows: limit(max_flows),
        capabilities: capabilities.into_iter().map(capability).collect(),
        hardware: probe.into(),
    }
}

fn switch(change: HardwareChange) -> Option<FeatureSwitch> {
    match change {
        HardwareChange::Feature { name, on } => Some(FeatureSwitch { feature: name, on }),
        _ => None,
    }
}

fn limit(limit: FlowLimit) -> MaxFlows {
    let FlowLimit {
        value,
        source,
        reason,
    } = limit;
    MaxFlows {
        value,
        source: match source {
            LimitSource::Driver => MaxFlowsSource::Driver,
            LimitSource::Devlink => MaxFlowsSource::Devlink,
            LimitSource::ModelDefault => MaxFlowsSource::ModelDefault,
            LimitSource::Unknown => MaxFlowsSource::Unknown,
        },
        reason,
    }
}

fn capability(capability: ravelin_nic::Capability) -> Capability {
    let ravelin_nic::Capability {
        ability,
        value,
        active,
        source,
        reason,
    } = capability;
    Capability {
        name: ability.name().to_owned(),
        value: match value {
            Answer::Yes => CapabilityValue::Yes,
            Answer::No => CapabilityValue::No,
            Answer::Unknown => CapabilityValue::Unknown,
        },
        active,
        source: match source {
            Source::Ethtool => CapabilitySource::Ethtool,
            Source::Devlink => CapabilitySource::Devlink,
            Source::Netdev => CapabilitySource::Netdev,
            Source::Table => CapabilitySource::Table,
            Source::Unknown => CapabilitySource::Unknown,
        },
        reason,
    }
}
