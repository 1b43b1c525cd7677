//! Device ioctls: what netlink does not have.

use std::ffi::c_void;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

/// A socket for ioctls of network devices, of the network namespace of the thread that opens it.
#[derive(Debug)]
pub(crate) struct DeviceIoctl(UnixDatagram);

impl DeviceIoctl {
    pub(crate) fn open() -> io::Result<Self> {
        // The kernel takes device ioctls on a socket of any family.
        UnixDatagram::unbound().map(Self)
    }

    /// Kernel index of the interface; ENODEV: there is none.
    pub(crate) fn index(&self, interface: &str) -> io::Result<u32> {
        let mut request = libc::ifreq {
            ifr_name: name(interface)?,
            ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_ifindex: 0 },
        };
        // SAFETY: SIOCGIFINDEX takes an ifreq with a terminated name and writes the index into it.
        let status = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFINDEX, &raw mut request) };
        if status != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: this is the field that was initialised above and written by the kernel.
        let index = unsafe { request.ifr_ifru.ifru_ifindex };
        u32::try_from(index).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// Has the driver of the interface do an ethtool command.
    ///
    /// # Safety
    ///
    /// `command` points to a structure of include/uapi/linux/ethtool.h, as large as the command named in its first four
    /// bytes reads and writes.
    pub(crate) unsafe fn ethtool(&self, interface: &str, command: *mut c_void) -> io::Result<()> {
        let mut request = libc::ifreq {
            ifr_name: name(interface)?,
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_data: command.cast(),
            },
        };
        // SAFETY: SIOCETHTOOL takes an ifreq with a terminated name and a pointer to a command, which the caller answers
        // for; both outlive the call.
        let status = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
        match status {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// The name as an ifreq has it, with a zero behind it; what does not fit names no interface.
fn name(interface: &str) -> io::Result<[libc::c_char; libc::IFNAMSIZ]> {
    let mut name = [0; libc::IFNAMSIZ];
    if interface.len() >= name.len() || interface.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (target, byte) in name.iter_mut().zip(interface.bytes()) {
        *target = libc::c_char::from_ne_bytes([byte]);
    }
    Ok(name)
}
