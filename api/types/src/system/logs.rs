//! The journal of the machine.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The unit it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "raveld.service")]
    pub unit: Option<String>,
    /// What the program calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "raveld")]
    pub identifier: Option<String>,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pid: Option<u32>,
    /// 0 (emergency) to 7 (debug).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 7, value_type = Option<u32>)]
    pub priority: Option<u8>,
    /// The boot it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub boot_id: Option<String>,
    /// What it says; cut off after 8192 bytes.
    pub message: String,
}
