//! Network interfaces.

use ipnet::IpNet;
use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Attachment, Errors, Fields, FromJson, LinkIdentity, Node, Text, XdpMode};

/// Operational state of a link (RFC 2863).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Packets can pass.
    Up,
    /// Administratively up, no carrier.
    NoCarrier,
    /// Administratively down.
    Down,
}

impl From<model::LinkState> for LinkState {
    fn from(state: model::LinkState) -> Self {
        match state {
            model::LinkState::Up => Self::Up,
            model::LinkState::NoCarrier => Self::NoCarrier,
            model::LinkState::Down => Self::Down,
        }
    }
}

/// The kernel's own counters of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkCounters {
    /// Packets received.
    pub received_packets: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets received and dropped by the kernel or the driver.
    pub received_dropped_packets: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Packets dropped on sending.
    pub sent_dropped_packets: u64,
}

impl From<model::LinkCounters> for LinkCounters {
    fn from(counters: model::LinkCounters) -> Self {
        let model::LinkCounters {
            received_packets,
            received_bytes,
            received_dropped_packets,
            sent_packets,
            sent_bytes,
            sent_dropped_packets,
        } = counters;
        Self {
            received_packets,
            received_bytes,
            received_dropped_packets,
            sent_packets,
            sent_bytes,
            sent_dropped_packets,
        }
    }
}

/// Who made an address, as far as the kernel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressOrigin {
    /// It is in the settings of the interface.
    Static,
    /// DHCP.
    Dhcp,
    /// Made from a router advertisement (RFC 4862).
    RouterAdvertisement,
    /// The kernel: loopback and link-local ones.
    Kernel,
    /// Somebody else.
    Other,
}

impl From<model::AddressOrigin> for AddressOrigin {
    fn from(origin: model::AddressOrigin) -> Self {
        match origin {
            model::AddressOrigin::Static => Self::Static,
            model::AddressOrigin::Dhcp => Self::Dhcp,
            model::AddressOrigin::RouterAdvertisement => Self::RouterAdvertisement,
            model::AddressOrigin::Kernel => Self::Kernel,
            model::AddressOrigin::Other => Self::Other,
        }
    }
}

/// An address with who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceAddress {
    /// With prefix length.
    #[schema(value_type = String, example = "192.0.2.1/24")]
    pub address: Text<IpNet>,
    /// Who made it.
    pub origin: AddressOrigin,
}

/// A part of the settings that is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceFault {
    /// The address; missing: the link itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "192.0.2.1/24")]
    pub address: Option<Text<IpNet>>,
    /// It waits for another link, and is tried again when links change.
    pub waiting: bool,
    /// Why.
    pub reason: String,
}

impl From<model::NetworkFault> for InterfaceFault {
    fn from(fault: model::NetworkFault) -> Self {
        let model::NetworkFault {
            part,
            waiting,
            reason,
        } = fault;
        Self {
            address: match part {
                model::NetworkPart::Address(_, address) => Some(Text(address)),
                model::NetworkPart::Link(_) | model::NetworkPart::Route(_) | model::NetworkPart::Rule(_) => {
                    None
                }
            },
            waiting,
            reason,
        }
    }
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interface {
    /// Kernel name.
    pub name: String,
    /// Kernel index; changes when the link is made anew.
    pub index: u32,
    /// Ethernet address; missing where the link has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
    pub mac: Option<String>,
    /// Largest packet without the Ethernet header.
    pub mtu_bytes: u32,
    /// Addresses with prefix length.
    #[schema(value_type = Vec<String>, example = json!(["192.0.2.1/24", "2001:db8::1/64"]))]
    pub addresses: Vec<Text<IpNet>>,
    /// The same addresses, each with who made it.
    pub address_origins: Vec<InterfaceAddress>,
    /// Which card it is: what `identity` of its settings is compared with.
    pub identity: LinkIdentity,
    /// Bridge, bond or VRF it is a port of; missing where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub master: Option<String>,
    /// Its ports, or the interface it is a VLAN of.
    pub members: Vec<String>,
    /// Id of its settings; missing where it has none. `/api/v1/interfaces/{name}/settings` shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "ifs_1f")]
    pub settings_id: Option<Text<model::InterfaceSettingsId>>,
    /// What of its network is not in force.
    pub faults: Vec<InterfaceFault>,
    /// Kernel driver; missing where the kernel does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub driver: Option<String>,
    /// Whether packets can pass.
    pub link_state: LinkState,
    /// Loopback interfaces are shown and never attached.
    pub loopback: bool,
    /// Faces the outside; see PATCH.
    pub external: bool,
    /// Where XDP runs on it; missing where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub xdp_mode: Option<XdpMode>,
    /// Programs attached.
    pub attachments: Vec<Attachment>,
    /// Why programs could not be attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attach_error: Option<String>,
    /// The kernel's counters.
    pub counters: LinkCounters,
    /// Only in the answer to a change: revision of the configuration after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revision: Option<u64>,
}

impl From<model::Interface> for Interface {
    fn from(interface: model::Interface) -> Self {
        let model::Interface {
            index,
            name,
            hardware_address,
            mtu_bytes,
            addresses,
            origins,
            card,
            master,
            members,
            settings,
            faults,
            driver,
            link_state,
            loopback,
            external,
            attachments,
            attach_error,
            counters,
        } = interface;
        let address_origins = addresses.iter().zip(origins);
        Self {
            name,
            index,
            mac: hardware_address.map(|address| address.to_string()),
            mtu_bytes,
            address_origins: address_origins
                .map(|(address, origin)| InterfaceAddress {
                    address: Text(*address),
                    origin: origin.into(),
                })
                .collect(),
            addresses: addresses.into_iter().map(Text).collect(),
            identity: (&card).into(),
            master,
            members,
            settings_id: settings.map(Text),
            faults: faults.into_iter().map(Into::into).collect(),
            driver,
            link_state: link_state.into(),
            loopback,
            external,
            xdp_mode: attachments.iter().find_map(|a| a.mode).map(Into::into),
            attachments: attachments.into_iter().map(Into::into).collect(),
            attach_error,
            counters: counters.into(),
            revision: None,
        }
    }
}

/// A change to an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InterfacePatch {
    /// It faces the outside. Stored by name, so it outlives the link.
    pub external: bool,
}

impl FromJson for InterfacePatch {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let external = fields.required("external", errors);
        fields.finish(errors);
        Some(Self { external: external? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_of_xdp_is_the_one_of_its_attachment() {
        let attachment = |hook, mode| model::Attachment {
            interface: "wan0".to_owned(),
            interface_index: 3,
            hook,
            mode,
            program_id: 1,
        };
        let interface = |attachments| model::Interface {
            index: 3,
            name: "wan0".to_owned(),
            hardware_address: None,
            mtu_bytes: 1500,
            addresses: Vec::new(),
            origins: Vec::new(),
            card: model::LinkIdentity::default(),
            master: None,
            members: Vec::new(),
            settings: None,
            faults: Vec::new(),
            driver: None,
            link_state: model::LinkState::Up,
            loopback: false,
            external: true,
            attachments,
            attach_error: None,
            counters: model::LinkCounters::default(),
        };
        let ingress = attachment(model::Hook::TcIngress, None);
        let xdp = attachment(model::Hook::Xdp, Some(model::XdpMode::Generic));
        let both = Interface::from(interface(vec![ingress.clone(), xdp]));
        assert_eq!(both.xdp_mode, Some(XdpMode::Generic));
        assert_eq!(Interface::from(interface(vec![ingress])).xdp_mode, None);
    }
}
