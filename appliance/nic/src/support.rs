//! Whether established connections can be handed to a card.

use ravelin_model::{EswitchMode, HardwareChange, HardwareProbe, Told};

use crate::cards::{Card, Identity};
use crate::drivers::{Driver, Flower, Routing};

/// The feature that lets rules of tc into the card.
pub(crate) const HW_TC_OFFLOAD: &str = "hw-tc-offload";

/// Whether it can, why, and what would have to be changed first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) supported: bool,
    pub(crate) reason: String,
    pub(crate) remedy: Option<HardwareChange>,
}

/// Judges by the tables first and then by what is read of this very card. Whatever is not known speaks against it.
pub(crate) fn judge(probe: &HardwareProbe, identity: &Identity) -> Verdict {
    match by_tables(identity).and_then(|(routing, card)| by_mode(probe, routing).map(|()| (routing, card))) {
        Ok((routing, card)) => by_feature(probe, routing, card),
        Err(reason) => Verdict {
            supported: false,
            reason,
            remedy: None,
        },
    }
}

fn by_tables(identity: &Identity) -> Result<(&'static Routing, &'static Card), String> {
    let driver = identity.driver()?;
    let routing = match &driver.flower {
        Flower::CannotRoute(reason) => return Err((*reason).to_owned()),
        Flower::Routes(routing) => routing,
    };
    let card = identity.card().ok_or_else(|| no_card(identity, driver))?;
    if card.driver != driver.name {
        return Err(format!(
            "{} is driven by {}, but is known only with {}",
            card.model, driver.name, card.driver
        ));
    }
    match card.cannot_route {
        Some(reason) => Err(reason.to_owned()),
        None => Ok((routing, card)),
    }
}

fn no_card(identity: &Identity, driver: &Driver) -> String {
    match identity.pci() {
        Some(pci) => format!("the card {pci} of {} is in no table", driver.name),
        None => format!("{} does not say which card it drives", driver.name),
    }
}

fn by_mode(probe: &HardwareProbe, routing: &Routing) -> Result<(), String> {
    match &probe.devlink {
        Told::Known(device) => match device.eswitch_mode {
            None | Some(EswitchMode::Legacy) => Ok(()),
            Some(EswitchMode::Switchdev) => Err(routing.not_in_switchdev.to_owned()),
            Some(EswitchMode::Inactive) => Err("the switch of the card is inactive".to_owned()),
        },
        Told::Unsupported => Err("the mode of the card's switch is not known: no devlink".to_owned()),
        Told::Failed(error) => Err(format!("the mode of the card's switch is not known: {error}")),
    }
}

fn by_feature(probe: &HardwareProbe, routing: &Routing, card: &Card) -> Verdict {
    let no = |reason: String| Verdict {
        supported: false,
        reason,
        remedy: None,
    };
    let feature = match &probe.features {
        Told::Known(_) => probe.feature(HW_TC_OFFLOAD),
        Told::Unsupported => return no("the kernel tells no features of the interface".to_owned()),
        Told::Failed(error) => return no(format!("the features are not known: {error}")),
    };
    match feature {
        None => no(format!("the kernel does not tell {HW_TC_OFFLOAD}")),
        Some(feature) if feature.active => Verdict {
            supported: true,
            reason: format!("{HW_TC_OFFLOAD} is on, and on {} {}", card.model, routing.how),
            remedy: None,
        },
        Some(feature) if feature.fixed => no(format!("{HW_TC_OFFLOAD} is off and fixed")),
        Some(_) => Verdict {
            remedy: Some(HardwareChange::Feature {
                name: HW_TC_OFFLOAD.to_owned(),
                on: true,
            }),
            ..no(format!("{HW_TC_OFFLOAD} is off: switch it on"))
        },
    }
}
