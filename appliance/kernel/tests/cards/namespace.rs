//! Interfaces any machine can make.

use ravelin_kernel::KernelError;
use ravelin_model::{Channels, HardwareChange, NicFeature, Told, XdpSupport};
use ravelin_test_harness::{in_fresh_namespace, privileged};

use crate::support::{cards, change, ip, probe, told};

fn feature(interface: &str, name: &str) -> NicFeature {
    let told = told(interface);
    let feature = told.feature(name);
    feature.unwrap_or_else(|| panic!("{interface}: {name}")).clone()
}

fn switch(name: &str, on: bool) -> HardwareChange {
    HardwareChange::Feature {
        name: name.to_owned(),
        on,
    }
}

fn channels(interface: &str) -> Channels {
    *told(interface).channels.known().expect("channels")
}

#[test]
fn what_has_no_hardware_says_so() {
    in_fresh_namespace(|| async {
        ip("link add wan0 type veth peer name wan1");
        ip("link add br0 type bridge");
        for (interface, driver) in [("lo", None), ("wan0", Some("veth")), ("br0", Some("bridge"))] {
            let probe = probe(interface);
            assert_eq!(probe.driver.as_deref(), driver, "{interface}");
            assert_eq!((&probe.bus, probe.pci), (&None, None), "{interface}");
            assert_eq!(probe.rings, Told::Unsupported, "{interface}");
            assert_eq!(probe.coalescing, Told::Unsupported, "{interface}");
            assert_eq!(probe.spread, Told::Unsupported, "{interface}");
            assert_eq!(probe.devlink, Told::Unsupported, "{interface}");
        }
    });
}

#[test]
fn an_interface_that_is_not_there_is_an_error() {
    in_fresh_namespace(|| async {
        for interface in ["wan0", "", "a-name-longer-than-an-interface-can-have", "lo\0"] {
            let missing = |result| matches!(result, Err(KernelError::NoInterface(name)) if name == interface);
            assert!(missing(cards().probe(interface).map(drop)), "{interface:?}");
            assert!(
                missing(cards().change(interface, &switch("rx-gro", true))),
                "{interface:?}"
            );
        }
    });
}

/// XDP of veth is in the driver; others can redirect to it while its peer takes what comes in bulk.
#[test]
fn xdp_is_what_the_kernel_says() {
    in_fresh_namespace(|| async {
        ip("link add wan0 type veth peer name wan1");
        let xdp = |interface| *told(interface).xdp.known().expect("XDP");
        assert_eq!(xdp("lo"), XdpSupport::default());
        let before = xdp("wan0");
        assert!(before.native && before.redirect && !before.hardware, "{before:?}");
        ip("link set wan1 up");
        for on in [true, false] {
            change("wan1", &switch("rx-gro", on)).expect("GRO");
            assert_eq!(xdp("wan0").redirect_target, on);
        }
    });
}

/// Reads only: these are the machine's own.
#[test]
fn real_cards_are_what_ethtool_prints() {
    if !privileged("netns") {
        return;
    }
    for link in std::fs::read_dir("/sys/class/net").expect("interfaces").flatten() {
        if link.path().join("device").exists() {
            let interface = link.file_name().into_string().expect("a name");
            let probe = probe(&interface);
            assert!(probe.driver.is_some(), "{probe:?}");
        }
    }
}

#[test]
fn features_are_switched_and_switched_back() {
    in_fresh_namespace(|| async {
        ip("link add wan0 type veth peer name wan1");
        for name in [
            "tx-scatter-gather",
            "rx-gro",
            "tx-udp-segmentation",
            "rx-vlan-hw-parse",
        ] {
            let before = feature("wan0", name);
            assert!(before.supported && !before.fixed, "{before:?}");
            for on in [!before.active, before.active] {
                change("wan0", &switch(name, on)).expect(name);
                // Again is no error.
                change("wan0", &switch(name, on)).expect(name);
                let after = feature("wan0", name);
                assert_eq!((after.active, after.wanted), (on, on), "{name}");
            }
        }
    });
}

#[test]
fn features_that_are_not_the_drivers_are_refused() {
    in_fresh_namespace(|| async {
        ip("link add wan0 type veth peer name wan1");
        let before = told("wan0");
        let fixed = feature("wan0", "rx-lro");
        assert!(fixed.fixed && !fixed.supported, "{fixed:?}");
        assert_eq!(
            change("wan0", &switch("rx-lro", false)),
            Ok(()),
            "it is so already"
        );
        let refused = change("wan0", &switch("rx-lro", true)).expect_err("fixed");
        assert_eq!(refused, "feature 'rx-lro' cannot be changed: the driver fixes it");
        let refused = change("wan0", &switch("rx-levitation", true)).expect_err("unknown");
        assert_eq!(refused, "this kernel has no feature 'rx-levitation'");
        assert_eq!(told("wan0"), before);
    });
}

/// TCP segmentation needs scatter-gather: the kernel takes the wish for it and leaves it off without a word.
#[test]
fn a_feature_another_one_stands_against_is_refused_and_no_longer_wanted() {
    in_fresh_namespace(|| async {
        ip("link add wan0 type veth peer name wan1");
        change("wan0", &switch("tx-tcp-segmentation", false)).expect("off");
        change("wan0", &switch("tx-scatter-gather", false)).expect("off");
        let before = probe("wan0");
        let refused =
            change("wan0", &switch("tx-tcp-segmentation", true)).expect_err("without scatter-gather");
        assert!(
            refused.starts_with("feature 'tx-tcp-segmentation' stayed off: "),
            "{refused}"
        );
        assert_eq!(told("wan0"), before, "nothing is left behind");
    });
}

#[test]
fn channels_are_set_and_refused_in_the_kernels_words() {
    in_fresh_namespace(|| async {
        ip("link add wan0 numrxqueues 4 numtxqueues 4 type veth peer name wan1");
        let set = |rx, tx, combined| change("wan0", &HardwareChange::Channels { rx, tx, combined });
        set(Some(2), Some(3), None).expect("channels");
        probe("wan0");
        let now = channels("wan0");
        assert_eq!((now.rx, now.tx, now.rx_max, now.tx_max), (2, 3, 4, 4));
        set(Some(4), None, None).expect("channels");
        assert_eq!(
            (channels("wan0").rx, channels("wan0").tx),
            (4, 3),
            "what is not named stays"
        );
        for (rx, tx, combined, said) in [
            (Some(5), None, None, "requested channel count exceeds maximum"),
            (None, None, Some(1), "requested channel count exceeds maximum"),
            (
                Some(0),
                Some(0),
                None,
                "requested channel counts would result in no RX or TX channel",
            ),
        ] {
            let refused = set(rx, tx, combined).expect_err(said);
            assert!(refused.starts_with(said), "{refused}");
        }
        assert_eq!(
            (channels("wan0").rx, channels("wan0").tx),
            (4, 3),
            "refused changes change nothing"
        );
        set(None, None, None).expect("no change");
    });
}

#[test]
fn what_a_driver_does_not_have_cannot_be_set() {
    in_fresh_namespace(|| async {
        ip("link add wan0 type veth peer name wan1");
        for unsupported in [
            HardwareChange::Rings {
                rx: Some(512),
                tx: None,
            },
            HardwareChange::SymmetricSpread(true),
            HardwareChange::SymmetricSpread(false),
            HardwareChange::Indirection(vec![0]),
        ] {
            let refused = change("wan0", &unsupported).expect_err("unsupported");
            assert!(
                refused.contains("Operation not supported"),
                "{unsupported:?}: {refused}"
            );
        }
    });
}
