//! What the kernel has of links, addresses, routes and rules.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{BondMode, HardwareAddress, OWN_PROTOCOL, RouteTarget, WantedRoute, WantedRouteRule};

/// Group of links this box made (IFLA_GROUP). The kernel takes it with the very message that makes a link, so that no
/// link of ours is ever without it.
pub(super) const OWN_GROUP: u32 = 0x52;

/// Metric of IPv6 routes that are made with none (IP6_RT_PRIO_USER).
const IPV6_METRIC: u32 = 1024;

/// Everything at one time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Present {
    /// By kernel index.
    pub(super) links: BTreeMap<u32, PresentLink>,
    /// Of every link, whoever made them.
    pub(super) addresses: Vec<PresentAddress>,
    /// Of every table, whoever made them, but for those the kernel made in table `local`.
    pub(super) routes: Vec<PresentRoute>,
    /// Ours.
    pub(super) rules: Vec<WantedRouteRule>,
}

impl Present {
    /// Name of the link of an index.
    pub(super) fn name(&self, index: u32) -> String {
        match self.links.get(&index) {
            Some(link) => link.name.clone(),
            None => format!("#{index}"),
        }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PresentLink {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// We made it.
    pub(super) own: bool,
    /// IFF_UP.
    pub(super) up: bool,
    pub(super) mtu_bytes: u32,
    /// Index of the bridge, bond or VRF it is a port of.
    pub(super) master: Option<u32>,
    /// Permanent address, or the present one where the driver knows none.
    pub(super) hardware_address: Option<HardwareAddress>,
    /// Where it is on the buses; read of links whose plan asks for it.
    pub(super) path: Option<String>,
    /// It is configured by router advertisements (`accept_ra`). None: it has no IPv6.
    pub(super) takes_advertisements: Option<bool>,
    /// Addresses that were secondary stay when the first one goes (`promote_secondaries`).
    pub(super) promotes: bool,
}

/// What a link is, of the kinds this box makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vlan {
        /// Index of the link that carries it, of this namespace.
        parent: Option<u32>,
        id: u16,
    },
    Bridge {
        spanning_tree: bool,
    },
    Bond {
        /// None: one this box does not make.
        mode: Option<BondMode>,
    },
    /// A card, or a virtual link of another kind.
    Other,
}

/// An address of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PresentAddress {
    /// Index of the link.
    pub(super) link: u32,
    pub(super) network: IpNet,
    /// IFA_PROTO is ours.
    pub(super) own: bool,
    /// Another host on the link has it (IFA_F_DADFAILED).
    pub(super) duplicate: bool,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PresentRoute {
    pub(super) key: RouteKey,
    /// Its protocol.
    pub(super) protocol: u8,
    pub(super) way: Way,
    pub(super) mtu_bytes: Option<u32>,
}

impl PresentRoute {
    pub(super) fn own(&self) -> bool {
        self.protocol == OWN_PROTOCOL
    }
}

/// What no two routes have in common, but for next hops of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteKey {
    pub(super) table: u32,
    pub(super) destination: IpNet,
    pub(super) metric: u32,
}

impl RouteKey {
    pub(super) fn of(route: &WantedRoute) -> Self {
        let destination = route.destination.trunc();
        let default = matches!(destination, IpNet::V6(_)) && route.metric == 0;
        Self {
            table: route.table,
            destination,
            metric: if default { IPV6_METRIC } else { route.metric },
        }
    }
}

/// Where a route leads; interfaces by kernel index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Gateway(IpAddr, u32),
    Interface(u32),
    Blackhole,
    Unreachable,
    /// Something this box makes no routes of.
    Other,
}

impl PresentRoute {
    /// As a plan would have it.
    pub(super) fn as_wanted(&self, present: &Present) -> WantedRoute {
        let target = match self.way {
            Way::Gateway(gateway, interface) => RouteTarget::Gateway {
                gateway,
                interface: Some(present.name(interface)),
            },
            Way::Interface(interface) => RouteTarget::Interface(present.name(interface)),
            Way::Blackhole => RouteTarget::Blackhole,
            Way::Unreachable | Way::Other => RouteTarget::Unreachable,
        };
        WantedRoute {
            destination: self.key.destination,
            table: self.key.table,
            metric: self.key.metric,
            target,
            mtu_bytes: self.mtu_bytes,
        }
    }
}

/// The rule as the kernel tells it: networks without host bits, and no network that is everything.
pub(super) fn plain_rule(rule: &WantedRouteRule) -> WantedRouteRule {
    let plain = |network: Option<IpNet>| {
        network
            .map(|network| network.trunc())
            .filter(|network| network.prefix_len() > 0)
    };
    WantedRouteRule {
        ipv6: is_ipv6(rule),
        source: plain(rule.source),
        destination: plain(rule.destination),
        ..rule.clone()
    }
}

/// Its family.
pub(super) fn is_ipv6(rule: &WantedRouteRule) -> bool {
    match rule.source.or(rule.destination) {
        Some(network) => matches!(network, IpNet::V6(_)),
        None => rule.ipv6,
    }
}
