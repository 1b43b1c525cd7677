//! Network cards that are not there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ravelin_model::{Channels, HardwareChange, HardwareProbe, NicFeature, ReceiveSpread, Rings, Told};

use crate::Hardware;

/// Network cards in memory, by name of their interface. They take changes and refuse them as the kernel does for a
/// driver that tells as much.
#[derive(Debug, Default)]
pub struct SimulatedHardware {
    cards: Mutex<BTreeMap<String, HardwareProbe>>,
    /// What an interface has that was not named.
    other: Option<HardwareProbe>,
}

impl SimulatedHardware {
    /// These and no others.
    pub fn new(cards: impl IntoIterator<Item = HardwareProbe>) -> Self {
        let cards = cards.into_iter().map(|card| (card.interface.clone(), card));
        Self {
            cards: Mutex::new(cards.collect()),
            other: None,
        }
    }

    /// Every interface, whatever its name, has a plain card: features that can be switched, rings and channels that can
    /// be set. Its driver is called `simulated`, which no table of cards knows.
    pub fn everywhere() -> Self {
        Self {
            cards: Mutex::default(),
            other: Some(plain_card()),
        }
    }

    /// Puts a card in, in place of what the interface had.
    pub fn insert(&self, card: HardwareProbe) {
        self.cards().insert(card.interface.clone(), card);
    }

    /// Takes a card out.
    pub fn remove(&self, interface: &str) {
        self.cards().remove(interface);
    }

    fn cards(&self) -> MutexGuard<'_, BTreeMap<String, HardwareProbe>> {
        // Nothing is left half done: a change is checked before it is made.
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_card<T>(
        &self,
        interface: &str,
        call: impl FnOnce(&mut HardwareProbe) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut cards = self.cards();
        if !cards.contains_key(interface)
            && let Some(other) = &self.other
        {
            let interface = interface.to_owned();
            let card = HardwareProbe {
                interface: interface.clone(),
                ..other.clone()
            };
            cards.insert(interface, card);
        }
        let card = cards
            .get_mut(interface)
            .ok_or_else(|| format!("there is no interface '{interface}'"))?;
        call(card)
    }
}

impl Hardware for SimulatedHardware {
    fn probe(&self, interface: &str) -> Result<HardwareProbe, String> {
        self.with_card(interface, |card| Ok(card.clone()))
    }

    fn change(&self, interface: &str, change: &HardwareChange) -> Result<(), String> {
        self.with_card(interface, |card| match change {
            HardwareChange::Feature { name, on } => switch(card, name, *on),
            HardwareChange::Rings { rx, tx } => set_rings(settable(&mut card.rings)?, *rx, *tx),
            HardwareChange::Channels { rx, tx, combined } => {
                set_channels(settable(&mut card.channels)?, *rx, *tx, *combined)
            }
            HardwareChange::SymmetricSpread(symmetric) => {
                let spread = settable(&mut card.spread)?;
                if spread.symmetric.is_none() {
                    return Err(UNSUPPORTED.to_owned());
                }
                spread.symmetric = Some(*symmetric);
                Ok(())
            }
            HardwareChange::Indirection(queues) => {
                let channels = card.channels.known().copied();
                redirect(settable(&mut card.spread)?, channels, queues)
            }
        })
    }
}

/// What the kernel answers for a driver that has no such thing.
const UNSUPPORTED: &str = "Operation not supported (os error 95)";

fn settable<T>(told: &mut Told<T>) -> Result<&mut T, String> {
    match told {
        Told::Known(value) => Ok(value),
        Told::Unsupported => Err(UNSUPPORTED.to_owned()),
        Told::Failed(why) => Err(why.clone()),
    }
}

fn switch(card: &mut HardwareProbe, name: &str, on: bool) -> Result<(), String> {
    let features = settable(&mut card.features)?;
    let feature = features
        .iter_mut()
        .find(|feature| feature.name == name)
        .ok_or_else(|| format!("there is no feature '{name}'"))?;
    if feature.fixed && feature.active != on {
        return Err(format!("feature '{name}' cannot be changed: its driver fixes it"));
    }
    feature.wanted = on;
    feature.active = on;
    Ok(())
}

fn set_rings(rings: &mut Rings, rx: Option<u32>, tx: Option<u32>) -> Result<(), String> {
    let exceeds = |wanted: Option<u32>, max: u32| wanted.is_some_and(|wanted| wanted > max);
    if exceeds(rx, rings.rx_max) || exceeds(tx, rings.tx_max) {
        return Err("requested ring size exceeds maximum".to_owned());
    }
    if rx == Some(0) || tx == Some(0) {
        return Err("a ring needs descriptors".to_owned());
    }
    rings.rx = rx.unwrap_or(rings.rx);
    rings.tx = tx.unwrap_or(rings.tx);
    Ok(())
}

fn set_channels(
    channels: &mut Channels,
    rx: Option<u32>,
    tx: Option<u32>,
    combined: Option<u32>,
) -> Result<(), String> {
    let wanted = Channels {
        rx: rx.unwrap_or(channels.rx),
        tx: tx.unwrap_or(channels.tx),
        combined: combined.unwrap_or(channels.combined),
        ..*channels
    };
    if wanted.rx > wanted.rx_max || wanted.tx > wanted.tx_max || wanted.combined > wanted.combined_max {
        return Err("requested channel count exceeds maximum".to_owned());
    }
    if wanted.combined == 0 && (wanted.rx == 0 || wanted.tx == 0) {
        return Err(
            "requested channel counts would result in no RX or TX channel being configured".to_owned(),
        );
    }
    *channels = wanted;
    Ok(())
}

