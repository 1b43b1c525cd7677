//! Drivers of devices, by the ethtool ioctl (ETHTOOL_GDRVINFO, include/uapi/linux/ethtool.h). The newer netlink
//! interface of ethtool does not have them, and /sys shows the devices of the namespace it was mounted in.

use std::io;

use crate::ioctl::DeviceIoctl;

/// A socket to ask with.
#[derive(Debug)]
pub(crate) struct Drivers(DeviceIoctl);

/// What a driver says of itself and its device; None: nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DriverDetails {
    pub(crate) driver: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) firmware: Option<String>,
    /// Address of the device on its bus.
    pub(crate) bus: Option<String>,
}

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    version: [u8; 32],
    firmware_version: [u8; 32],
    bus_info: [u8; 32],
    erom_version: [u8; 32],
    reserved: [u8; 12],
    sizes: [u32; 5],
}

const _: () = assert!(size_of::<DriverInfo>() == 196, "struct ethtool_drvinfo is ABI");

const ETHTOOL_GDRVINFO: u32 = 3;

impl Drivers {
    pub(crate) fn open() -> io::Result<Self> {
        DeviceIoctl::open().map(Self)
    }

    /// Driver of the device behind the link, if it has one that says so.
    pub(crate) fn name(&self, link: &str) -> Option<String> {
        details(&self.0, link).ok()?.driver
    }
}

/// What the driver of a link says; EOPNOTSUPP: it has none that says anything.
pub(crate) fn details(devices: &DeviceIoctl, link: &str) -> io::Result<DriverDetails> {
    let mut info = DriverInfo {
        command: ETHTOOL_GDRVINFO,
        driver: [0; 32],
        version: [0; 32],
        firmware_version: [0; 32],
        bus_info: [0; 32],
        erom_version: [0; 32],
        reserved: [0; 12],
        sizes: [0; 5],
    };
    // SAFETY: ETHTOOL_GDRVINFO writes within `struct ethtool_drvinfo`, which `info` is laid out as.
    unsafe { devices.ethtool(link, (&raw mut info).cast()) }?;
    Ok(DriverDetails {
        driver: text(&info.driver),
        version: text(&info.version),
        firmware: text(&info.firmware_version),
        bus: text(&info.bus_info),
    })
}

/// The text up to its end; what drivers write for "none" is none.
fn text(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    match text.trim() {
        "" | "N/A" => None,
        text => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(link: &str, expected: Option<&str>) {
        assert_eq!(
            Drivers::open().expect("socket").name(link).as_deref(),
            expected,
            "{link}"
        );
    }

    #[test]
    fn links_without_a_driver_have_none() {
        check("lo", None);
        check("no-such-link", None);
        check("", None);
        check("a-name-longer-than-a-link-can-have", None);
    }

    #[test]
    fn what_a_driver_leaves_empty_is_none() {
        assert_eq!(text(b"e1000e\0\0"), Some("e1000e".to_owned()));
        assert_eq!(text(b"0.13-4 \0x"), Some("0.13-4".to_owned()));
        assert_eq!(text(b"N/A\0"), None);
        assert_eq!(text(&[0; 32]), None);
        assert_eq!(text(b"filled to the brim"), Some("filled to the brim".to_owned()));
    }
}
