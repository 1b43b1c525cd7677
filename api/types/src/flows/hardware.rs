//! Connections in network cards.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FlowCounts, FlowTuple};
use crate::Timestamp;

/// Whether a connection is in a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HardwareFlowState {
    /// Both directions are.
    Installed,
    /// Neither is; it would be, if the mode was `active`.
    WouldInstall,
}

/// Where packets of a connection pass a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HardwareFlowPort {
    /// Kernel name of the interface.
    #[schema(example = "lan0")]
    pub interface: String,
    /// VLAN id of the frames there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 1, maximum = 4094)]
    pub vlan_id: Option<u16>,
}

/// A connection in a network card, or one that would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HardwareFlow {
    /// Id of the connection, as of `GET /api/v1/flows/{id}`.
    pub id: String,
    /// IANA number.
    #[schema(value_type = i32, minimum = 0, maximum = 255)]
    pub protocol: u8,
    /// As packets of who began it come in. Nothing is translated.
    pub original: FlowTuple,
    /// Whether it is in the card.
    pub state: HardwareFlowState,
    /// Where packets of who began it come in.
    pub from: HardwareFlowPort,
    /// Where they leave.
    pub to: HardwareFlowPort,
    /// Packets per second, both directions together.
    pub packets_per_second: u64,
    /// What the card forwarded since it has the connection.
    pub counts: FlowCounts,
    /// Since when it is in the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub installed_at: Option<Timestamp>,
}