fn redirect(spread: &mut ReceiveSpread, channels: Option<Channels>, queues: &[u32]) -> Result<(), String> {
    if queues.len() != spread.indirection.len() {
        return Err(format!(
            "the card has {} entries, not {}",
            spread.indirection.len(),
            queues.len()
        ));
    }
    let receiving = channels.map_or(u32::MAX, |channels| channels.rx.saturating_add(channels.combined));
    if let Some(queue) = queues.iter().find(|queue| **queue >= receiving) {
        return Err(format!("there is no queue {queue}"));
    }
    queues.clone_into(&mut spread.indirection);
    Ok(())
}

fn plain_card() -> HardwareProbe {
    let feature = |name: &str, active: bool, fixed: bool| NicFeature {
        name: name.to_owned(),
        active,
        wanted: active,
        supported: active || !fixed,
        fixed,
    };
    HardwareProbe {
        driver: Some("simulated".to_owned()),
        features: Told::Known(vec![
            feature("rx-gro", true, false),
            feature("rx-lro", false, false),
            feature("rx-ntuple-filter", false, false),
            feature("rx-hashing", true, true),
            feature("hw-tc-offload", false, true),
        ]),
        rings: Told::Known(Rings {
            rx: 256,
            rx_max: 4096,
            tx: 256,
            tx_max: 4096,
        }),
        channels: Told::Known(Channels {
            combined: 1,
            combined_max: 4,
            ..Channels::default()
        }),
        spread: Told::Known(ReceiveSpread {
            indirection: vec![0; 128],
            symmetric: Some(false),
            hash_function: 1,
        }),
        ..HardwareProbe::silent("simulated", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(hardware: &SimulatedHardware, change: HardwareChange) -> Result<(), String> {
        hardware.change("lan0", &change)
    }

    /// What the kernel refuses of veth and of QEMU's cards is refused (tests of ravelin-kernel, "cards"), and changes
    /// nothing.
    #[track_caller]
    fn check_refused(wanted: HardwareChange, why: &str) {
        let hardware = SimulatedHardware::everywhere();
        let before = hardware.probe("lan0").expect("probe");
        let refused = change(&hardware, wanted).expect_err(why);
        assert!(refused.starts_with(why), "{refused}");
        assert_eq!(hardware.probe("lan0"), Ok(before));
    }

    fn feature(name: &str, on: bool) -> HardwareChange {
        let name = name.to_owned();
        HardwareChange::Feature { name, on }
    }

    fn rings(rx: u32, tx: Option<u32>) -> HardwareChange {
        HardwareChange::Rings { rx: Some(rx), tx }
    }

    fn channels(rx: Option<u32>, combined: u32) -> HardwareChange {
        HardwareChange::Channels {
            rx,
            tx: None,
            combined: Some(combined),
        }
    }

    #[test]
    fn what_a_card_would_refuse_is_refused() {
        check_refused(feature("rx-levitation", true), "there is no feature");
        check_refused(
            feature("hw-tc-offload", true),
            "feature 'hw-tc-offload' cannot be changed",
        );
        check_refused(rings(4097, None), "requested ring size exceeds maximum");
        check_refused(rings(0, None), "a ring needs descriptors");
        check_refused(channels(None, 5), "requested channel count exceeds maximum");
        check_refused(channels(Some(1), 1), "requested channel count exceeds maximum");
        check_refused(
            channels(None, 0),
            "requested channel counts would result in no RX or TX",
        );
        check_refused(
            HardwareChange::Indirection(vec![0; 3]),
            "the card has 128 entries",
        );
        check_refused(HardwareChange::Indirection(vec![1; 128]), "there is no queue 1");
    }

    #[test]
    fn changes_are_read_back() {
        let hardware = SimulatedHardware::everywhere();
        for wanted in [
            feature("rx-lro", true),
            feature("hw-tc-offload", false),
            rings(512, None),
            channels(None, 4),
            HardwareChange::SymmetricSpread(true),
            HardwareChange::Indirection((0..128).map(|entry| entry % 4).collect()),
        ] {
            change(&hardware, wanted).expect("change");
        }
        let probe = hardware.probe("lan0").expect("probe");
        assert!(probe.feature("rx-lro").expect("feature").active);
        let rings = probe.rings.known().expect("rings");
        assert_eq!((rings.rx, rings.tx), (512, 256), "what is not named stays");
        assert_eq!(probe.channels.known().expect("channels").combined, 4);
        let spread = probe.spread.known().expect("spread");
        assert_eq!((spread.symmetric, spread.indirection[7]), (Some(true), 3));
        let other = hardware.probe("wan0").expect("probe");
        assert!(
            !other.feature("rx-lro").expect("feature").active,
            "of another card"
        );
    }

    #[test]
    fn a_card_can_be_put_in_and_taken_out() {
        let hardware = SimulatedHardware::new([]);
        let missing = Err("there is no interface 'lan0'".to_owned());
        assert_eq!(hardware.probe("lan0"), missing);
        let card = HardwareProbe::silent("lan0", 2);
        hardware.insert(card.clone());
        assert_eq!(hardware.probe("lan0"), Ok(card));
        let refused = change(&hardware, rings(512, None));
        assert_eq!(refused, Err(UNSUPPORTED.to_owned()));
        hardware.remove("lan0");
        assert_eq!(hardware.probe("lan0"), missing);
    }
}
