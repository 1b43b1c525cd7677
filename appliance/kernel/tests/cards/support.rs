//! Running tools, and comparing all that is told of an interface with what they print.

use std::process::Command;

use ravelin_kernel::{KernelError, NetworkCards};
use ravelin_model::{Channels, HardwareChange, HardwareProbe, NicFeature, PciId, Rings, Told};
use ravelin_test_harness::{shown_features, shown_indirection, shown_number, shown_switch, shown_text};

/// Runs a program in the thread's namespace; what it prints, or None if it fails.
pub fn run(program: &str, arguments: &str) -> Option<String> {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    output.status.success().then_some(text)
}

/// Runs `ip` in the thread's namespace.
#[track_caller]
pub fn ip(arguments: &str) {
    assert!(run("ip", arguments).is_some(), "ip {arguments}");
}

pub fn cards() -> NetworkCards {
    NetworkCards::open().expect("open")
}

/// Makes a change, or says why the kernel did not.
pub fn change(interface: &str, change: &HardwareChange) -> Result<(), String> {
    match cards().change(interface, change) {
        Ok(()) => Ok(()),
        Err(KernelError::CardRefused {
            interface: of,
            reason,
        }) => {
            assert_eq!(of, interface);
            Err(reason)
        }
        Err(error) => panic!("{interface}: {change:?}: {error:?}"),
    }
}

/// Asks for an interface.
#[track_caller]
pub fn told(interface: &str) -> HardwareProbe {
    cards().probe(interface).expect("probe")
}

/// Asks for an interface, and compares each answer with what ethtool prints of it.
#[track_caller]
pub fn probe(interface: &str) -> HardwareProbe {
    let probe = told(interface);
    assert_eq!(probe.interface, interface);
    let ethtool = |option| run("ethtool", &format!("{option} {interface}"));

    let driver = ethtool("-i").unwrap_or_default();
    for (name, told) in [
        ("driver", &probe.driver),
        ("version", &probe.driver_version),
        ("firmware-version", &probe.firmware),
        ("bus-info", &probe.bus),
    ] {
        let shown = shown_text(&driver, name).filter(|text| *text != "N/A");
        assert_eq!(told.as_deref(), shown, "{interface}: {name}");
    }
    check_pci(&probe);
    check_features(&probe, &ethtool("-k").expect("features"));
    check_told(&probe.rings, ethtool("-g"), |text| {
        let number = |name, nth| shown_number(text, name, nth).unwrap_or(0);
        Rings {
            rx: number("RX", 1),
            rx_max: number("RX", 0),
            tx: number("TX", 1),
            tx_max: number("TX", 0),
        }
    });
    check_told(&probe.channels, ethtool("-l"), |text| {
        let number = |name, nth| shown_number(text, name, nth).unwrap_or(0);
        Channels {
            rx: number("RX", 1),
            rx_max: number("RX", 0),
            tx: number("TX", 1),
            tx_max: number("TX", 0),
            combined: number("Combined", 1),
            combined_max: number("Combined", 0),
        }
    });
    let times = |text: &str| {
        [
            shown_number(text, "rx-usecs", 0),
            shown_number(text, "tx-usecs", 0),
        ]
    };
    let frames = |text: &str| {
        [
            shown_number(text, "rx-frames", 0),
            shown_number(text, "tx-frames", 0),
        ]
    };
    check_told(
        &of(&probe.coalescing, |told| [told.rx_usecs, told.tx_usecs]),
        ethtool("-c"),
        times,
    );
    check_told(
        &of(&probe.coalescing, |told| [told.rx_frames, told.tx_frames]),
        ethtool("-c"),
        frames,
    );
    let pause = of(&probe.pause, |told| [told.autonegotiated, told.rx, told.tx]);
    check_told(&pause, ethtool("-a"), |text| {
        ["Autonegotiate", "RX", "TX"].map(|name| shown_switch(text, name).expect(name))
    });
    check_told(
        &of(&probe.spread, |told| told.indirection.clone()),
        ethtool("-x"),
        shown_indirection,
    );
    probe
}

/// What is told, by ethtool's measure.
fn of<T, U>(told: &Told<T>, measure: impl FnOnce(&T) -> U) -> Told<U> {
    match told {
        Told::Known(value) => Told::Known(measure(value)),
        Told::Unsupported => Told::Unsupported,
        Told::Failed(why) => Told::Failed(why.clone()),
    }
}

/// Where ethtool fails, the driver has no such thing, and where it prints something that is told.
#[track_caller]
fn check_told<T: PartialEq + std::fmt::Debug>(
    told: &Told<T>,
    printed: Option<String>,
    read: impl FnOnce(&str) -> T,
) {
    let expected = printed.map_or(Told::Unsupported, |text| Told::Known(read(&text)));
    assert_eq!(*told, expected);
}

#[track_caller]
fn check_features(probe: &HardwareProbe, printed: &str) {
    let mut features: Vec<&NicFeature> = probe.features.known().expect("features").iter().collect();
    let mut shown = shown_features(printed);
    // An older ethtool shows the features it was built to know of before the others.
    features.sort_by(|a, b| a.name.cmp(&b.name));
    shown.sort_by(|a, b| a.name.cmp(&b.name));
    let names = |feature: &NicFeature| feature.name.clone();
    assert_eq!(
        features.iter().map(|feature| names(feature)).collect::<Vec<_>>(),
        shown
            .iter()
            .map(|feature| feature.name.clone())
            .collect::<Vec<_>>(),
        "{}",
        probe.interface
    );
    for (feature, shown) in features.iter().zip(shown) {
        assert_eq!(
            (feature.active, feature.fixed),
            (shown.active, shown.fixed),
            "{}: {feature:?}",
            probe.interface
        );
        let wanted = shown.wanted.unwrap_or(feature.wanted);
        assert_eq!(feature.wanted, wanted, "{}: {feature:?}", probe.interface);
        assert_eq!(feature.supported, feature.active || !feature.fixed, "{feature:?}");
    }
}

/// The device's own directory must be the one at the address it was looked up by.
#[track_caller]
fn check_pci(probe: &HardwareProbe) {
    let device = format!("/sys/class/net/{}/device", probe.interface);
    let number = |directory: &str, file| {
        let text = std::fs::read_to_string(format!("{directory}/{file}")).ok()?;
        u16::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
    };
    // Virtio's device is on a bus of its own, and that one's parent on PCI.
    let virtio = probe.driver.as_deref() == Some("virtio_net");
    let device = if virtio { format!("{device}/..") } else { device };
    let expected = number(&device, "vendor").zip(number(&device, "device"));
    let expected = expected.map(|(vendor, device)| PciId { vendor, device });
    assert_eq!(probe.pci, expected, "{}", probe.interface);
}
