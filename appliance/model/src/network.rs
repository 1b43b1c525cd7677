//! The network of this box itself: links, addresses, routes, and which daemons serve them. What is wanted is put
//! together from the policy; what is there is read from the kernel.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

use ipnet::{IpNet, Ipv4Net};

use crate::HardwareAddress;

/// Who made a route, rule or address: its number in RTA_PROTOCOL, FRA_PROTOCOL and IFA_PROTO. Only what carries it is
/// ever changed or removed (rtnetlink(7); free in include/uapi/linux/rtnetlink.h).
pub const OWN_PROTOCOL: u8 = 0x52;

/// What the network of an interface shall be. Nothing is said by default: the interface stays as others made it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSettings {
    /// Whether the link is up. None: see [`NetworkSettings::up`].
    pub enabled: Option<bool>,
    /// Largest packet without the Ethernet header, in bytes.
    pub mtu_bytes: Option<u32>,
    /// Static addresses of this box with their prefix lengths; each once.
    pub addresses: Vec<IpNet>,
    /// Addresses got from others.
    pub dhcp_client: DhcpClient,
    /// What this box does for hosts on the link.
    pub lan_services: LanServices,
    /// The link is made by this box.
    pub virtual_link: Option<VirtualLink>,
    /// Which card the name stands for. A link of this name that is another card is in no zone and is left down.
    pub identity: LinkIdentity,
}

impl NetworkSettings {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the link shall be up: what is said of it, or else up as soon as anything but its identity is said.
    pub fn up(&self) -> Option<bool> {
        let says_nothing_else = || {
            let identity = self.identity.clone();
            *self
                == Self {
                    identity,
                    ..Self::default()
                }
        };
        self.enabled.or_else(|| (!says_nothing_else()).then_some(true))
    }
}

/// Which addresses to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DhcpClient {
    /// DHCPv4 (RFC 2131): address, default route, DNS servers.
    pub ipv4: bool,
    /// Router advertisements and DHCPv6 (RFC 4861, RFC 8415).
    pub ipv6: bool,
}

/// Services for hosts on a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LanServices {
    /// DHCPv4 leases from this range, which is within one of the link's addresses.
    pub dhcp_range: Option<DhcpRange>,
    /// Router advertisements of the link's IPv6 prefixes, for SLAAC, with this box as DNS server if `dns`.
    pub router_advertisements: bool,
    /// DNS: questions are forwarded to the DNS servers of this box.
    pub dns: bool,
}

/// Addresses DHCPv4 gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DhcpRange {
    /// First.
    pub first: Ipv4Addr,
    /// Last, not before the first.
    pub last: Ipv4Addr,
    /// Time a lease holds, in seconds, 120 to 31,536,000.
    pub lease_seconds: u32,
}

/// A link this box makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VirtualLink {
    /// IEEE 802.1Q: frames of one tag on another link.
    Vlan {
        /// Name of the link that carries it.
        parent: String,
        /// 1 to 4094.
        id: NonZeroU16,
    },
    /// IEEE 802.1D bridge.
    Bridge {
        /// Names of its ports; a link is a port of one bridge or bond.
        ports: Vec<String>,
        /// Whether it takes part in the spanning tree protocol.
        spanning_tree: bool,
    },
    /// Links that act as one.
    Bond {
        /// Names of its ports.
        ports: Vec<String>,
        /// How they share the load.
        mode: BondMode,
    },
}

impl VirtualLink {
    /// What kind of link it is, as the API has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Vlan { .. } => "vlan",
            Self::Bridge { .. } => "bridge",
            Self::Bond { .. } => "bond",
        }
    }

    /// Names of the links it is made of.
    pub fn members(&self) -> &[String] {
        match self {
            Self::Vlan { parent, .. } => std::slice::from_ref(parent),
            Self::Bridge { ports, .. } | Self::Bond { ports, .. } => ports,
        }
    }
}

/// Modes of a bond (Documentation/networking/bonding.rst), with link monitoring each 100 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BondMode {
    /// One port at a time (`active-backup`).
    ActiveBackup,
    /// IEEE 802.3ad, by the hash of layers 3 and 4.
    Lacp,
    /// By the hash of layers 3 and 4, without negotiation (`balance-xor`).
    BalanceXor,
}

