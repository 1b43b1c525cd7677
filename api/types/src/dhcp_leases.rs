//! Leases of clients of the LANs.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// An address this box gave to a client of a LAN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DhcpLease {
    /// The address.
    #[schema(value_type = String, example = "192.168.77.100")]
    pub address: Ipv4Addr,
    /// Ethernet address of the client.
    #[schema(example = "52:54:00:12:34:56")]
    pub mac: String,
    /// What the client calls itself; what is not printable ASCII is escaped. Missing: it told no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "tv")]
    pub hostname: Option<String>,
    /// When another client may get the address, unless this one asks again.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}
