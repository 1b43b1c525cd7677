use proptest::option;
use proptest::prelude::*;
use ravelin_model::{Channels, ReceiveSpread, Rings};

use super::*;
use crate::{Hardware, SimulatedHardware};

fn feature(name: &str, active: bool, supported: bool, fixed: bool) -> NicFeature {
    NicFeature {
        name: name.to_owned(),
        active,
        wanted: active,
        supported,
        fixed,
    }
}

/// A card that can do everything.
fn able() -> HardwareProbe {
    HardwareProbe {
        driver: Some("able".to_owned()),
        features: Told::Known(vec![
            feature("rx-lro", true, true, false),
            feature("rx-ntuple-filter", false, true, false),
            feature("hw-tc-offload", false, true, false),
            feature("rx-vlan-hw-parse", true, true, false),
        ]),
        rings: Told::Known(Rings {
            rx: 256,
            rx_max: 4096,
            tx: 128,
            tx_max: 2048,
        }),
        channels: Told::Known(Channels {
            rx: 1,
            rx_max: 8,
            tx: 1,
            tx_max: 8,
            combined: 4,
            combined_max: 16,
        }),
        spread: Told::Known(ReceiveSpread {
            symmetric: Some(false),
            ..ReceiveSpread::default()
        }),
        ..HardwareProbe::silent("eth0", 2)
    }
}

fn nothing() -> HardwareSettings {
    HardwareSettings::default()
}

#[test]
fn only_what_differs_is_changed_and_links_go_down_last() {
    let check = |wanted: HardwareSettings, expected: &[&str]| {
        let found: Vec<String> = plan(wanted, &able())
            .iter()
            .map(crate::cards::described)
            .collect();
        assert_eq!(found, expected, "{wanted:?}");
    };
    check(nothing(), &[]);
    check(found(&able()), &[]);
    check(
        HardwareSettings {
            large_receive_offload: Some(false),
            ntuple_filters: Some(false),
            hw_tc_offload: Some(true),
            rx_vlan_offload: Some(false),
            symmetric_receive_hash: Some(true),
            rx_ring_descriptors: Some(512),
            tx_ring_descriptors: Some(128),
            combined_channels: Some(2),
            rx_channels: Some(0),
            tx_channels: None,
        },
        &[
            "switching rx-lro off",
            "switching hw-tc-offload on",
            "switching rx-vlan-hw-parse off",
            "having both directions hashed alike",
            "setting rings to rx 512 descriptors",
            "setting channels to rx 0, combined 2",
        ],
    );
}

