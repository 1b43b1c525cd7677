//! Interface settings: what this box does to its own interfaces.

use super::object::{Id, Kind, Object};

/// Settings of an interface.
pub type InterfaceSettings = Object<InterfaceSettingsSpec>;
/// Id of the settings of an interface: `ifs_…`.
pub type InterfaceSettingsId = Id<InterfaceSettingsSpec>;

/// What a user says of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceSettingsSpec {
    /// Kernel name; unique. The interface may not exist yet.
    pub interface: String,
    /// Free text.
    pub description: String,
    /// What the card and its driver shall do.
    pub hardware: HardwareSettings,
}

impl Kind for InterfaceSettingsSpec {
    const PREFIX: &'static str = "ifs_";
    const NAME: &'static str = "interface_settings";
    const COLLECTION: &'static str = "interface-settings";
}

/// Settings of a network card. None: nothing is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HardwareSettings {
    /// The card joins received TCP segments. What it joined cannot be forwarded as it came.
    pub large_receive_offload: Option<bool>,
    /// The card steers packets to queues by filters on addresses and ports.
    pub ntuple_filters: Option<bool>,
    /// Both directions of a connection come to the same queue.
    pub symmetric_receive_hash: Option<bool>,
    /// The card carries out rules of tc.
    pub hw_tc_offload: Option<bool>,
    /// The card takes the VLAN tag off received frames. XDP does not see a tag that was taken off.
    pub rx_vlan_offload: Option<bool>,
    /// Descriptors of each receive ring.
    pub rx_ring_descriptors: Option<u32>,
    /// Descriptors of each send ring.
    pub tx_ring_descriptors: Option<u32>,
    /// Channels that only receive.
    pub rx_channels: Option<u32>,
    /// Channels that only send.
    pub tx_channels: Option<u32>,
    /// Channels that do both.
    pub combined_channels: Option<u32>,
}

impl HardwareSettings {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
