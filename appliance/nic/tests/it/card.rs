//! What was recorded of cards: `tests/cards/*.toml`. What is not recorded is not told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ravelin_model::{
    DeviceResource, DevlinkDevice, EswitchMode, HardwareProbe, NicFeature, PciId, Told, XdpSupport,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    source: String,
    driver: Option<String>,
    driver_version: Option<String>,
    firmware: Option<String>,
    bus: Option<String>,
    pci: Option<String>,
    eswitch_mode: Option<String>,
    #[serde(default)]
    resources: BTreeMap<String, u64>,
    /// `on`, `off`, `on fixed`, `off fixed`.
    features: Option<BTreeMap<String, String>>,
    xdp: Option<Xdp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // as the kernel tells it
struct Xdp {
    native: bool,
    redirect: bool,
    redirect_target: bool,
    zero_copy: bool,
    hardware: bool,
    fragments: bool,
    rx_timestamp: bool,
    rx_hash: bool,
    rx_vlan: bool,
}

/// Where recordings are, from the folder of this crate or that of one beside it: tests of others read them, too.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nic/tests/cards")
}

/// Names of all recordings, sorted.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("folder");
    let mut names: Vec<String> = files
        .filter_map(|file| {
            let name = file.expect("file").file_name().into_string().expect("UTF-8");
            Some(name.strip_suffix(".toml")?.to_owned())
        })
        .collect();
    names.sort();
    names
}

/// A recording as a probe would tell it.
pub fn load(name: &str) -> HardwareProbe {
    let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).expect(name);
    let recorded: Recorded = toml::from_str(&text).expect(name);
    assert!(
        !recorded.source.is_empty(),
        "{name} does not say where it is from"
    );
    HardwareProbe {
        interface: name.to_owned(),
        index: 7,
        driver: recorded.driver,
        driver_version: recorded.driver_version,
        firmware: recorded.firmware,
        bus: recorded.bus,
        pci: recorded.pci.as_deref().map(pci),
        features: told(recorded.features.map(features)),
        rings: Told::Unsupported,
        channels: Told::Unsupported,
        coalescing: Told::Unsupported,
        pause: Told::Unsupported,
        spread: Told::Unsupported,
        xdp: told(recorded.xdp.map(xdp)),
        devlink: told(
            recorded
                .eswitch_mode
                .map(|mode| devlink(&mode, recorded.resources)),
        ),
    }
}

fn told<T>(recorded: Option<T>) -> Told<T> {
    recorded.map_or(Told::Unsupported, Told::Known)
}

fn pci(text: &str) -> PciId {
    let (vendor, device) = text.split_once(':').expect("vendor:device");
    let number = |text| u16::from_str_radix(text, 16).expect("hexadecimal");
    PciId {
        vendor: number(vendor),
        device: number(device),
    }
}

fn features(recorded: BTreeMap<String, String>) -> Vec<NicFeature> {
    let feature = |(name, state): (String, String)| {
        let (active, fixed) = match state.as_str() {
            "on" => (true, false),
            "on fixed" => (true, true),
            "off" => (false, false),
            "off fixed" => (false, true),
            other => panic!("{name} is {other}"),
        };
        NicFeature {
            name,
            active,
            wanted: active,
            supported: !fixed,
            fixed,
        }
    };
    recorded.into_iter().map(feature).collect()
}

fn xdp(recorded: Xdp) -> XdpSupport {
    let Xdp {
        native,
        redirect,
        redirect_target,
        zero_copy,
        hardware,
        fragments,
        rx_timestamp,
        rx_hash,
        rx_vlan,
    } = recorded;
    XdpSupport {
        native,
        redirect,
        redirect_target,
        zero_copy,
        hardware,
        fragments,
        rx_timestamp,
        rx_hash,
        rx_vlan,
    }
}

fn devlink(mode: &str, resources: BTreeMap<String, u64>) -> DevlinkDevice {
    let resource = |(name, size)| DeviceResource {
        name,
        size,
        occupied: None,
    };
    DevlinkDevice {
        handle: "pci/0000:03:00.0".to_owned(),
        eswitch_mode: match mode {
            "legacy" => Some(EswitchMode::Legacy),
            "switchdev" => Some(EswitchMode::Switchdev),
            "none" => None,
            other => panic!("mode {other}"),
        },
        resources: resources.into_iter().map(resource).collect(),
        ..DevlinkDevice::default()
    }
}
