//! Network cards: what the kernel and the driver tell of them, and what can be changed.

use std::fmt;

/// Something the driver may not tell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Told<T> {
    /// It told.
    Known(T),
    /// The driver, or this kernel, has no such thing.
    Unsupported,
    /// It could not be asked, and why.
    Failed(String),
}

impl<T> Told<T> {
    /// What was told.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unsupported | Self::Failed(_) => None,
        }
    }
}

/// Vendor and device of a PCI card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciId {
    /// Vendor, e.g. 0x15b3.
    pub vendor: u16,
    /// Device, e.g. 0x1017.
    pub device: u16,
}

impl fmt::Display for PciId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.device)
    }
}

/// A feature of a network device as ethtool names it, e.g. `hw-tc-offload`, `rx-lro`
/// (net/ethtool/common.c, `netdev_features_strings`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NicFeature {
    /// Name.
    pub name: String,
    /// It is on.
    pub active: bool,
    /// Somebody asked for it.
    pub wanted: bool,
    /// The driver has it: it is on, or can be switched on.
    pub supported: bool,
    /// It cannot be changed, as `ethtool -k` says `[fixed]`.
    pub fixed: bool,
}

/// Sizes of the rings, in descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rings {
    /// Receive ring.
    pub rx: u32,
    /// Greatest receive ring.
    pub rx_max: u32,
    /// Send ring.
    pub tx: u32,
    /// Greatest send ring.
    pub tx_max: u32,
}

/// Numbers of channels, a channel being an interrupt and its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Channels {
    /// That only receive.
    pub rx: u32,
    /// Most of them.
    pub rx_max: u32,
    /// That only send.
    pub tx: u32,
    /// Most of them.
    pub tx_max: u32,
    /// That do both.
    pub combined: u32,
    /// Most of them.
    pub combined_max: u32,
}

/// When interrupts are raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Coalescing {
    /// Microseconds after a packet came.
    pub rx_usecs: Option<u32>,
    /// Packets after which none is waited for.
    pub rx_frames: Option<u32>,
    /// Microseconds after a packet was sent.
    pub tx_usecs: Option<u32>,
    /// Packets after which none is waited for.
    pub tx_frames: Option<u32>,
    /// The driver adapts receiving itself.
    pub adaptive_rx: Option<bool>,
    /// The driver adapts sending itself.
    pub adaptive_tx: Option<bool>,
}

/// Pause frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pause {
    /// Negotiated with the other end.
    pub autonegotiated: bool,
    /// Obeyed.
    pub rx: bool,
    /// Sent.
    pub tx: bool,
}

/// How received packets are spread over queues.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ReceiveSpread {
    /// Queue by the low bits of the hash.
    pub indirection: Vec<u32>,
    /// Both directions of a connection come to the same queue; None: this kernel does not tell.
    pub symmetric: Option<bool>,
    /// Hash functions the kernel knows a bit for (`ETH_RSS_HASH_*`): Toeplitz, XOR, CRC32.
    pub hash_function: u32,
}

/// What XDP can do on a device (`NETDEV_XDP_ACT_*`, include/uapi/linux/netdev.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct XdpSupport {
    /// Programs run in the driver.
    pub native: bool,
    /// They can redirect from it.
    pub redirect: bool,
    /// Others can redirect to it.
    pub redirect_target: bool,
    /// Sockets of XDP without copying.
    pub zero_copy: bool,
    /// Programs run on the card.
    pub hardware: bool,
    /// Frames of more than one buffer.
    pub fragments: bool,
    /// Metadata programs can ask for: time stamp of receipt.
    pub rx_timestamp: bool,
    /// Its hash.
    pub rx_hash: bool,
    /// Its VLAN tag.
    pub rx_vlan: bool,
}

/// Mode of the switch inside a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EswitchMode {
    /// By addresses, as ever.
    Legacy,
    /// By rules of tc; what flower offload to virtual functions needs.
    Switchdev,
    /// Off, though there.
    Inactive,
}

/// A resource of a card, e.g. a table of flows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceResource {
    /// Path of names with slashes, e.g. `kvd/hash_single`.
    pub name: String,
    /// Entries it has; `u64::MAX`: the driver sets no limit.
    pub size: u64,
    /// Entries in use, where told.
    pub occupied: Option<u64>,
}

/// What devlink tells of the device behind an interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct DevlinkDevice {
    /// Bus and address, e.g. `pci/0000:03:00.0`.
    pub handle: String,
    /// Driver by devlink's word.
    pub driver: Option<String>,
    /// Versions at work, by name, e.g. `fw.version`.
    pub running_versions: Vec<(String, String)>,
    /// Mode of the switch; None: it has none.
    pub eswitch_mode: Option<EswitchMode>,
    /// Encapsulation of tunnels by the switch; None: not told.
    pub eswitch_encapsulation: Option<bool>,
    /// Resources, the whole tree.
    pub resources: Vec<DeviceResource>,
}

/// Everything that is told of an interface's hardware. Nothing of it is tried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardwareProbe {
    /// Kernel name.
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// Kernel driver, e.g. `mlx5_core`.
    pub driver: Option<String>,
    /// Its version.
    pub driver_version: Option<String>,
    /// Version of the firmware.
    pub firmware: Option<String>,
    /// Address on the bus, e.g. `0000:03:00.0`.
    pub bus: Option<String>,
    /// Of a card on PCI.
    pub pci: Option<PciId>,
    /// Features, in the kernel's order.
    pub features: Told<Vec<NicFeature>>,
    /// Rings.
    pub rings: Told<Rings>,
    /// Channels.
    pub channels: Told<Channels>,
    /// Interrupts.
    pub coalescing: Told<Coalescing>,
    /// Pause frames.
    pub pause: Told<Pause>,
    /// Receive side scaling.
    pub spread: Told<ReceiveSpread>,
    /// XDP.
    pub xdp: Told<XdpSupport>,
    /// Devlink.
    pub devlink: Told<DevlinkDevice>,
}

impl HardwareProbe {
    /// An interface of which nothing is told.
    pub fn silent(interface: &str, index: u32) -> Self {
        Self {
            interface: interface.to_owned(),
            index,
            driver: None,
            driver_version: None,
            firmware: None,
            bus: None,
            pci: None,
            features: Told::Unsupported,
            rings: Told::Unsupported,
            channels: Told::Unsupported,
            coalescing: Told::Unsupported,
            pause: Told::Unsupported,
            spread: Told::Unsupported,
            xdp: Told::Unsupported,
            devlink: Told::Unsupported,
        }
    }

    /// A feature by its name; None: it is not told, or there is none.
    pub fn feature(&self, name: &str) -> Option<&NicFeature> {
        self.features.known()?.iter().find(|feature| feature.name == name)
    }
}

/// A change to the settings of a network device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HardwareChange {
    /// Switches a feature, by ethtool's name.
    Feature {
        /// Which.
        name: String,
        /// To on.
        on: bool,
    },
    /// Sizes of rings; None: as it is.
    Rings {
        /// Receive ring, in descriptors.
        rx: Option<u32>,
        /// Send ring, in descriptors.
        tx: Option<u32>,
    },
    /// Numbers of channels; None: as it is.
    Channels {
        /// That only receive.
        rx: Option<u32>,
        /// That only send.
        tx: Option<u32>,
        /// That do both.
        combined: Option<u32>,
    },
    /// Has both directions of a connection come to the same queue, or not.
    SymmetricSpread(bool),
    /// Queue by the low bits of the hash; as many as the card has.
    Indirection(Vec<u32>),
}
