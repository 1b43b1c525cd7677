//! Interface settings.

use ipnet::IpNet;
use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Names;
use super::network_settings::{
    Bond, Bridge, DhcpClient, LanServices, LinkIdentity, Vlan, addresses, read_virtual_link, virtual_link,
};
use super::spec::{Spec, free_text, interface_name};
use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// Settings of a network card. Missing or `null`: nothing is said of it, and it is as it was before Ravelin changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HardwareSettings {
    /// The card joins received TCP segments. What it joined cannot be forwarded as it came: off for a router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub large_receive_offload: Option<bool>,
    /// The card steers packets to queues by filters on addresses and ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ntuple_filters: Option<bool>,
    /// Both directions of a connection come to the same queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub symmetric_receive_hash: Option<bool>,
    /// The card carries out rules of tc; `hw_offload` needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hw_tc_offload: Option<bool>,
    /// The card takes the VLAN tag off received frames. XDP does not see a tag that was taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rx_vlan_offload: Option<bool>,
    /// Descriptors of each receive ring. Changing it takes the link down for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub rx_ring_descriptors: Option<u32>,
    /// Descriptors of each send ring. Changing it takes the link down for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub tx_ring_descriptors: Option<u32>,
    /// Channels that only receive. Changing it takes the link down for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub rx_channels: Option<u32>,
    /// Channels that only send. Changing it takes the link down for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub tx_channels: Option<u32>,
    /// Channels that do both. Changing it takes the link down for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub combined_channels: Option<u32>,
}

impl HardwareSettings {
    fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::HardwareSettings> {
        let mut fields = Fields::of(node, errors)?;
        let large_receive_offload = fields.optional_with("large_receive_offload", errors, bool::from_json);
        let ntuple_filters = fields.optional_with("ntuple_filters", errors, bool::from_json);
        let symmetric_receive_hash = fields.optional_with("symmetric_receive_hash", errors, bool::from_json);
        let hw_tc_offload = fields.optional_with("hw_tc_offload", errors, bool::from_json);
        let rx_vlan_offload = fields.optional_with("rx_vlan_offload", errors, bool::from_json);
        let rx_ring_descriptors = count("rx_ring_descriptors", 1, &mut fields, errors);
        let tx_ring_descriptors = count("tx_ring_descriptors", 1, &mut fields, errors);
        let rx_channels = count("rx_channels", 0, &mut fields, errors);
        let tx_channels = count("tx_channels", 0, &mut fields, errors);
        let combined_channels = count("combined_channels", 0, &mut fields, errors);
        fields.finish(errors);
        Some(model::HardwareSettings {
            large_receive_offload: large_receive_offload?,
            ntuple_filters: ntuple_filters?,
            symmetric_receive_hash: symmetric_receive_hash?,
            hw_tc_offload: hw_tc_offload?,
            rx_vlan_offload: rx_vlan_offload?,
            rx_ring_descriptors: rx_ring_descriptors?,
            tx_ring_descriptors: tx_ring_descriptors?,
            rx_channels: rx_channels?,
            tx_channels: tx_channels?,
            combined_channels: combined_channels?,
        })
    }

    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A number of things that may be missing.
fn count(
    name: &'static str,
    least: u32,
    fields: &mut Fields<'_>,
    errors: &mut Errors,
) -> Option<Option<u32>> {
    fields.optional_with(name, errors, |node, errors| {
        node.integer(&(least..=u32::MAX), errors)
    })
}

impl From<model::HardwareSettings> for HardwareSettings {
    fn from(settings: model::HardwareSettings) -> Self {
        let model::HardwareSettings {
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
}

/// What a user says of an interface of this box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceSettingsSpec {
    /// Kernel name; unique. The interface may not exist yet: it gets the settings when it comes.
    #[schema(min_length = 1, max_length = 15, example = "wan0")]
    pub interface: String,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub description: String,
    /// Whether the link is up. Missing: up as soon as anything of its network is said but its identity, else as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
    /// Largest packet without the Ethernet header; missing: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 68, maximum = 65_535)]
    pub mtu_bytes: Option<u32>,
    /// Static addresses of this box on the link, with their prefix lengths.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["192.168.77.1/24", "fd12:3456:789a::1/64"]))]
    pub addresses: Vec<Text<IpNet>>,
    /// Addresses got from others.
    #[serde(default)]
    pub dhcp_client: DhcpClient,
    /// What this box does for hosts on the link.
    #[serde(default)]
    pub lan_services: LanServices,
    /// The link is a VLAN this box makes. At most one of `vlan`, `bridge` and `bond` is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vlan: Option<Vlan>,
    /// The link is a bridge this box makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bridge: Option<Bridge>,
    /// The link is a bond this box makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bond: Option<Bond>,
    /// Which card the name stands for.
    #[serde(default)]
    pub identity: LinkIdentity,
    /// What the card and its driver shall do.
    #[serde(default)]
    pub hardware: HardwareSettings,
}

impl Spec for InterfaceSettingsSpec {
    type Model = model::InterfaceSettingsSpec;

