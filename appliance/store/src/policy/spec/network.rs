//! What the network of an interface shall be.

use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use ravelin_model::{
    BondMode, DhcpClient, DhcpRange, HardwareAddress, LanServices, LinkIdentity, NetworkSettings, VirtualLink,
};
use serde::{Deserialize, Serialize};

use super::{is_false, parse, parse_all, texts};
use crate::StoreError;

#[derive(Serialize, Deserialize, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mtu_bytes: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    dhcp_ipv4: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    dhcp_ipv6: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dhcp_range: Option<DhcpRangeRow>,
    #[serde(default, skip_serializing_if = "is_false")]
    router_advertisements: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    dns: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    virtual_link: Option<VirtualLinkRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct DhcpRangeRow {
    first: Ipv4Addr,
    last: Ipv4Addr,
    lease_seconds: u32,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum VirtualLinkRow {
    Vlan {
        parent: String,
        id: NonZeroU16,
    },
    Bridge {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ports: Vec<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        spanning_tree: bool,
    },
    Bond {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ports: Vec<String>,
        mode: BondModeRow,
    },
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum BondModeRow {
    ActiveBackup,
    Lacp,
    BalanceXor,
}

impl NetworkRow {
    pub(super) fn of(settings: &NetworkSettings) -> Self {
        let NetworkSettings {
            enabled,
            mtu_bytes,
            addresses,
            dhcp_client,
            lan_services,
            virtual_link,
            identity,
        } = settings;
        let DhcpClient { ipv4, ipv6 } = *dhcp_client;
        let LanServices {
            dhcp_range,
            router_advertisements,
            dns,
        } = lan_services;
        let LinkIdentity { mac, path } = identity;
        Self {
            enabled: *enabled,
            mtu_bytes: *mtu_bytes,
            addresses: texts(addresses),
            dhcp_ipv4: ipv4,
            dhcp_ipv6: ipv6,
            dhcp_range: dhcp_range.map(
                |DhcpRange {
                     first,
                     last,
                     lease_seconds,
                 }| DhcpRangeRow {
                    first,
                    last,
                    lease_seconds,
                },
            ),
            router_advertisements: *router_advertisements,
            dns: *dns,
            virtual_link: virtual_link.as_ref().map(VirtualLinkRow::of),
            mac: mac.map(|mac| mac.to_string()),
            path: path.clone(),
        }
    }

    pub(super) fn settings(self) -> Result<NetworkSettings, StoreError> {
        let Self {
            enabled,
            mtu_bytes,
            addresses,
            dhcp_ipv4,
            dhcp_ipv6,
            dhcp_range,
            router_advertisements,
            dns,
            virtual_link,
            mac,
            path,
        } = self;
        Ok(NetworkSettings {
            enabled,
            mtu_bytes,
            addresses: parse_all(&addresses)?,
            dhcp_client: DhcpClient {
                ipv4: dhcp_ipv4,
                ipv6: dhcp_ipv6,
            },
            lan_services: LanServices {
                dhcp_range: dhcp_range.map(
                    |DhcpRangeRow {
                         first,
                         last,
                         lease_seconds,
                     }| DhcpRange {
                        first,
                        last,
                        lease_seconds,
                    },
                ),
                router_advertisements,
                dns,
            },
            virtual_link: virtual_link.map(VirtualLinkRow::link),
            identity: LinkIdentity {
                mac: mac.map(|mac| parse::<HardwareAddress>(&mac)).transpose()?,
                path,
            },
        })
    }

    pub(super) fn says_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl VirtualLinkRow {
    fn of(link: &VirtualLink) -> Self {
        match link.clone() {
            VirtualLink::Vlan { parent, id } => Self::Vlan { parent, id },
            VirtualLink::Bridge { ports, spanning_tree } => Self::Bridge { ports, spanning_tree },
            VirtualLink::Bond { ports, mode } => Self::Bond {
                ports,
                mode: match mode {
                    BondMode::ActiveBackup => BondModeRow::ActiveBackup,
                    BondMode::Lacp => BondModeRow::Lacp,
                    BondMode::BalanceXor => BondModeRow::BalanceXor,
                },
            },
        }
    }

    fn link(self) -> VirtualLink {
        match self {
            Self::Vlan { parent, id } => VirtualLink::Vlan { parent, id },
            Self::Bridge { ports, spanning_tree } => VirtualLink::Bridge { ports, spanning_tree },
            Self::Bond { ports, mode } => VirtualLink::Bond {
                ports,
                mode: match mode {
                    BondModeRow::ActiveBackup => BondMode::ActiveBackup,
                    BondModeRow::Lacp => BondMode::Lacp,
                    BondModeRow::BalanceXor => BondMode::BalanceXor,
                },
            },
        }
    }
}
