//! Where a network card is on the buses of the box, in the words of udev (ID_PATH).

use std::fs;
use std::path::Path;

use crate::pci;

/// By bus and name of its device, as the kernel tells them with the link. /sys/bus shows every device, whatever the
/// network namespace.
pub(crate) fn bus_path(bus: &str, device: &str) -> Option<String> {
    if bus == "pci" {
        return Some(format!("pci-{device}"));
    }
    let at = Path::new("/sys/bus").join(bus).join("devices").join(device);
    let directory = fs::canonicalize(at).ok()?;
    let names: Vec<&str> = directory.iter().filter_map(|name| name.to_str()).collect();
    Some(of_directories(bus, &names))
}

/// From the names of the directories of a device below /sys/devices: the PCI device nearest to it, and what lies between
/// them that tells two devices apart. What is on no PCI bus has the names of its own bus and device.
fn of_directories(bus: &str, names: &[&str]) -> String {
    let mut parts = Vec::new();
    for name in names.iter().rev() {
        if pci::is_address(name) {
            parts.push(format!("pci-{name}"));
            parts.reverse();
            return parts.join("-");
        }
        // An interface of a USB device: bus and ports, configuration, interface. Its bus has a number of its own, which
        // depends on the order of discovery.
        if let Some((device, interface)) = name.split_once(':')
            && let Some((_, ports)) = device.split_once('-')
            && interface.contains('.')
        {
            parts.push(format!("usb-0:{ports}:{interface}"));
        }
    }
    let device = match names {
        // A virtio device is numbered in the order of discovery; what carries it is not.
        [.., carrier, _] if bus == "virtio" => return format!("platform-{carrier}"),
        [.., device] => device,
        [] => "",
    };
    format!("{bus}-{device}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bus: &str, directory: &str, expected: &str) {
        let names: Vec<&str> = directory.split('/').filter(|name| !name.is_empty()).collect();
        assert_eq!(of_directories(bus, &names), expected);
    }

    #[test]
    fn cards_have_the_path_udev_gives_them() {
        check(
            "pci",
            "/sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.1",
            "pci-0000:03:00.1",
        );
        check(
            "virtio",
            "/sys/devices/pci0000:00/0000:00:03.0/virtio0",
            "pci-0000:00:03.0",
        );
        check(
            "usb",
            "/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1.4/2-1.4:1.0",
            "pci-0000:00:14.0-usb-0:1.4:1.0",
        );
        check(
            "virtio",
            "/sys/devices/platform/virtio-mmio.3/virtio1",
            "platform-virtio-mmio.3",
        );
        check(
            "vmbus",
            "/sys/devices/LNXSYSTM:00/ACPI0004:00/VMBUS:00/f8615163-df3e-46c5-913f-f2d2f965ed0e",
            "vmbus-f8615163-df3e-46c5-913f-f2d2f965ed0e",
        );
        check(
            "platform",
            "/sys/devices/platform/fixed-mac.0",
            "platform-fixed-mac.0",
        );
    }
}