    fn read(node: Node<'_>, _: &Names, errors: &mut Errors) -> Option<model::InterfaceSettingsSpec> {
        let mut fields = Fields::of(node.clone(), errors)?;
        let interface =
            fields.required_with("interface", errors, |node, errors| interface_name(&node, errors));
        let description = free_text(&mut fields, "description", errors);
        let enabled = fields.optional_with("enabled", errors, bool::from_json);
        let mtu_bytes = fields.optional_with("mtu_bytes", errors, |node, errors| {
            node.integer(&(68..=65_535), errors)
        });
        let addresses = addresses(&mut fields, errors);
        let dhcp_client = fields.or("dhcp_client", <_>::default(), errors, DhcpClient::read);
        let lan_services = fields.or("lan_services", <_>::default(), errors, LanServices::read);
        let virtual_link = read_virtual_link(&node, &mut fields, errors);
        let identity = fields.or("identity", <_>::default(), errors, LinkIdentity::read);
        let nothing = model::HardwareSettings::default();
        let hardware = fields.or("hardware", nothing, errors, HardwareSettings::read);
        fields.finish(errors);
        Some(model::InterfaceSettingsSpec {
            interface: interface?,
            description: description?,
            network: model::NetworkSettings {
                enabled: enabled?,
                mtu_bytes: mtu_bytes?,
                addresses: addresses?,
                dhcp_client: dhcp_client?,
                lan_services: lan_services?,
                virtual_link: virtual_link?,
                identity: identity?,
            },
            hardware: hardware?,
        })
    }

    fn of(spec: &model::InterfaceSettingsSpec) -> Self {
        let model::InterfaceSettingsSpec {
            interface,
            description,
            network,
            hardware,
        } = spec;
        let model::NetworkSettings {
            enabled,
            mtu_bytes,
            addresses,
            dhcp_client,
            lan_services,
            virtual_link: link,
            identity,
        } = network;
        let (vlan, bridge, bond) = virtual_link(link.as_ref());
        Self {
            interface: interface.clone(),
            description: description.clone(),
            enabled: *enabled,
            mtu_bytes: *mtu_bytes,
            addresses: addresses.iter().copied().map(Text).collect(),
            dhcp_client: (*dhcp_client).into(),
            lan_services: lan_services.into(),
            vlan,
            bridge,
            bond,
            identity: identity.into(),
            hardware: (*hardware).into(),
        }
    }
}

/// Whether the settings of an interface are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceSettingsState {
    /// The engine has not looked yet.
    Starting,
    /// In force, as kernel and card say themselves; looked at every few seconds.
    Applied,
    /// There is no such interface now.
    Absent,
    /// Parts of them wait for another link: `state_reason` says which.
    Waiting,
    /// Not all of them are in force; `state_reason` says why.
    Failed,
}

impl From<model::SettingsState> for InterfaceSettingsState {
    fn from(state: model::SettingsState) -> Self {
        match state {
            model::SettingsState::Starting => Self::Starting,
            model::SettingsState::Applied => Self::Applied,
            model::SettingsState::Absent => Self::Absent,
            model::SettingsState::Waiting => Self::Waiting,
            model::SettingsState::Failed => Self::Failed,
        }
    }
}

/// Settings of an interface of this box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceSettings {
    /// Never changes.
    #[schema(value_type = String, example = "ifs_1f")]
    pub id: Text<model::InterfaceSettingsId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: InterfaceSettingsSpec,
    /// Whether they are in force now. It changes without the settings, so it is no part of the ETag.
    pub state: InterfaceSettingsState,
    /// Why they are not in force, e.g. what the driver says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state_reason: Option<String>,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<&model::InterfaceSettings> for InterfaceSettings {
    fn from(settings: &model::InterfaceSettings) -> Self {
        let model::InterfaceSettings {
            id,
            // The data plane does not know them.
            number: _,
            spec,
            updated_at,
            revision,
        } = settings;
        Self {
            id: Text(id.clone()),
            spec: InterfaceSettingsSpec::of(spec),
            state: InterfaceSettingsState::Starting,
            state_reason: None,
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
