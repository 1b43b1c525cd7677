//! What the evidence for an ability amounts to.

use ravelin_model::{EswitchMode, HardwareProbe, Told};

use crate::ability::{Ability, Evidence};
use crate::assessment::{Answer, Capability, Source};
use crate::cards::Identity;
use crate::drivers::{Driver, Flower, Means, Tunnels};

/// Value, whether it is active, source and reason.
type Finding = (Answer, Option<bool>, Source, String);

/// Says whether a card can, by the evidence there is.
pub(crate) fn weigh(ability: Ability, probe: &HardwareProbe, identity: &Identity) -> Capability {
    let driver = identity.driver().ok();
    let (value, active, source, reason) = match ability.evidence() {
        Evidence::Feature(name) => feature(name, probe, driver),
        Evidence::Tunnel { feature, of_driver } => tunnel(feature, of_driver, probe, driver),
        Evidence::Nothing(reason) => unknown(reason.to_owned()),
        Evidence::Symmetric => symmetric(probe),
        Evidence::Xdp(supported) => told(&probe.xdp, "netdev", |xdp| {
            let value = supported(xdp);
            let says = if value { "says so" } else { "does not say so" };
            (
                value.into(),
                None,
                Source::Netdev,
                format!("the kernel {says} of this interface"),
            )
        }),
        Evidence::Switchdev => switchdev(probe),
        Evidence::RoutingRules => routing_rules(identity),
        Evidence::VlanRules => vlan_rules(identity),
    };
    Capability {
        ability,
        value,
        active,
        source,
        reason,
    }
}

fn unknown(reason: String) -> Finding {
    (Answer::Unknown, None, Source::Unknown, reason)
}

fn told<T>(what: &Told<T>, family: &str, find: impl FnOnce(&T) -> Finding) -> Finding {
    match what {
        Told::Known(value) => find(value),
        Told::Unsupported => unknown(format!("{family} tells nothing of this interface")),
        Told::Failed(error) => unknown(format!("{family} could not be asked: {error}")),
    }
}

fn feature(name: &str, probe: &HardwareProbe, driver: Option<&Driver>) -> Finding {
    told(&probe.features, "ethtool", |features| {
        let Some(feature) = features.iter().find(|feature| feature.name == name) else {
            return unknown(format!("ethtool tells no feature {name}"));
        };
        let can = feature.active || !feature.fixed;
        if let Some(driver) = driver.filter(|driver| can && driver.software) {
            let reason = format!("{name} can be on, but no hardware is behind {}", driver.name);
            return (Answer::No, Some(false), Source::Table, reason);
        }
        let state = match (feature.active, feature.fixed) {
            (true, false) => "on",
            (true, true) => "on and fixed",
            (false, false) => "off and can be switched on",
            (false, true) => "off and fixed",
        };
        (
            can.into(),
            Some(feature.active),
            Source::Ethtool,
            format!("{name} is {state}"),
        )
    })
}

/// A kind of UDP tunnel: the feature must be there, and the driver must mean this kind by it.
fn tunnel(
    name: &str,
    of_driver: fn(&Tunnels) -> Means,
    probe: &HardwareProbe,
    driver: Option<&Driver>,
) -> Finding {
    let bit = feature(name, probe, driver);
    let (Answer::Yes, active, _, state) = bit else {
        return bit;
    };
    let Some(tunnels) = driver.and_then(|driver| driver.tunnels) else {
        return unknown(format!(
            "{state}, but it stands for UDP tunnels of any kind and no table says which this driver means"
        ));
    };
    let source = tunnels.source;
    let yes = |why: String| (Answer::Yes, active, Source::Table, why);
    let not_told = || {
        unknown(format!(
            "{state}, but nothing tells whether for this kind ({source})"
        ))
    };
    match of_driver(&tunnels) {
        Means::Yes => yes(format!(
            "{state}, and the driver means this kind by it ({source})"
        )),
        Means::No => (
            Answer::No,
            Some(false),
            Source::Table,
            format!("{state}, but the driver does not mean this kind by it ({source})"),
        ),
        Means::YesWith(other) => match probe.feature(other) {
            Some(told) if told.active || !told.fixed => yes(format!(
                "{state}, and so is {other}, by which the driver means this kind ({source})"
            )),
            _ => not_told(),
        },
        Means::NotTold => not_told(),
    }
}

fn symmetric(probe: &HardwareProbe) -> Finding {
    told(&probe.spread, "ethtool", |spread| match spread.symmetric {
        Some(true) => (
            Answer::Yes,
            Some(true),
            Source::Ethtool,
            "the hash is symmetric".to_owned(),
        ),
        Some(false) => (
            Answer::Unknown,
            Some(false),
            Source::Ethtool,
            "the hash is not symmetric now; whether it can be is only found out by trying".to_owned(),
        ),
        None => unknown("this kernel does not tell whether the hash is symmetric".to_owned()),
    })
}

fn switchdev(probe: &HardwareProbe) -> Finding {
    told(&probe.devlink, "devlink", |device| {
        let (value, active, reason) = match device.eswitch_mode {
            Some(EswitchMode::Switchdev) => (Answer::Yes, Some(true), "the switch is in switchdev mode"),
            Some(EswitchMode::Legacy) => (Answer::Yes, Some(false), "the switch is in legacy mode"),
            Some(EswitchMode::Inactive) => (Answer::Yes, Some(false), "the switch is inactive"),
            None => (Answer::No, None, "devlink tells no switch"),
        };
        (value, active, Source::Devlink, reason.to_owned())
    })
}

fn routing_rules(identity: &Identity) -> Finding {
    let driver = match identity.driver() {
        Ok(driver) => driver,
        Err(reason) => return unknown(reason),
    };
    let (value, reason) = match (&driver.flower, identity.card()) {
        (Flower::CannotRoute(reason), _) => (Answer::No, *reason),
        (Flower::Routes(_), Some(card)) if card.driver != driver.name => {
            return unknown(format!("{} is not known with {}", card.model, driver.name));
        }
        (Flower::Routes(routing), Some(card)) => match card.cannot_route {
            Some(reason) => (Answer::No, reason),
            None => (Answer::Yes, routing.how),
        },
        (Flower::Routes(_), None) => return unknown("the card is in no table".to_owned()),
    };
    (value, None, Source::Table, reason.to_owned())
}

fn vlan_rules(identity: &Identity) -> Finding {
    let routing = routing_rules(identity);
    match identity.driver().map(|driver| &driver.flower) {
        Ok(Flower::Routes(routes)) if routing.0 == Answer::Yes => {
            (Answer::No, None, Source::Table, routes.no_vlan.to_owned())
        }
        _ => routing,
    }
}
