//! Maps in the kernel.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A map in the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Map {
    /// Kernel id.
    pub id: u32,
    /// Its name; stable.
    pub name: String,
    /// Kernel type.
    #[serde(rename = "type")]
    #[schema(example = "lru_hash")]
    pub type_: String,
    /// Bytes of a key.
    pub key_bytes: u32,
    /// Bytes of a value; per-CPU maps hold one for each CPU.
    pub value_bytes: u32,
    /// Capacity.
    pub max_entries: u32,
    /// Entries in use; missing where every entry of an array is in use by nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub occupancy: Option<u64>,
    /// Bytes of kernel memory.
    pub memory_bytes: u64,
    /// Path of the pin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pin: Option<String>,
}

impl From<model::MapInfo> for Map {
    fn from(map: model::MapInfo) -> Self {
        let model::MapInfo {
            id,
            name,
            kind,
            key_bytes,
            value_bytes,
            max_entries,
            occupancy,
            memory_bytes,
            pin,
        } = map;
        Self {
            id,
            name,
            type_: kind,
            key_bytes,
            value_bytes,
            max_entries,
            occupancy,
            memory_bytes,
            pin,
        }
    }
}
