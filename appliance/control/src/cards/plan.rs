//! What has to be done to a network card, and what cannot be. Asks nobody.

use ravelin_model::{HardwareChange, HardwareProbe, HardwareSettings, NicFeature, Told};

/// The kernel's names of the features that can be set (net/ethtool/common.c, `netdev_features_strings`).
mod feature {
    pub(super) const LARGE_RECEIVE_OFFLOAD: &str = "rx-lro";
    pub(super) const NTUPLE_FILTERS: &str = "rx-ntuple-filter";
    pub(super) const HW_TC_OFFLOAD: &str = "hw-tc-offload";
    pub(super) const RX_VLAN_OFFLOAD: &str = "rx-vlan-hw-parse";
}

/// What a card is set to; None: it does not tell.
pub(crate) fn found(probe: &HardwareProbe) -> HardwareSettings {
    // A feature this kernel does not know is not on.
    let on = |name: &str| {
        let features = probe.features.known()?;
        Some(
            features
                .iter()
                .any(|feature| feature.name == name && feature.active),
        )
    };
    let rings = probe.rings.known();
    let channels = probe.channels.known();
    HardwareSettings {
        large_receive_offload: on(feature::LARGE_RECEIVE_OFFLOAD),
        ntuple_filters: on(feature::NTUPLE_FILTERS),
        symmetric_receive_hash: probe.spread.known().and_then(|spread| spread.symmetric),
        hw_tc_offload: on(feature::HW_TC_OFFLOAD),
        rx_vlan_offload: on(feature::RX_VLAN_OFFLOAD),
        rx_ring_descriptors: rings.map(|rings| rings.rx),
        tx_ring_descriptors: rings.map(|rings| rings.tx),
        rx_channels: channels.map(|channels| channels.rx),
        tx_channels: channels.map(|channels| channels.tx),
        combined_channels: channels.map(|channels| channels.combined),
    }
}

/// What makes a card be what is wanted. What takes the link down for a moment comes last.
pub(crate) fn plan(wanted: HardwareSettings, probe: &HardwareProbe) -> Vec<HardwareChange> {
    let HardwareSettings {
        large_receive_offload,
        ntuple_filters,
        symmetric_receive_hash,
        hw_tc_offload,
        rx_vlan_offload,
        rx_ring_descriptors,
        tx_ring_descriptors,
        rx_channels,
        tx_channels,
        combined_channels,
    } = wanted.unlike(found(probe));
    let switches = [
        (feature::LARGE_RECEIVE_OFFLOAD, large_receive_offload),
        (feature::NTUPLE_FILTERS, ntuple_filters),
        (feature::HW_TC_OFFLOAD, hw_tc_offload),
        (feature::RX_VLAN_OFFLOAD, rx_vlan_offload),
    ];
    let switched = switches.into_iter().filter_map(|(name, on)| {
        Some(HardwareChange::Feature {
            name: name.to_owned(),
            on: on?,
        })
    });
    let mut changes: Vec<HardwareChange> = switched.collect();
    changes.extend(symmetric_receive_hash.map(HardwareChange::SymmetricSpread));
    if rx_ring_descriptors.or(tx_ring_descriptors).is_some() {
        changes.push(HardwareChange::Rings {
            rx: rx_ring_descriptors,
            tx: tx_ring_descriptors,
        });
    }
    if rx_channels.or(tx_channels).or(combined_channels).is_some() {
        changes.push(HardwareChange::Channels {
            rx: rx_channels,
            tx: tx_channels,
            combined: combined_channels,
        });
    }
    changes
}

/// Whether the link goes down for a moment.
pub(crate) fn interrupts(change: &HardwareChange) -> bool {
    matches!(
        change,
        HardwareChange::Rings { .. } | HardwareChange::Channels { .. }
    )
}

/// A setting a card cannot have, and why, to follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impossible {
    pub(crate) setting: &'static str,
    pub(crate) why: String,
}

