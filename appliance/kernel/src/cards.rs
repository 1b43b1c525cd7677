//! Network cards: everything the kernel tells of one interface, and changes to it.

use ravelin_model::{HardwareChange, HardwareProbe, Told};

use crate::driver;
use crate::generic::{GenericNetlink, Refusal};
use crate::ioctl::DeviceIoctl;
use crate::{KernelError, devlink, ethtool, pci, xdp_support};

/// Asks for network cards and changes them. Sockets belong to the network namespace of the thread that opens them. Calls
/// block: milliseconds for questions, seconds for changes that make a card start anew.
#[derive(Debug)]
pub struct NetworkCards {
    netlink: GenericNetlink,
    devices: DeviceIoctl,
}

impl NetworkCards {
    /// Opens the sockets and asks nothing.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self {
            netlink: GenericNetlink::open().map_err(KernelError::OpenNetlink)?,
            devices: DeviceIoctl::open().map_err(KernelError::OpenEthtool)?,
        })
    }

    /// Everything that is told of an interface. What one question fails with is told in its place; only an interface that
    /// is not there fails as a whole. Nothing is tried out.
    pub fn probe(&mut self, interface: &str) -> Result<HardwareProbe, KernelError> {
        let index = self.index(interface)?;
        let driver = driver::details(&self.devices, interface).ok();
        let (driver, driver_version, firmware, bus) = match driver {
            Some(told) => (told.driver, told.version, told.firmware, told.bus),
            None => (None, None, None, None),
        };
        let netlink = &mut self.netlink;
        Ok(HardwareProbe {
            interface: interface.to_owned(),
            index,
            driver,
            driver_version,
            firmware,
            pci: bus.as_deref().and_then(pci::id),
            features: told(ethtool::features(netlink, interface)),
            rings: told(ethtool::rings(netlink, interface)),
            channels: told(ethtool::channels(netlink, interface)),
            coalescing: told(ethtool::coalescing(netlink, interface)),
            pause: told(ethtool::pause(netlink, interface)),
            spread: told(ethtool::spread(netlink, interface)),
            xdp: told(xdp_support::xdp_support(netlink, index)),
            devlink: match devlink::device(netlink, index, bus.as_deref()) {
                Ok(Some(device)) => Told::Known(device),
                Ok(None) => Told::Unsupported,
                Err(refusal) => told(Err(refusal)),
            },
            bus,
        })
    }

    /// Makes one change. Refused ones change nothing; what the driver made of the others is for the caller to ask.
    pub fn change(&mut self, interface: &str, change: &HardwareChange) -> Result<(), KernelError> {
        self.index(interface)?;
        let netlink = &mut self.netlink;
        let changed = match change {
            HardwareChange::Feature { name, on } => ethtool::switch_feature(netlink, interface, name, *on),
            HardwareChange::Rings { rx, tx } => {
                ethtool::set_rings(netlink, interface, *rx, *tx).map_err(|refusal| refusal.to_string())
            }
            HardwareChange::Channels { rx, tx, combined } => {
                ethtool::set_channels(netlink, interface, *rx, *tx, *combined)
                    .map_err(|refusal| refusal.to_string())
            }
            HardwareChange::SymmetricSpread(symmetric) => {
                ethtool::set_symmetric(netlink, &self.devices, interface, *symmetric)
                    .map_err(|refusal| refusal.to_string())
            }
            HardwareChange::Indirection(queues) => {
                ethtool::set_indirection(netlink, &self.devices, interface, queues)
                    .map_err(|refusal| refusal.to_string())
            }
        };
        changed.map_err(|reason| KernelError::CardRefused {
            interface: interface.to_owned(),
            reason,
        })
    }

    fn index(&self, interface: &str) -> Result<u32, KernelError> {
        self.devices.index(interface).map_err(|error| {
            if error.raw_os_error() == Some(libc::ENODEV) {
                KernelError::NoInterface(interface.to_owned())
            } else {
                KernelError::AskForInterface {
                    interface: interface.to_owned(),
                    source: error,
                }
            }
        })
    }
}

fn told<T>(answer: Result<T, Refusal>) -> Told<T> {
    match answer {
        Ok(value) => Told::Known(value),
        Err(refusal) if refusal.unsupported() => Told::Unsupported,
        Err(refusal) => Told::Failed(refusal.to_string()),
    }
}
