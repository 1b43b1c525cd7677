//! What the network of an interface shall be.

use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use ipnet::IpNet;
use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::spec::{interface_name, switch};
use crate::{Errors, Fields, Node, Text};

/// How long a lease of DHCP holds where nobody says.
const LEASE_SECONDS: u32 = 43_200;

/// Longest path of a card on its bus.
const PATH_LIMIT: usize = 128;

/// Which addresses this box asks others for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DhcpClient {
    /// DHCPv4 (RFC 2131): address, default route, DNS servers.
    pub ipv4: bool,
    /// Router advertisements and DHCPv6 (RFC 4861, RFC 8415).
    pub ipv6: bool,
}

impl DhcpClient {
    pub(super) fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::DhcpClient> {
        let mut fields = Fields::of(node, errors)?;
        let ipv4 = switch(&mut fields, "ipv4", false, errors);
        let ipv6 = switch(&mut fields, "ipv6", false, errors);
        fields.finish(errors);
        Some(model::DhcpClient {
            ipv4: ipv4?,
            ipv6: ipv6?,
        })
    }
}

impl From<model::DhcpClient> for DhcpClient {
    fn from(model::DhcpClient { ipv4, ipv6 }: model::DhcpClient) -> Self {
        Self { ipv4, ipv6 }
    }
}

/// Addresses DHCPv4 gives out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DhcpRange {
    /// First; within the network of one of the interface's addresses.
    #[schema(value_type = String, example = "192.168.77.100")]
    pub first: Text<Ipv4Addr>,
    /// Last, of the same network.
    #[schema(value_type = String, example = "192.168.77.199")]
    pub last: Text<Ipv4Addr>,
    /// How long a lease holds.
    #[serde(default = "lease_seconds")]
    #[schema(minimum = 120, maximum = 31_536_000)]
    pub lease_seconds: u32,
}

fn lease_seconds() -> u32 {
    LEASE_SECONDS
}

impl DhcpRange {
    fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::DhcpRange> {
        let mut fields = Fields::of(node, errors)?;
        let first = fields.required::<Text<Ipv4Addr>>("first", errors);
        let last = fields.required::<Text<Ipv4Addr>>("last", errors);
        let lease_seconds = fields.or("lease_seconds", LEASE_SECONDS, errors, |node, errors| {
            node.integer(&(120..=31_536_000), errors)
        });
        fields.finish(errors);
        Some(model::DhcpRange {
            first: first?.0,
            last: last?.0,
            lease_seconds: lease_seconds?,
        })
    }
}

impl From<model::DhcpRange> for DhcpRange {
    fn from(range: model::DhcpRange) -> Self {
        let model::DhcpRange {
            first,
            last,
            lease_seconds,
        } = range;
        Self {
            first: Text(first),
            last: Text(last),
            lease_seconds,
        }
    }
}

/// What this box does for hosts on the link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LanServices {
    /// DHCPv4 leases from this range; missing: none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dhcp_range: Option<DhcpRange>,
    /// Router advertisements of the interface's IPv6 prefixes (RFC 4861), from which hosts make their addresses.
    pub router_advertisements: bool,
    /// DNS: questions are forwarded to the DNS servers of this box.
    pub dns: bool,
}

impl LanServices {
    pub(super) fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::LanServices> {
        let mut fields = Fields::of(node, errors)?;
        let dhcp_range = fields.optional_with("dhcp_range", errors, DhcpRange::read);
        let router_advertisements = switch(&mut fields, "router_advertisements", false, errors);
        let dns = switch(&mut fields, "dns", false, errors);
        fields.finish(errors);
        Some(model::LanServices {
            dhcp_range: dhcp_range?,
            router_advertisements: router_advertisements?,
            dns: dns?,
        })
    }
}

impl From<&model::LanServices> for LanServices {
    fn from(services: &model::LanServices) -> Self {
        let model::LanServices {
            dhcp_range,
            router_advertisements,
            dns,
        } = services;
        Self {
            dhcp_range: dhcp_range.map(Into::into),
            router_advertisements: *router_advertisements,
            dns: *dns,
        }
    }
}

/// IEEE 802.1Q: frames with one tag on another link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Vlan {
    /// Name of the interface that carries it.
    #[schema(min_length = 1, max_length = 15, example = "lan0")]
    pub parent: String,
    /// VLAN id.
    #[schema(minimum = 1, maximum = 4094)]
    pub id: u16,
}

/// IEEE 802.1D bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bridge {
    /// Names of its ports. A port has no addresses of its own.
    #[serde(default)]
    pub ports: Vec<String>,
    /// It takes part in the spanning tree protocol.
    #[serde(default)]
    pub spanning_tree: bool,
}

/// How the ports of a bond share the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BondMode {
    /// One port at a time.
    ActiveBackup,
    /// IEEE 802.3ad with the switch, by the hash of layers 3 and 4.
    Lacp,
    /// By the hash of layers 3 and 4, without negotiation.
    BalanceXor,
}

/// Links that act as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bond {
    /// Names of its ports. A port has no addresses of its own.
    #[serde(default)]
    pub ports: Vec<String>,
    /// How they share the load.
    pub mode: BondMode,
}