/// What of the wanted settings the card says it cannot have. What it has already it can have.
pub(crate) fn impossible(wanted: HardwareSettings, probe: &HardwareProbe) -> Vec<Impossible> {
    let other = wanted.unlike(found(probe));
    let HardwareSettings {
        large_receive_offload,
        ntuple_filters,
        symmetric_receive_hash,
        hw_tc_offload,
        rx_vlan_offload,
        rx_ring_descriptors,
        tx_ring_descriptors,
        rx_channels: _,
        tx_channels: _,
        combined_channels: _,
    } = other;
    let switches = [
        (
            "large_receive_offload",
            feature::LARGE_RECEIVE_OFFLOAD,
            large_receive_offload,
        ),
        ("ntuple_filters", feature::NTUPLE_FILTERS, ntuple_filters),
        ("hw_tc_offload", feature::HW_TC_OFFLOAD, hw_tc_offload),
        ("rx_vlan_offload", feature::RX_VLAN_OFFLOAD, rx_vlan_offload),
    ];
    let mut found: Vec<Impossible> = Vec::new();
    let mut cannot = |setting, why: Option<String>| {
        found.extend(why.map(|why| Impossible { setting, why }));
    };
    for (setting, name, on) in switches {
        if on.is_some() {
            cannot(setting, why_not_switched(name, probe));
        }
    }
    if symmetric_receive_hash.is_some() {
        let why = match &probe.spread {
            Told::Known(spread) if spread.symmetric.is_some() => None,
            Told::Failed(why) => Some(format!("could not be asked for: {why}")),
            Told::Known(_) | Told::Unsupported => Some(format!("is nothing {} can do", driver(probe))),
        };
        cannot("symmetric_receive_hash", why);
    }
    let rings = [
        (
            "rx_ring_descriptors",
            rx_ring_descriptors,
            probe.rings.known().map(|rings| rings.rx_max),
        ),
        (
            "tx_ring_descriptors",
            tx_ring_descriptors,
            probe.rings.known().map(|rings| rings.tx_max),
        ),
    ];
    for (setting, wanted, most) in rings {
        if let Some(wanted) = wanted {
            cannot(setting, why_not_so_many(wanted, most, &probe.rings, probe));
        }
    }
    for Impossible { setting, why } in impossible_channels(wanted, other, probe) {
        cannot(setting, Some(why));
    }
    found
}

fn impossible_channels(
    wanted: HardwareSettings,
    other: HardwareSettings,
    probe: &HardwareProbe,
) -> Vec<Impossible> {
    let most = probe.channels.known();
    let counts = [
        ("rx_channels", other.rx_channels, most.map(|most| most.rx_max)),
        ("tx_channels", other.tx_channels, most.map(|most| most.tx_max)),
        (
            "combined_channels",
            other.combined_channels,
            most.map(|most| most.combined_max),
        ),
    ];
    let mut found: Vec<Impossible> = counts
        .into_iter()
        .filter_map(|(setting, wanted, most)| {
            let why = why_not_so_many(wanted?, most, &probe.channels, probe)?;
            Some(Impossible { setting, why })
        })
        .collect();
    // The kernel leaves no interface without a queue (net/ethtool/channels.c, `ethnl_set_channels`).
    if let (true, Some(now)) = (found.is_empty(), most) {
        let rx = wanted.rx_channels.unwrap_or(now.rx);
        let tx = wanted.tx_channels.unwrap_or(now.tx);
        let combined = wanted.combined_channels.unwrap_or(now.combined);
        let emptied = [
            ("combined_channels", other.combined_channels, combined),
            ("rx_channels", other.rx_channels, rx),
            ("tx_channels", other.tx_channels, tx),
        ];
        if combined == 0 && (rx == 0 || tx == 0) {
            let said = emptied
                .into_iter()
                .find(|(_, said, count)| said.is_some() && *count == 0);
            found.extend(said.map(|(setting, _, _)| Impossible {
                setting,
                why: "leaves no channel to receive or to send by".to_owned(),
            }));
        }
    }
    found
}

fn why_not_switched(name: &str, probe: &HardwareProbe) -> Option<String> {
    match &probe.features {
        Told::Failed(why) => Some(format!("could not be asked for: {why}")),
        Told::Unsupported => Some(format!("is nothing {} tells of", driver(probe))),
        Told::Known(_) => match probe.feature(name) {
            None => Some("is nothing this kernel knows".to_owned()),
            Some(NicFeature {
                supported: true,
                fixed: false,
                ..
            }) => None,
            Some(NicFeature { active: true, .. }) => Some(format!("is always on with {}", driver(probe))),
            Some(_) => Some(format!("is nothing {} can do", driver(probe))),
        },
    }
}

fn why_not_so_many<T>(
    wanted: u32,
    most: Option<u32>,
    told: &Told<T>,
    probe: &HardwareProbe,
) -> Option<String> {
    match (told, most) {
        (Told::Failed(why), _) => Some(format!("could not be asked for: {why}")),
        (_, None) => Some(format!("is nothing {} lets one set", driver(probe))),
        (_, Some(most)) if wanted > most => {
            Some(format!("is more than {most}, the most {} takes", driver(probe)))
        }
        _ => None,
    }
}

fn driver(probe: &HardwareProbe) -> String {
    match &probe.driver {
        Some(driver) => format!("the driver {driver}"),
        None => "its driver".to_owned(),
    }
}

/// What came of settings, where it is something else, in words; None: they are in force.
pub(crate) fn deviation(wanted: HardwareSettings, found: HardwareSettings) -> Option<String> {
    let other = wanted.unlike(found);
    let said: Vec<String> = other
        .said()
        .map(
            |(name, value)| match found.said().find(|(found, _)| *found == name) {
                Some((_, found)) => format!("{name} is {found}, not {value}"),
                None => format!("{name} is not told, and should be {value}"),
            },
        )
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests;
