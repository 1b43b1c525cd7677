//! What network cards were set to before Ravelin changed them.

use ravelin_model::HardwareSettings;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, convert};

/// What a card was set to before it was first changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOriginal {
    /// Kernel name.
    pub interface: String,
    /// Another text for another card of the same name, and after a boot.
    pub device: String,
    /// Of the settings that were changed.
    pub hardware: HardwareSettings,
}

impl Store {
    /// Of every card that is not as it was.
    pub async fn interface_originals(&self) -> Result<Vec<StoredOriginal>, StoreError> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT interface, device, hardware FROM interface_original")
                .fetch_all(&self.reader)
                .await
                .map_err(StoreError::ReadInterfaces)?;
        let original = |(interface, device, hardware): (String, String, String)| {
            let row: HardwareRow = serde_json::from_str(&hardware)
                .map_err(|source| convert::column("interface_original.hardware", Some(source.into())))?;
            Ok(StoredOriginal {
                interface,
                device,
                hardware: row.settings(),
            })
        };
        rows.into_iter().map(original).collect()
    }

    /// Remembers what a card was set to, instead of what was remembered of that name. On disk when it returns, which
    /// must be before the card is touched; waits for a [`crate::Change`] under way.
    pub async fn remember_original(&self, original: &StoredOriginal) -> Result<(), StoreError> {
        let StoredOriginal {
            interface,
            device,
            hardware,
        } = original;
        let hardware = serde_json::to_string(&HardwareRow::of(*hardware))
            .map_err(|source| convert::column("interface_original.hardware", Some(source.into())))?;
        sqlx::query(
            "INSERT OR REPLACE INTO interface_original (interface, device, hardware) VALUES (?, ?, ?)",
        )
        .bind(interface)
        .bind(device)
        .bind(hardware)
        .execute(&self.writer)
        .await
        .map_err(StoreError::WriteInterface)?;
        Ok(())
    }

    /// Forgets it: the card is as it was, or gone.
    pub async fn forget_original(&self, interface: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM interface_original WHERE interface = ?")
            .bind(interface)
            .execute(&self.writer)
            .await
            .map_err(StoreError::WriteInterface)?;
        Ok(())
    }
}

/// Settings of a card as JSON.
#[derive(Serialize, Deserialize, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct HardwareRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    large_receive_offload: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ntuple_filters: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    symmetric_receive_hash: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hw_tc_offload: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rx_vlan_offload: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rx_ring_descriptors: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tx_ring_descriptors: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rx_channels: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tx_channels: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    combined_channels: Option<u32>,
}

impl HardwareRow {
    pub(crate) fn of(settings: HardwareSettings) -> Self {
        let HardwareSettings {
            large_receive_offload,
            ntuple_filters,
            symmetric_receive_hash,
            hw_tc_offload,
            rx_vlan_offload,
            rx_ring_descriptors,
            tx_ring_descriptors,
            rx_channels,
            tx_channels,
            combined_channels,
        } = settings;
        Self {
            large_receive_offload,
            ntuple_filters,
            symmetric_receive_hash,
            hw_tc_offload,
            rx_vlan_offload,
            rx_ring_descriptors,
            tx_ring_descriptors,
            rx_channels,
            tx_channels,
            combined_channels,
        }
    }

    pub(crate) fn settings(self) -> HardwareSettings {
        let Self {
            large_receive_offload,
            ntuple_filters,
            symmetric_receive_hash,
            hw_tc_offload,
            rx_vlan_offload,
            rx_ring_descriptors,
            tx_ring_descriptors,
            rx_channels,
            tx_channels,
            combined_channels,
        } = self;
        HardwareSettings {
            large_receive_offload,
            ntuple_filters,
            symmetric_receive_hash,
            hw_tc_offload,
            rx_vlan_offload,
            rx_ring_descriptors,
            tx_ring_descriptors,
            rx_channels,
            tx_channels,
            combined_channels,
        }
    }

    pub(crate) fn says_nothing(&self) -> bool {
        *self == Self::default()
    }
}
