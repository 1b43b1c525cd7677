//! What the network card behind an interface can do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::NicHardware;

/// Whether a card can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityValue {
    /// It can.
    Yes,
    /// It cannot.
    No,
    /// Neither the kernel nor the tables say.
    Unknown,
}

/// Who said what a card can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapabilitySource {
    /// Ethtool, of this very interface.
    Ethtool,
    /// Devlink, of this very card.
    Devlink,
    /// The family `netdev` of generic netlink, of this very interface.
    Netdev,
    /// The table of drivers.
    Table,
    /// Nobody.
    Unknown,
}

/// One thing a card can do, or cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capability {
    /// Name.
    #[schema(example = "flow_rules")]
    pub name: String,
    /// Whether it can.
    pub value: CapabilityValue,
    /// Whether it does so now; missing where there is nothing to switch, or where it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub active: Option<bool>,
    /// Who said so.
    pub source: CapabilitySource,
    /// Why.
    #[schema(example = "hw-tc-offload is on")]
    pub reason: String,
}

/// Who told how many flows a card takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxFlowsSource {
    /// The driver, of this very card.
    Driver,
    /// A resource of devlink, of this very card.
    Devlink,
    /// What is documented of the model; this card may take less.
    ModelDefault,
    /// Nobody.
    Unknown,
}

/// How many flows a card takes: rules for packets that come in by this interface. A connection is one rule at each of
/// its two interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaxFlows {
    /// Most rules; missing where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<u64>,
    /// Who says so.
    pub source: MaxFlowsSource,
    /// Why.
    pub reason: String,
}

/// A feature to switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeatureSwitch {
    /// Name, as ethtool has it.
    #[schema(example = "hw-tc-offload")]
    pub feature: String,
    /// To on.
    pub on: bool,
}

/// What the network card behind an interface is and can do, read now. Nothing was tried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceOffload {
    /// Kernel name.
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// Kernel driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "mlx5_core")]
    pub driver: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub driver_version: Option<String>,
    /// Version of the firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub firmware: Option<String>,
    /// Address on the bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0000:03:00.0")]
    pub bus: Option<String>,
    /// Vendor and device on PCI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        pattern = "^[0-9a-f]{4}:[0-9a-f]{4}$",
        example = "15b3:1017"
    )]
    pub pci: Option<String>,
    /// Family of the card or kind of the virtual device; missing where its driver is in no table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub family: Option<String>,
    /// Model; missing where its vendor and device are in no table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "ConnectX-5")]
    pub model: Option<String>,
    /// Where the model is written: a file of the kernel's source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub model_source: Option<String>,
    /// Established connections can be handed to this card now: the tables say that driver and card can, and everything
    /// read of this card agrees.
    pub supported: bool,
    /// Why, or why not.
    #[schema(example = "hw-tc-offload is off: switch it on")]
    pub reason: String,
    /// The one change after which it would be supported; missing where it is, or where none helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub remedy: Option<FeatureSwitch>,
    /// How many flows it takes.
    pub max_flows: MaxFlows,
    /// Everything a card may be able to do, in an order that stays.
    pub capabilities: Vec<Capability>,
    /// What is told of the card.
    pub hardware: NicHardware,
}
