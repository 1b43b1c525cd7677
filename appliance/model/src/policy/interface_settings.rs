//! Interface settings: what this box does to its own interfaces.

use super::object::{Id, Kind, Object};
use crate::NetworkSettings;

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
    /// Addresses, services, and what the link is.
    pub network: NetworkSettings,
    /// What the card and its driver shall do.
    pub hardware: HardwareSettings,
}

/// Whether the settings of an interface are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettingsState {
    /// Not yet looked at.
    Starting,
    /// In force, as kernel and card say themselves.
    Applied,
    /// There is no such interface now.
    Absent,
    /// Parts of them wait for another link.
    Waiting,
    /// Not all of them are in force.
    Failed,
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

    /// Each setting made of the two.
    fn with(
        self,
        other: Self,
        switch: fn(Option<bool>, Option<bool>) -> Option<bool>,
        number: fn(Option<u32>, Option<u32>) -> Option<u32>,
    ) -> Self {
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
        Self {
            large_receive_offload: switch(large_receive_offload, other.large_receive_offload),
            ntuple_filters: switch(ntuple_filters, other.ntuple_filters),
            symmetric_receive_hash: switch(symmetric_receive_hash, other.symmetric_receive_hash),
            hw_tc_offload: switch(hw_tc_offload, other.hw_tc_offload),
            rx_vlan_offload: switch(rx_vlan_offload, other.rx_vlan_offload),
            rx_ring_descriptors: number(rx_ring_descriptors, other.rx_ring_descriptors),
            tx_ring_descriptors: number(tx_ring_descriptors, other.tx_ring_descriptors),
            rx_channels: number(rx_channels, other.rx_channels),
            tx_channels: number(tx_channels, other.tx_channels),
            combined_channels: number(combined_channels, other.combined_channels),
        }
    }

    /// What these say, and of the rest what the others say.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        self.with(others, Option::or, Option::or)
    }

    /// Of these, those the others say something of, whatever it is.
    #[must_use]
    pub fn only(self, others: Self) -> Self {
        self.with(others, |own, other| other.and(own), |own, other| other.and(own))
    }

    /// Of these, those the others say nothing of.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        self.with(
            others,
            |own, other| own.filter(|_| other.is_none()),
            |own, other| own.filter(|_| other.is_none()),
        )
    }

    /// Of these, those the others do not say the same of.
    #[must_use]
    pub fn unlike(self, others: Self) -> Self {
        self.with(
            others,
            |own, other| own.filter(|_| own != other),
            |own, other| own.filter(|_| own != other),
        )
    }

    /// Of these, those not named so.
    #[must_use]
    pub fn leaving_out(self, names: &[&str]) -> Self {
        let keep = |name: &str| !names.contains(&name);
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
        Self {
            large_receive_offload: large_receive_offload.filter(|_| keep("large_receive_offload")),
            ntuple_filters: ntuple_filters.filter(|_| keep("ntuple_filters")),
            symmetric_receive_hash: symmetric_receive_hash.filter(|_| keep("symmetric_receive_hash")),
            hw_tc_offload: hw_tc_offload.filter(|_| keep("hw_tc_offload")),
            rx_vlan_offload: rx_vlan_offload.filter(|_| keep("rx_vlan_offload")),
            rx_ring_descriptors: rx_ring_descriptors.filter(|_| keep("rx_ring_descriptors")),
            tx_ring_descriptors: tx_ring_descriptors.filter(|_| keep("tx_ring_descriptors")),
            rx_channels: rx_channels.filter(|_| keep("rx_channels")),
            tx_channels: tx_channels.filter(|_| keep("tx_channels")),
            combined_channels: combined_channels.filter(|_| keep("combined_channels")),
        }
    }

    /// Names, as the API has them, and values of what is said.
    pub fn said(self) -> impl Iterator<Item = (&'static str, String)> {
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
        let all = [
            (
                "large_receive_offload",
                large_receive_offload.map(|on| on.to_string()),
            ),
            ("ntuple_filters", ntuple_filters.map(|on| on.to_string())),
            (
                "symmetric_receive_hash",
                symmetric_receive_hash.map(|on| on.to_string()),
            ),
            ("hw_tc_offload", hw_tc_offload.map(|on| on.to_string())),
            ("rx_vlan_offload", rx_vlan_offload.map(|on| on.to_string())),
            (
                "rx_ring_descriptors",
                rx_ring_descriptors.map(|number| number.to_string()),
            ),
            (
                "tx_ring_descriptors",
                tx_ring_descriptors.map(|number| number.to_string()),
            ),
            ("rx_channels", rx_channels.map(|number| number.to_string())),
            ("tx_channels", tx_channels.map(|number| number.to_string())),
            (
                "combined_channels",
                combined_channels.map(|number| number.to_string()),
            ),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(
        lro: Option<bool>,
        ntuple: Option<bool>,
        rx: Option<u32>,
        tx: Option<u32>,
    ) -> HardwareSettings {
        HardwareSettings {
            large_receive_offload: lro,
            ntuple_filters: ntuple,
            rx_ring_descriptors: rx,
            tx_ring_descriptors: tx,
            ..HardwareSettings::default()
        }
    }

    #[test]
    fn settings_are_put_together_one_by_one() {
        let own = settings(Some(true), None, Some(1), Some(2));
        let others = settings(Some(false), Some(true), None, Some(2));
        assert_eq!(own.or(others), settings(Some(true), Some(true), Some(1), Some(2)));
        assert_eq!(own.only(others), settings(Some(true), None, None, Some(2)));
        assert_eq!(own.without(others), settings(None, None, Some(1), None));
        assert_eq!(own.unlike(others), settings(Some(true), None, Some(1), None));
        assert_eq!(
            own.leaving_out(&["rx_ring_descriptors", "large_receive_offload"]),
            settings(None, None, None, Some(2))
        );
        let said: Vec<_> = own.said().collect();
        assert_eq!(
            said,
            [
                ("large_receive_offload", "true".to_owned()),
                ("rx_ring_descriptors", "1".to_owned()),
                ("tx_ring_descriptors", "2".to_owned()),
            ]
        );
        assert!(settings(None, None, None, None).is_empty() && !own.is_empty());
    }
}
