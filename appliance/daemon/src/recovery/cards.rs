//! The Ethernet cards of the machine, as sysfs has them.

use std::fs;
use std::path::{Path, PathBuf};

/// ARPHRD_ETHER of include/uapi/linux/if_arp.h.
const ETHERNET: &str = "1";

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Card {
    /// Where it is on its bus: cards are in this order.
    place: PathBuf,
    /// Which port of the device it is.
    port: u64,
    /// Kernel name.
    pub name: String,
    /// Its address, as `02:00:00:00:00:01`.
    pub address: String,
}

/// The physical Ethernet cards in order of their bus paths. Bridges, VLANs, tunnels and wireless cards are none.
pub fn cards(devices: &Path) -> Vec<Card> {
    let entries = match fs::read_dir(devices) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(%error, "the network cards cannot be listed");
            return Vec::new();
        }
    };
    let mut cards: Vec<Card> = entries.filter_map(|entry| card(&entry.ok()?.path())).collect();
    cards.sort();
    cards
}

fn card(device: &Path) -> Option<Card> {
    let read = |name| Some(fs::read_to_string(device.join(name)).ok()?.trim().to_owned());
    if read("type")? != ETHERNET || device.join("phy80211").exists() {
        return None;
    }
    let number = |text: String| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    Some(Card {
        // Only what a bus has found has one.
        place: fs::canonicalize(device.join("device")).ok()?,
        port: read("dev_port").and_then(number).unwrap_or(0),
        name: device.file_name()?.to_str()?.to_owned(),
        address: read("address")?,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_cards_on_a_bus_count_in_the_order_of_the_bus() {
        let root = tempfile::tempdir().expect("directory");
        let devices = root.path().join("net");
        let make = |name: &str, kind: &str, place: Option<&str>, port: &str| {
            let device = devices.join(name);
            fs::create_dir_all(&device).expect("device");
            for (file, text) in [
                ("type", kind),
                ("dev_port", port),
                ("address", "02:00:00:00:00:01\n"),
            ] {
                fs::write(device.join(file), text).expect("write");
            }
            if let Some(place) = place {
                let place = root.path().join(place);
                fs::create_dir_all(&place).expect("place");
                symlink(&place, device.join("device")).expect("link");
            }
            device
        };
        make("eth0", "1\n", Some("pci0000:00/0000:00:04.0"), "0");
        make("wan", "1\n", Some("pci0000:00/0000:00:03.0/virtio1"), "0");
        make("port1", "1\n", Some("pci0000:00/0000:00:1f.0"), "1");
        make("port0", "1\n", Some("pci0000:00/0000:00:1f.0"), "0x0");
        make("br0", "1\n", None, "0");
        make("tun0", "65534\n", Some("pci0000:00/0000:00:01.0"), "0");
        let wireless = make("wlan0", "1\n", Some("pci0000:00/0000:00:02.0"), "0");
        fs::create_dir(wireless.join("phy80211")).expect("wireless");
        let found: Vec<String> = cards(&devices).into_iter().map(|card| card.name).collect();
        assert_eq!(found, ["wan", "eth0", "port0", "port1"]);
        assert_eq!(cards(&root.path().join("missing")), []);
    }
}
