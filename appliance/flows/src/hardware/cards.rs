//! The cards behind interfaces.

use std::collections::BTreeMap;

use ravelin_kernel::{Link, NetworkCards};
use ravelin_model::{HardwareProbe, HwOffloadConfig, chain};
use ravelin_nic::{Ability, assess};

/// The card behind an interface, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    /// Kernel name of the interface.
    pub(crate) interface: String,
    /// Why it takes no rules that route; None: it does.
    pub(crate) problem: Option<String>,
    /// Its rules may change VLAN tags.
    pub(crate) retags: bool,
    /// What its ports have in common: driver, and address on the bus without the function.
    pub(crate) device: Option<String>,
    /// Most rules for frames that come in here.
    pub(crate) limit: Option<u64>,
    /// Longest IP packet, in bytes.
    pub(crate) mtu: u32,
}

/// Cards by the kernel index of their interface.
pub(crate) type Cards = BTreeMap<u32, Card>;

/// Asks for the cards of all links.
pub(crate) fn probe(links: &[Link], config: &HwOffloadConfig) -> Cards {
    let mut source = NetworkCards::open().map_err(|error| chain(&error));
    links
        .iter()
        .filter(|link| !link.loopback && link.vlan.is_none())
        .map(|link| {
            let probe = match &mut source {
                Ok(source) => source.probe(&link.name).map_err(|error| chain(&error)),
                Err(problem) => Err(problem.clone()),
            };
            (link.index, card(link, probe, config))
        })
        .collect()
}

/// Those that take rules, by their interface.
pub(crate) fn supported(cards: &Cards) -> Vec<u32> {
    let fit = cards.iter().filter(|(_, card)| card.problem.is_none());
    fit.map(|(index, _)| *index).collect()
}

/// Most rules for frames that come in by an interface; 0 where nobody says.
pub(crate) fn limit(interface: u32, cards: &Cards, config: &HwOffloadConfig) -> u64 {
    let card = cards.get(&interface).and_then(|card| card.limit);
    card.into_iter()
        .chain(config.max_flows.map(u64::from))
        .min()
        .unwrap_or(0)
}

/// What matters here of a card.
pub(crate) fn card(link: &Link, probe: Result<HardwareProbe, String>, config: &HwOffloadConfig) -> Card {
    let mut card = Card {
        interface: link.name.clone(),
        problem: None,
        retags: false,
        device: None,
        limit: None,
        mtu: link.mtu_bytes,
    };
    match probe {
        Err(problem) => card.problem = Some(problem),
        Ok(probe) => {
            let said = assess(&probe);
            card.limit = said.max_flows.value;
            card.retags = said.can(Ability::VlanRules);
            let slot = probe.bus.as_deref().and_then(|bus| bus.rsplit_once('.'));
            let driver = probe.driver.as_deref().unwrap_or_default();
            card.device = slot.map(|(slot, _)| format!("{driver} {slot}"));
            if !said.supported {
                card.problem = Some(said.reason);
            } else if card.limit.is_none() && config.max_flows.is_none() {
                card.problem = Some("nobody says how many flows its card takes; set max_flows".to_owned());
            }
        }
    }
    card
}
