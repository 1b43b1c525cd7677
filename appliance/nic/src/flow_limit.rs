//! How many flows a card takes.

use ravelin_model::HardwareProbe;

use crate::assessment::{FlowLimit, LimitSource};
use crate::cards::Identity;
use crate::drivers::Flower;

/// Resources of devlink that are entries of flow rules, by driver, and where that is written. No driver that can route
/// has one.
const RESOURCES: &[(&str, &str, &str)] = &[(
    "mlxsw_spectrum",
    "counters/flow",
    "drivers/net/ethernet/mellanox/mlxsw/spectrum_cnt.c",
)];

/// The limit, or that nobody says.
pub(crate) fn of(probe: &HardwareProbe, identity: &Identity) -> FlowLimit {
    from_devlink(probe)
        .or_else(|| of_model(identity))
        .unwrap_or_else(|| FlowLimit {
            value: None,
            source: LimitSource::Unknown,
            reason: "neither devlink nor the table of drivers says".to_owned(),
        })
}

fn from_devlink(probe: &HardwareProbe) -> Option<FlowLimit> {
    let device = probe.devlink.known()?;
    let driver = device.driver.as_deref().or(probe.driver.as_deref())?;
    device.resources.iter().find_map(|resource| {
        let (_, name, source) = RESOURCES
            .iter()
            .find(|(of, name, _)| *of == driver && *name == resource.name)?;
        Some(FlowLimit {
            value: Some(resource.size),
            source: LimitSource::Devlink,
            reason: format!("size of the resource {name} ({source})"),
        })
    })
}

fn of_model(identity: &Identity) -> Option<FlowLimit> {
    let driver = identity.driver().ok()?;
    let none = |reason: &str| FlowLimit {
        value: Some(0),
        source: LimitSource::ModelDefault,
        reason: format!("it takes no rules that route: {reason}"),
    };
    let routing = match &driver.flower {
        Flower::CannotRoute(reason) => return Some(none(reason)),
        Flower::Routes(routing) => routing,
    };
    let card = identity.card().filter(|card| card.driver == driver.name)?;
    Some(match card.cannot_route {
        Some(reason) => none(reason),
        None => FlowLimit {
            value: Some(routing.max_rules),
            source: LimitSource::ModelDefault,
            reason: routing.max_rules_source.to_owned(),
        },
    })
}
