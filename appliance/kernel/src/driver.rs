//! Names of device drivers, by the ethtool ioctl (ETHTOOL_GDRVINFO, include/uapi/linux/ethtool.h). The newer netlink
//! interface of ethtool does not have them, and /sys shows the devices of the namespace it was mounted in.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

/// A socket to ask with.
#[derive(Debug)]
pub(crate) struct Drivers(UnixDatagram);

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
        // The kernel takes device ioctls on a socket of any family.
        UnixDatagram::unbound().map(Self)
    }

    /// Driver of the device behind the link, if it has one that says so.
    pub(crate) fn name(&self, link: &str) -> Option<String> {
        let info = self.query(link).ok()?;
        let name = info.driver.split(|byte| *byte == 0).next().unwrap_or_default();
        if name.is_empty() {
            None
        } else {
            Some(String::from_utf8_lossy(name).into_owned())
        }
    }

    fn query(&self, link: &str) -> io::Result<DriverInfo> {
        let mut name = [0; libc::IFNAMSIZ];
        // The last byte stays zero.
        if link.len() >= name.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        for (target, byte) in name.iter_mut().zip(link.bytes()) {
            *target = libc::c_char::from_ne_bytes([byte]);
        }
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
        let mut request = libc::ifreq {
            ifr_name: name,
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_data: (&raw mut info).cast(),
            },
        };
        // SAFETY: SIOCETHTOOL takes an ifreq with a terminated name and a pointer to a command; ETHTOOL_GDRVINFO
        // writes within `struct ethtool_drvinfo`, which `info` is laid out as and which outlives the call.
        let status = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
        if status == 0 {
            Ok(info)
        } else {
            Err(io::Error::last_os_error())
        }
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
}
