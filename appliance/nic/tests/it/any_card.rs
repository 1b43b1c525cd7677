//! Cards nobody has: whatever is told, an answer comes, and nothing unknown is supported.

use proptest::option;
use proptest::prelude::*;
use ravelin_model::{
    Channels, DeviceResource, DevlinkDevice, EswitchMode, HardwareProbe, NicFeature, PciId, ReceiveSpread,
    Told, XdpSupport,
};
use ravelin_nic::{Ability, Answer, LimitSource, assess};

/// The one driver of the table that routes.
const ROUTES: &str = "mlx5_core";

fn driver() -> impl Strategy<Value = Option<String>> {
    let known = prop::sample::select(vec![
        ROUTES,
        "mlx4_en",
        "i40e",
        "ice",
        "ixgbe",
        "veth",
        "mlxsw_spectrum",
    ]);
    option::of(prop_oneof![3 => known.prop_map(str::to_owned), 1 => any::<String>()])
}

fn pci() -> impl Strategy<Value = Option<PciId>> {
    let known = prop::sample::select(vec![0x1015, 0x1017, 0x101d, 0x101e, 0xa2dc]);
    let nvidia = known.prop_map(|device| PciId {
        vendor: 0x15b3,
        device,
    });
    let any = any::<(u16, u16)>().prop_map(|(vendor, device)| PciId { vendor, device });
    option::of(prop_oneof![3 => nvidia, 1 => any])
}

fn told<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Told<T>> {
    // A closure would have to clone the strategy for each arm.
    (value, 0..8_u8, any::<String>()).prop_map(|(value, which, why)| match which {
        0 => Told::Unsupported,
        1 => Told::Failed(why),
        _ => Told::Known(value),
    })
}

fn features() -> impl Strategy<Value = Vec<NicFeature>> {
    let names = prop::sample::select(vec![
        "hw-tc-offload",
        "tx-udp_tnl-segmentation",
        "rx-udp_tunnel-port-offload",
        "tx-gre-segmentation",
        "rx-lro",
    ]);
    let name = prop_oneof![4 => names.prop_map(str::to_owned), 1 => any::<String>()];
    let feature =
        (name, any::<[bool; 4]>()).prop_map(|(name, [active, wanted, supported, fixed])| NicFeature {
            name,
            active,
            wanted,
            supported,
            fixed,
        });
    prop::collection::vec(feature, 0..12)
}

fn devlink() -> impl Strategy<Value = DevlinkDevice> {
    let mode = prop::sample::select(vec![
        None,
        Some(EswitchMode::Legacy),
        Some(EswitchMode::Switchdev),
        Some(EswitchMode::Inactive),
    ]);
    let resource = (any::<String>(), any::<u64>()).prop_map(|(name, size)| DeviceResource {
        name,
        size,
        occupied: None,
    });
    (mode, prop::collection::vec(resource, 0..3)).prop_map(|(eswitch_mode, resources)| DevlinkDevice {
        eswitch_mode,
        resources,
        ..DevlinkDevice::default()
    })
}

prop_compose! {
    fn card()(
        driver in driver(),
        pci in pci(),
        features in told(features()),
        devlink in told(devlink()),
        spread in told(option::of(any::<bool>())),
        xdp in told(any::<[bool; 2]>()),
    ) -> HardwareProbe {
        HardwareProbe {
            interface: "any0".to_owned(),
            index: 1,
            driver,
            driver_version: None,
            firmware: None,
            bus: None,
            pci,
            features,
            rings: Told::Unsupported,
            channels: Told::Known(Channels::default()),
            coalescing: Told::Unsupported,
            pause: Told::Unsupported,
            spread: map(spread, |symmetric| ReceiveSpread { symmetric, ..ReceiveSpread::default() }),
            xdp: map(xdp, |[native, redirect]| XdpSupport { native, redirect, ..XdpSupport::default() }),
            devlink,
        }
    }
}

fn map<T, U>(told: Told<T>, change: impl FnOnce(T) -> U) -> Told<U> {
    match told {
        Told::Known(value) => Told::Known(change(value)),
        Told::Unsupported => Told::Unsupported,
        Told::Failed(why) => Told::Failed(why),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_unknown_is_supported(probe in card()) {
        let assessment = assess(&probe);
        let abilities: Vec<Ability> = assessment.capabilities.iter().map(|known| known.ability).collect();
        prop_assert_eq!(abilities, Ability::ALL.to_vec());
        prop_assert!(!assessment.reason.is_empty());
        prop_assert_eq!(assessment.max_flows.value.is_none(), assessment.max_flows.source == LimitSource::Unknown);
        if assessment.supported || assessment.remedy.is_some() {
            prop_assert_eq!(probe.driver.as_deref(), Some(ROUTES));
            prop_assert!(assessment.can(Ability::RoutingRules));
            prop_assert!(assessment.max_flows.value > Some(0));
        }
        if assessment.supported {
            let rules = probe.feature("hw-tc-offload").is_some_and(|feature| feature.active);
            prop_assert!(rules && assessment.remedy.is_none());
            prop_assert!(matches!(
                probe.devlink.known().and_then(|device| device.eswitch_mode),
                None | Some(EswitchMode::Legacy)
            ));
        }
        // An answer that is not known has no source and no state but what was read.
        for known in &assessment.capabilities {
            prop_assert!(!known.reason.is_empty());
            if known.value == Answer::Yes && known.ability == Ability::FlowRules {
                prop_assert!(probe.feature("hw-tc-offload").is_some());
            }
        }
    }
}