#[test]
fn a_card_is_asked_for_nothing_it_says_it_cannot() {
    let check = |wanted: HardwareSettings, probe: &HardwareProbe, expected: &[(&str, &str)]| {
        let found = impossible(wanted, probe);
        let found: Vec<_> = found
            .iter()
            .map(|refused| (refused.setting, refused.why.as_str()))
            .collect();
        assert_eq!(found, expected, "{wanted:?}");
    };
    let lro = |on| HardwareSettings {
        large_receive_offload: Some(on),
        ..nothing()
    };
    let with = |features| HardwareProbe { features, ..able() };
    let fixed = |active| with(Told::Known(vec![feature("rx-lro", active, true, true)]));
    let unknown = with(Told::Known(vec![feature("rx-lro", false, false, false)]));
    check(lro(false), &able(), &[]);
    check(lro(true), &fixed(true), &[]);
    check(
        lro(false),
        &fixed(true),
        &[("large_receive_offload", "is always on with the driver able")],
    );
    check(
        lro(true),
        &fixed(false),
        &[("large_receive_offload", "is nothing the driver able can do")],
    );
    check(
        lro(true),
        &unknown,
        &[("large_receive_offload", "is nothing the driver able can do")],
    );
    check(lro(false), &unknown, &[]);
    check(lro(false), &with(Told::Known(Vec::new())), &[]);
    check(
        lro(true),
        &with(Told::Known(Vec::new())),
        &[("large_receive_offload", "is nothing this kernel knows")],
    );
    check(
        lro(false),
        &with(Told::Unsupported),
        &[("large_receive_offload", "is nothing the driver able tells of")],
    );
    check(
        lro(false),
        &with(Told::Failed("no".to_owned())),
        &[("large_receive_offload", "could not be asked for: no")],
    );
    let rings = HardwareSettings {
        rx_ring_descriptors: Some(4096),
        tx_ring_descriptors: Some(4096),
        ..nothing()
    };
    check(
        rings,
        &able(),
        &[(
            "tx_ring_descriptors",
            "is more than 2048, the most the driver able takes",
        )],
    );
    let silent = HardwareProbe::silent("veth0", 2);
    check(
        rings,
        &silent,
        &[
            ("rx_ring_descriptors", "is nothing its driver lets one set"),
            ("tx_ring_descriptors", "is nothing its driver lets one set"),
        ],
    );
    let channels = |rx, tx, combined| HardwareSettings {
        rx_channels: rx,
        tx_channels: tx,
        combined_channels: combined,
        ..nothing()
    };
    check(channels(None, None, Some(0)), &able(), &[]);
    check(
        channels(None, Some(0), Some(0)),
        &able(),
        &[("combined_channels", "leaves no channel to receive or to send by")],
    );
    check(
        channels(Some(9), None, Some(0)),
        &able(),
        &[("rx_channels", "is more than 8, the most the driver able takes")],
    );
    let symmetric = HardwareSettings {
        symmetric_receive_hash: Some(true),
        ..nothing()
    };
    check(symmetric, &able(), &[]);
    check(
        symmetric,
        &silent,
        &[("symmetric_receive_hash", "is nothing its driver can do")],
    );
}

fn wanted() -> impl Strategy<Value = HardwareSettings> {
    let switch = || option::of(any::<bool>());
    let switches = (switch(), switch(), switch(), switch(), switch());
    let rings = (option::of(1..=4096_u32), option::of(1..=2048_u32));
    let channels = (
        option::of(0..=8_u32),
        option::of(0..=8_u32),
        option::of(0..=16_u32),
    );
    (switches, rings, channels).prop_map(|(switches, rings, channels)| HardwareSettings {
        large_receive_offload: switches.0,
        ntuple_filters: switches.1,
        symmetric_receive_hash: switches.2,
        hw_tc_offload: switches.3,
        rx_vlan_offload: switches.4,
        rx_ring_descriptors: rings.0,
        tx_ring_descriptors: rings.1,
        rx_channels: channels.0,
        tx_channels: channels.1,
        combined_channels: channels.2,
    })
}

proptest! {
    #[test]
    fn a_plan_makes_the_card_what_is_wanted_and_the_way_back_makes_it_what_it_was(
        first in wanted(),
        second in wanted(),
    ) {
        let hardware = SimulatedHardware::new([able()]);
        let probe = |hardware: &SimulatedHardware| hardware.probe("eth0").expect("a card");
        let before = found(&probe(&hardware));
        let mut original = HardwareSettings::default();
        for wanted in [first, second] {
            let card = probe(&hardware);
            prop_assume!(impossible(wanted.or(original), &card).is_empty());
            original = original.or(found(&card).only(wanted));
            for change in plan(wanted.or(original), &card) {
                prop_assert_eq!(hardware.change("eth0", &change), Ok(()));
            }
            let now = found(&probe(&hardware));
            prop_assert_eq!(deviation(wanted, now), None);
            prop_assert_eq!(deviation(before.without(wanted), now), None);
        }
        for change in plan(original, &probe(&hardware)) {
            prop_assert_eq!(hardware.change("eth0", &change), Ok(()));
        }
        prop_assert_eq!(found(&probe(&hardware)), before);
    }
}