/// What makes a card itself; all that is said must hold. Empty: every link of the name is the one meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LinkIdentity {
    /// Permanent address (IFLA_PERM_ADDRESS), or the present one where the driver knows none.
    pub mac: Option<HardwareAddress>,
    /// Bus path, such as `pci-0000:00:03.0`.
    pub path: Option<String>,
}

impl LinkIdentity {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A route as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WantedRoute {
    /// Where to; the default route is of prefix length 0. Its network address.
    pub destination: IpNet,
    /// Table, 1 to 4,294,967,295; 254 is `main`.
    pub table: u32,
    /// The lower, the more it is preferred. The kernel's own defaults are not used: 0 is 0 for IPv4, and 1024 for IPv6.
    pub metric: u32,
    /// What becomes of the packet.
    pub target: RouteTarget,
    /// MTU along the route in bytes.
    pub mtu_bytes: Option<u32>,
}

/// What a route does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RouteTarget {
    /// To a neighbour, by the named interface or the one that reaches it.
    Gateway {
        /// Next hop, of the family of the destination.
        gateway: IpAddr,
        /// Needed for link-local next hops.
        interface: Option<String>,
    },
    /// Hosts are on the link.
    Interface(String),
    /// Dropped without an answer.
    Blackhole,
    /// Answered with an ICMP error.
    Unreachable,
}

/// A policy route: which table judges a packet (ip-rule(8)).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WantedRouteRule {
    /// Lower ones come first, 1 to 32,765; unique in a family.
    pub priority: u32,
    /// Family, where neither source nor destination tells.
    pub ipv6: bool,
    /// Of these sources.
    pub source: Option<IpNet>,
    /// To these destinations.
    pub destination: Option<IpNet>,
    /// That came in by this interface.
    pub input_interface: Option<String>,
    /// The table asked.
    pub table: u32,
}

/// A link as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLink {
    /// Name.
    pub name: String,
    /// Which card the name must be.
    pub identity: LinkIdentity,
    /// Made if it is not there, made anew if it is of another kind.
    pub virtual_link: Option<VirtualLink>,
    /// None: as it is.
    pub enabled: Option<bool>,
    /// None: as it is.
    pub mtu_bytes: Option<u32>,
    /// All of ours; others' addresses are left alone.
    pub addresses: Vec<IpNet>,
}

/// The whole network as it is wanted: what is ours in the kernel and not in here is removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkPlan {
    /// Links, each name once.
    pub links: Vec<WantedLink>,
    /// Routes of all tables.
    pub routes: Vec<WantedRoute>,
    /// Policy routes.
    pub rules: Vec<WantedRouteRule>,
}

/// Why a part of a plan is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkFault {
    /// Which part.
    pub part: NetworkPart,
    /// Waits for a link that is not there or down; it is tried again when links change.
    pub waiting: bool,
    /// In words.
    pub reason: String,
}

/// A part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetworkPart {
    /// A link, by name.
    Link(String),
    /// An address of a link.
    Address(String, IpNet),
    /// A route.
    Route(WantedRoute),
    /// A policy route.
    Rule(WantedRouteRule),
}

/// What daemons of others shall do; sent whole to the agent of the appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkServices {
    /// Interfaces that ask for addresses.
    pub dhcp_clients: Vec<(String, DhcpClient)>,
    /// Interfaces whose hosts are served, with the link's static addresses.
    pub lan_services: Vec<LanLink>,
    /// DNS servers of this box in order; empty: those DHCP told.
    pub dns_servers: Vec<DnsServerAddress>,
}

/// A link whose hosts are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanLink {
    /// Name.
    pub interface: String,
    /// What is served.
    pub services: LanServices,
    /// IPv4 network the range is in, with the box's own address.
    pub ipv4: Option<Ipv4Net>,
}

/// A DNS server this box asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsServerAddress {
    /// Address.
    pub address: IpAddr,
    /// UDP and TCP port, 53 as a rule.
    pub port: NonZeroU16,
}
