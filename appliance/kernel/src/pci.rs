//! Which card it is, by /sys. It shows every PCI device, whatever the network namespace.

use std::fs;
use std::path::Path;

use ravelin_model::PciId;

const DEVICES: &str = "/sys/bus/pci/devices";

/// Vendor and device of the card at an address like `0000:03:00.0`; None: that is no PCI address, or no card is there.
pub(crate) fn id(address: &str) -> Option<PciId> {
    if !is_address(address) {
        return None;
    }
    let device = Path::new(DEVICES).join(address);
    Some(PciId {
        vendor: number(&device.join("vendor"))?,
        device: number(&device.join("device"))?,
    })
}

/// Domain, bus, device and function in hexadecimal digits.
pub(crate) fn is_address(text: &str) -> bool {
    let hexadecimal =
        |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = text.splitn(3, ':');
    let (Some(domain), Some(bus), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Some((device, function)) = rest.split_once('.') else {
        return false;
    };
    // Domains of virtual bridges have more than four digits.
    (4..=8).any(|digits| hexadecimal(domain, digits))
        && hexadecimal(bus, 2)
        && hexadecimal(device, 2)
        && hexadecimal(function, 1)
}

fn number(file: &Path) -> Option<u16> {
    let text = fs::read_to_string(file).ok()?;
    u16::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pci_addresses_are_looked_up() {
        for address in ["0000:03:00.0", "10000:e1:00.1", "0000:ff:1f.7"] {
            assert!(is_address(address), "{address}");
        }
        for address in [
            "",
            "usb-0000:00:14.0-1",
            "virtio0",
            "../../x:0.0",
            "0000:03:00",
            "000:03:00.0",
            "0000:03:00.10",
        ] {
            assert!(!is_address(address), "{address}");
            assert_eq!(id(address), None, "{address}");
        }
    }
}