/// Reads the link this box makes. At most one of the three is said.
pub(super) fn read_virtual_link(
    node: &Node<'_>,
    fields: &mut Fields<'_>,
    errors: &mut Errors,
) -> Option<Option<model::VirtualLink>> {
    let vlan = fields.optional_with("vlan", errors, read_vlan);
    let bridge = fields.optional_with("bridge", errors, read_bridge);
    let bond = fields.optional_with("bond", errors, read_bond);
    let (vlan, bridge, bond) = (vlan?, bridge?, bond?);
    if [&vlan, &bridge, &bond].into_iter().flatten().count() > 1 {
        errors.add(node, "invalid", "is one of vlan, bridge and bond, not several");
        return None;
    }
    Some(vlan.or(bridge).or(bond))
}

fn read_vlan(node: Node<'_>, errors: &mut Errors) -> Option<model::VirtualLink> {
    let mut fields = Fields::of(node, errors)?;
    let parent = fields.required_with("parent", errors, |node, errors| interface_name(&node, errors));
    let id = fields.required_with("id", errors, |node, errors| {
        let id = node.integer(&(1..=4094), errors)?;
        NonZeroU16::new(u16::try_from(id).ok()?)
    });
    fields.finish(errors);
    Some(model::VirtualLink::Vlan {
        parent: parent?,
        id: id?,
    })
}

fn read_bridge(node: Node<'_>, errors: &mut Errors) -> Option<model::VirtualLink> {
    let mut fields = Fields::of(node, errors)?;
    let ports = ports(&mut fields, errors);
    let spanning_tree = switch(&mut fields, "spanning_tree", false, errors);
    fields.finish(errors);
    Some(model::VirtualLink::Bridge {
        ports: ports?,
        spanning_tree: spanning_tree?,
    })
}

fn read_bond(node: Node<'_>, errors: &mut Errors) -> Option<model::VirtualLink> {
    let mut fields = Fields::of(node, errors)?;
    let ports = ports(&mut fields, errors);
    let words = [
        ("active_backup", model::BondMode::ActiveBackup),
        ("lacp", model::BondMode::Lacp),
        ("balance_xor", model::BondMode::BalanceXor),
    ];
    let mode = fields.required_with("mode", errors, |node, errors| node.word(&words, errors));
    fields.finish(errors);
    Some(model::VirtualLink::Bond {
        ports: ports?,
        mode: mode?,
    })
}

fn ports(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<Vec<String>> {
    fields.or("ports", Vec::new(), errors, |node, errors| {
        node.items(errors, |node, errors| interface_name(&node, errors))
    })
}

/// The link this box makes, by what it is.
pub(super) fn virtual_link(
    link: Option<&model::VirtualLink>,
) -> (Option<Vlan>, Option<Bridge>, Option<Bond>) {
    match link.cloned() {
        None => (None, None, None),
        Some(model::VirtualLink::Vlan { parent, id }) => {
            let vlan = Vlan { parent, id: id.get() };
            (Some(vlan), None, None)
        }
        Some(model::VirtualLink::Bridge { ports, spanning_tree }) => {
            (None, Some(Bridge { ports, spanning_tree }), None)
        }
        Some(model::VirtualLink::Bond { ports, mode }) => {
            let mode = match mode {
                model::BondMode::ActiveBackup => BondMode::ActiveBackup,
                model::BondMode::Lacp => BondMode::Lacp,
                model::BondMode::BalanceXor => BondMode::BalanceXor,
            };
            (None, None, Some(Bond { ports, mode }))
        }
    }
}

/// Which card the name of the interface stands for: all that is said must hold. A link of this name that is another
/// card is in no zone, gets no settings and stays down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkIdentity {
    /// Permanent Ethernet address, or the present one where the driver knows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, pattern = "^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
    pub mac: Option<Text<model::HardwareAddress>>,
    /// Place on the bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 128,
        example = "pci-0000:00:03.0"
    )]
    pub path: Option<String>,
}

impl LinkIdentity {
    pub(super) fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::LinkIdentity> {
        let mut fields = Fields::of(node, errors)?;
        let mac = fields.optional_with("mac", errors, |node, errors| node.text(errors));
        let path = fields.optional_with("path", errors, |node, errors| path(&node, errors));
        fields.finish(errors);
        Some(model::LinkIdentity {
            mac: mac?,
            path: path?,
        })
    }
}

impl From<&model::LinkIdentity> for LinkIdentity {
    fn from(identity: &model::LinkIdentity) -> Self {
        let model::LinkIdentity { mac, path } = identity;
        Self {
            mac: mac.map(Text),
            path: path.clone(),
        }
    }
}

fn path(node: &Node<'_>, errors: &mut Errors) -> Option<String> {
    let text = node.string(errors)?;
    let fits = (1..=PATH_LIMIT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let detail =
            format!("is not a place on a bus: 1 to {PATH_LIMIT} printable characters without blanks");
        errors.add(node, "format", detail);
    }
    fits.then(|| text.to_owned())
}

/// Addresses of the interface with their prefix lengths.
pub(super) fn addresses(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<Vec<IpNet>> {
    fields.or("addresses", Vec::new(), errors, |node, errors| {
        node.items(errors, |node, errors| {
            let text = node.string(errors)?;
            let address = text.parse().ok();
            if address.is_none() {
                let detail = "is not an address with its prefix length, such as 192.168.77.1/24";
                errors.add(&node, "format", detail);
            }
            address
        })
    })
}
