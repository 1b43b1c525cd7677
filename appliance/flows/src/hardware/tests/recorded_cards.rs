//! Recorded cards: one that is not supported never gets a rule, whatever it is asked for.

use std::collections::BTreeSet;

use ravelin_kernel::Link;
use ravelin_model::{HardwareProbe, HwOffloadConfig, LinkCounters, LinkIdentity, LinkState, protocol};
use ravelin_nic::{Ability, assess};

use super::{LAN, WAN, cached, cards, recorded_card, tuple, web};
use crate::hardware::cards::{Card, Cards, card, supported};
use crate::hardware::plan::{Unfit, plan};

fn link(probe: &HardwareProbe, index: u32) -> Link {
    Link {
        index,
        name: probe.interface.clone(),
        hardware_address: None,
        mtu_bytes: 1500,
        addresses: Vec::new(),
        origins: Vec::new(),
        card: LinkIdentity::default(),
        driver: probe.driver.clone(),
        link_state: LinkState::Up,
        loopback: false,
        vlan: None,
        queueing: None,
        redirect: false,
        master: None,
        counters: LinkCounters::default(),
    }
}

/// A card as recorded; with a place on the bus where none was, so that two ports of it are of one card.
fn known(probe: &HardwareProbe, index: u32, config: &HwOffloadConfig) -> Card {
    let mut probe = probe.clone();
    probe.bus.get_or_insert_with(|| "0000:03:00.0".to_owned());
    card(&link(&probe, index), Ok(probe), config)
}

#[test]
fn a_recorded_card_that_is_not_supported_never_gets_a_rule() {
    let v6 = tuple("2001:db8:1::7", "2001:db8:2::9", [40_000, 443], protocol::UDP);
    let limits = [None, Some(16_777_216)].map(|max_flows| HwOffloadConfig {
        max_flows,
        ..HwOffloadConfig::default()
    });
    let mut refused = BTreeSet::new();
    for name in recorded_card::names() {
        let probe = recorded_card::load(&name);
        let said = assess(&probe);
        for config in &limits {
            let [lan, wan] = [LAN, WAN].map(|index| known(&probe, index, config));
            let mut good = cards();
            for card in good.values_mut() {
                card.device.clone_from(&lan.device);
            }
            let everywhere: [Cards; 3] = [
                Cards::from([(LAN, lan.clone()), (WAN, wan.clone())]),
                Cards::from([(LAN, lan), (WAN, good[&WAN].clone())]),
                Cards::from([(LAN, good[&LAN].clone()), (WAN, wan)]),
            ];
            for cards in &everywhere {
                for original in [web(), v6] {
                    for tags in [[None, None], [Some(7), Some(7)], [None, Some(100)]] {
                        let planned = plan(&cached(original, tags), cards);
                        if said.supported {
                            let fits = tags[0] == tags[1] || said.can(Ability::VlanRules);
                            assert_eq!(planned.is_ok(), fits, "{name}: {planned:?}");
                            continue;
                        }
                        let reason = Unfit::Card(name.clone(), said.reason.clone());
                        assert_eq!(planned, Err(reason), "{name}");
                        refused.insert(name.clone());
                    }
                }
            }
            let fit = if said.supported {
                vec![LAN, WAN]
            } else {
                Vec::new()
            };
            assert_eq!(supported(&everywhere[0]), fit, "{name}");
        }
    }
    // Nothing is shown by a loop over nothing.
    for name in [
        "veth", "virtio", "e1000e", "igb", "x550", "x710", "e810", "unknown",
    ] {
        assert!(refused.contains(name), "{name} is not among {refused:?}");
    }
    assert!(refused.len() < recorded_card::names().len(), "one routes");
}
