//! What kernel and driver tell of a network card.

use ravelin_model as model;
use ravelin_model::Told;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A feature of a network device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicFeature {
    /// Name, as ethtool has it.
    #[schema(example = "hw-tc-offload")]
    pub name: String,
    /// It is on.
    pub active: bool,
    /// Somebody asked for it.
    pub wanted: bool,
    /// The driver knows it.
    pub supported: bool,
    /// It cannot be changed.
    pub fixed: bool,
}

/// Sizes of the rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicRings {
    /// Receive ring.
    pub rx_descriptors: u32,
    /// Largest receive ring.
    pub rx_max_descriptors: u32,
    /// Send ring.
    pub tx_descriptors: u32,
    /// Largest send ring.
    pub tx_max_descriptors: u32,
}

/// Numbers of channels: interrupts with their queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicChannels {
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

/// When interrupts are raised. What the driver does not tell is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicCoalescing {
    /// Microseconds after a packet came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rx_us: Option<u32>,
    /// Packets after which none is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rx_packets: Option<u32>,
    /// Microseconds after a packet was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tx_us: Option<u32>,
    /// Packets after which none is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tx_packets: Option<u32>,
    /// The driver adapts receiving itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub adaptive_rx: Option<bool>,
    /// The driver adapts sending itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub adaptive_tx: Option<bool>,
}

/// Pause frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicPause {
    /// Negotiated with the other end.
    pub autonegotiated: bool,
    /// Obeyed.
    pub rx: bool,
    /// Sent.
    pub tx: bool,
}

/// How received packets are spread over queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicSpread {
    /// Queue by the low bits of the hash.
    pub indirection: Vec<u32>,
    /// Both directions of a connection come to the same queue; missing where the kernel does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub symmetric: Option<bool>,
    /// Bits of the hash function in use, as the kernel numbers them: 1 Toeplitz, 2 XOR, 4 CRC32.
    pub hash_function: u32,
}

/// Mode of the switch inside a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EswitchMode {
    /// By addresses.
    Legacy,
    /// By rules of tc.
    Switchdev,
    /// Off, though there.
    Inactive,
}

/// A version of something that runs on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicVersion {
    /// Of what.
    #[schema(example = "fw.version")]
    pub name: String,
    /// Version.
    pub version: String,
}

/// A resource of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicResource {
    /// Path of names.
    #[schema(example = "counters/flow")]
    pub name: String,
    /// Entries it has.
    pub size: u64,
    /// Entries in use; missing where not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub occupied: Option<u64>,
}

/// What devlink tells of the device behind an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicDevlink {
    /// Bus and address.
    #[schema(example = "pci/0000:03:00.0")]
    pub handle: String,
    /// Driver by devlink's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub driver: Option<String>,
    /// Versions at work.
    pub running_versions: Vec<NicVersion>,
    /// Mode of the switch; missing where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eswitch_mode: Option<EswitchMode>,
    /// Encapsulation of tunnels by the switch; missing where not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eswitch_encapsulation: Option<bool>,
    /// Resources, the whole tree.
    pub resources: Vec<NicResource>,
}

/// A part that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadPart {
    /// Field of the hardware.
    #[schema(example = "pause")]
    pub part: String,
    /// Why it could not.
    pub reason: String,
}

/// What is told of a card. A part is missing where kernel or driver have no such thing, or where it could not be read:
/// then `unread` says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NicHardware {
    /// Features, in the kernel's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub features: Option<Vec<NicFeature>>,
    /// Rings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rings: Option<NicRings>,
    /// Channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channels: Option<NicChannels>,
    /// Interrupts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub coalescing: Option<NicCoalescing>,
    /// Pause frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pause: Option<NicPause>,
    /// Receive side scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spread: Option<NicSpread>,
    /// Devlink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub devlink: Option<NicDevlink>,
    /// Parts that could not be read.
    pub unread: Vec<UnreadPart>,
}

impl From<&model::HardwareProbe> for NicHardware {
    fn from(probe: &model::HardwareProbe) -> Self {
        // Identity is shown beside the hardware, XDP among the capabilities.
        let model::HardwareProbe {
            interface: _,
            index: _,
            driver: _,
            driver_version: _,
            firmware: _,
            bus: _,
            pci: _,
            features,
            rings,
            channels,
            coalescing,
            pause,
            spread,
            xdp,
            devlink,
        } = probe;
        let mut unread = Vec::new();
        let hardware = Self {
            features: told("features", features, &mut unread)
                .map(|features| features.iter().map(Into::into).collect()),
            rings: told("rings", rings, &mut unread).map(Into::into),
            channels: told("channels", channels, &mut unread).map(Into::into),
            coalescing: told("coalescing", coalescing, &mut unread).map(Into::into),
            pause: told("pause", pause, &mut unread).map(Into::into),
            spread: told("spread", spread, &mut unread).map(Into::into),
            devlink: told("devlink", devlink, &mut unread).map(Into::into),
            unread: Vec::new(),
        };
        told("xdp", xdp, &mut unread);
        Self { unread, ..hardware }
    }
}

fn told<'a, T>(part: &str, what: &'a Told<T>, unread: &mut Vec<UnreadPart>) -> Option<&'a T> {
    if let Told::Failed(reason) = what {
        unread.push(UnreadPart {
            part: part.to_owned(),
            reason: reason.clone(),
        });
    }
    what.known()
}

impl From<&model::NicFeature> for NicFeature {
    fn from(feature: &model::NicFeature) -> Self {
        let model::NicFeature {
            name,
            active,
            wanted,
            supported,
            fixed,
        } = feature;
        Self {
            name: name.clone(),
            active: *active,
            wanted: *wanted,
            supported: *supported,
            fixed: *fixed,
        }
    }
}

impl From<&model::Rings> for NicRings {
    fn from(
        &model::Rings {
            rx,
            rx_max,
            tx,
            tx_max,
        }: &model::Rings,
    ) -> Self {
        Self {
            rx_descriptors: rx,
            rx_max_descriptors: rx_max,
            tx_descriptors: tx,
            tx_max_descriptors: tx_max,
        }
    }
}

impl From<&model::Channels> for NicChannels {
    fn from(channels: &model::Channels) -> Self {
        let &model::Channels {
            rx,
            rx_max,
            tx,
            tx_max,
            combined,
            combined_max,
        } = channels;
        Self {
            rx,
            rx_max,
            tx,
            tx_max,
            combined,
            combined_max,
        }
    }
}

impl From<&model::Coalescing> for NicCoalescing {
    fn from(coalescing: &model::Coalescing) -> Self {
        let &model::Coalescing {
            rx_usecs,
            rx_frames,
            tx_usecs,
            tx_frames,
            adaptive_rx,
            adaptive_tx,
        } = coalescing;
        Self {
            rx_us: rx_usecs,
            rx_packets: rx_frames,
            tx_us: tx_usecs,
            tx_packets: tx_frames,
            adaptive_rx,
            adaptive_tx,
        }
    }
}

impl From<&model::Pause> for NicPause {
    fn from(
        &model::Pause {
            autonegotiated,
            rx,
            tx,
        }: &model::Pause,
    ) -> Self {
        Self {
            autonegotiated,
            rx,
            tx,
        }
    }
}

impl From<&model::ReceiveSpread> for NicSpread {
    fn from(spread: &model::ReceiveSpread) -> Self {
        let model::ReceiveSpread {
            indirection,
            symmetric,
            hash_function,
        } = spread;
        Self {
            indirection: indirection.clone(),
            symmetric: *symmetric,
            hash_function: *hash_function,
        }
    }
}

impl From<model::EswitchMode> for EswitchMode {
    fn from(mode: model::EswitchMode) -> Self {
        match mode {
            model::EswitchMode::Legacy => Self::Legacy,
            model::EswitchMode::Switchdev => Self::Switchdev,
            model::EswitchMode::Inactive => Self::Inactive,
        }
    }
}

impl From<&model::DevlinkDevice> for NicDevlink {
    fn from(device: &model::DevlinkDevice) -> Self {
        let model::DevlinkDevice {
            handle,
            driver,
            running_versions,
            eswitch_mode,
            eswitch_encapsulation,
            resources,
        } = device;
        Self {
            handle: handle.clone(),
            driver: driver.clone(),
            running_versions: running_versions
                .iter()
                .map(|(name, version)| NicVersion {
                    name: name.clone(),
                    version: version.clone(),
                })
                .collect(),
            eswitch_mode: eswitch_mode.map(Into::into),
            eswitch_encapsulation: *eswitch_encapsulation,
            resources: resources.iter().map(Into::into).collect(),
        }
    }
}

impl From<&model::DeviceResource> for NicResource {
    fn from(resource: &model::DeviceResource) -> Self {
        let model::DeviceResource { name, size, occupied } = resource;
        Self {
            name: name.clone(),
            size: *size,
            occupied: *occupied,
        }
    }
}
