//! A link as the kernel tells it.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{AddressOrigin, HardwareAddress, LinkCounters, LinkIdentity, LinkState, OWN_PROTOCOL};
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol,
};
use rtnetlink::packet_route::link::{
    InfoData, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, Stats64, VlanProtocol,
};

use crate::network::bus_path;

/// What a VLAN device (802.1Q) stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VlanLink {
    /// Kernel index of the link its frames go through.
    pub device: u32,
    /// VLAN number they are tagged with.
    pub tag: u16,
}

/// A network link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Kernel index; changes when the link is made anew.
    pub index: u32,
    /// Kernel name; can change while the link lives.
    pub name: String,
    /// None where the link has no Ethernet address (tunnels, loopback).
    pub hardware_address: Option<HardwareAddress>,
    /// Largest packet without the link header, in bytes.
    pub mtu_bytes: u32,
    /// The link's own addresses with prefix length; IPv4 first, otherwise in the kernel's order.
    pub addresses: Vec<IpNet>,
    /// Who made each of them, in their order.
    pub origins: Vec<AddressOrigin>,
    /// Which card it is: its permanent Ethernet address (IFLA_PERM_ADDRESS), or the present one where the driver knows
    /// none, and its place on the buses, in the words of udev (ID_PATH); None where it is on none.
    pub card: LinkIdentity,
    /// Kind of a virtual link (`veth`, `bridge`: IFLA_INFO_KIND), else the driver of the device
    /// (ETHTOOL_GDRVINFO); None where the kernel does not say.
    pub driver: Option<String>,
    /// Whether packets can pass.
    pub link_state: LinkState,
    /// IFF_LOOPBACK.
    pub loopback: bool,
    /// Of a VLAN device (802.1Q) on a link of the same network namespace.
    pub vlan: Option<VlanLink>,
    /// Its queueing discipline at the root (IFLA_QDISC): `noqueue`, `mq`, `fq_codel` …
    pub queueing: Option<String>,
    /// Whether XDP can redirect frames to it (NETDEV_XDP_ACT_NDO_XMIT); false where the kernel does not say.
    pub redirect: bool,
    /// Kernel index of the bridge, bond or VRF it is a port of.
    pub master: Option<u32>,
    /// The kernel's counters (IFLA_STATS64) at the time of reading.
    pub counters: LinkCounters,
}

impl Link {
    /// From an RTM_NEWLINK without what other messages and ioctls tell: addresses, whether XDP can redirect to it, and the
    /// driver of a link that has no kind. None for a message that has no name, which is no answer to a dump of links.
    pub(crate) fn from_message(message: &LinkMessage) -> Option<Self> {
        let flags = message.header.flags;
        let ethernet = message.header.link_layer_type == LinkLayerType::Ether;
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            hardware_address: None,
            mtu_bytes: 0,
            addresses: Vec::new(),
            origins: Vec::new(),
            card: LinkIdentity::default(),
            driver: None,
            link_state: link_state(flags),
            loopback: flags.contains(LinkFlags::Loopback),
            vlan: None,
            queueing: None,
            redirect: false,
            master: None,
            counters: LinkCounters::default(),
        };
        let (mut device, mut elsewhere, mut tag) = (None, false, None);
        let (mut bus, mut bus_device) = (None, None);
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Mtu(bytes) => link.mtu_bytes = *bytes,
                LinkAttribute::Address(bytes) if ethernet => {
                    link.hardware_address = bytes.as_slice().try_into().ok().map(HardwareAddress);
                }
                LinkAttribute::PermAddress(bytes) if ethernet => {
                    link.card.mac = bytes.as_slice().try_into().ok().map(HardwareAddress);
                }
                LinkAttribute::ParentDevBusName(name) => bus = Some(name),
                LinkAttribute::ParentDevName(name) => bus_device = Some(name),
                LinkAttribute::LinkInfo(infos) => {
                    link.driver = kind(infos);
                    tag = vlan_tag(infos);
                }
                LinkAttribute::Link(index) => device = Some(*index),
                LinkAttribute::LinkNetNsId(_) => elsewhere = true,
                LinkAttribute::Qdisc(name) => link.queueing = Some(name.clone()),
                LinkAttribute::Controller(index) => link.master = Some(*index),
                LinkAttribute::Stats64(stats) => link.counters = counters(stats),
                _ => {}
            }
        }
        link.vlan = (device.filter(|_| !elsewhere))
            .zip(tag)
            .map(|(device, tag)| VlanLink { device, tag });
        link.card.mac = link.card.mac.or(link.hardware_address);
        link.card.path = bus
            .zip(bus_device)
            .and_then(|(bus, device)| bus_path(bus, device));
        (!link.name.is_empty()).then_some(link)
    }

    /// Whether anything but the counters, which change all the time, is different.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        let counters = self.counters;
        *self
            != Self {
                counters,
                ..other.clone()
            }
    }
}

/// Index of the link, its own address and who made that, from an RTM_NEWADDR.
pub(crate) fn address(message: &AddressMessage) -> Option<(u32, IpNet, AddressOrigin)> {
    let mut own: Option<IpAddr> = None;
    let mut protocol = None;
    let mut permanent = message.header.flags.contains(AddressHeaderFlags::Permanent);
    for attribute in &message.attributes {
        match attribute {
            // On a point-to-point link this is the peer's, and the own one is in IFA_LOCAL.
            AddressAttribute::Address(address) => own = own.or(Some(*address)),
            AddressAttribute::Local(address) => own = Some(*address),
            AddressAttribute::Protocol(number) => protocol = Some(*number),
            AddressAttribute::Flags(flags) => permanent = flags.contains(AddressFlags::Permanent),
            _ => {}
        }
    }
    let network = IpNet::new(own?, message.header.prefix_len).ok()?;
    Some((
        message.header.index,
        network,
        origin(network, protocol, permanent),
    ))
}

/// By IFA_PROTO, where it is said. DHCP clients say nothing of it, but what they got has a lifetime.
fn origin(network: IpNet, protocol: Option<AddressProtocol>, permanent: bool) -> AddressOrigin {
    let whole = network.prefix_len() == network.max_prefix_len();
    let link_local = match network.addr() {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    match protocol {
        Some(AddressProtocol::Other(OWN_PROTOCOL)) => AddressOrigin::Static,
        Some(AddressProtocol::Loopback | AddressProtocol::LinkLocal) => AddressOrigin::Kernel,
        Some(AddressProtocol::RouterAnnouncement) => AddressOrigin::RouterAdvertisement,
        _ if network.addr().is_loopback() || link_local => AddressOrigin::Kernel,
        _ if permanent => AddressOrigin::Other,
        _ if network.addr().is_ipv4() || whole => AddressOrigin::Dhcp,
        _ => AddressOrigin::RouterAdvertisement,
    }
}

/// IFF_RUNNING is the operational state of RFC 2863 (up, or unknown to the driver), IFF_LOWER_UP the carrier.
fn link_state(flags: LinkFlags) -> LinkState {
    if !flags.contains(LinkFlags::Up) {
        LinkState::Down
    } else if flags.contains(LinkFlags::Running | LinkFlags::LowerUp) {
        LinkState::Up
    } else {
        LinkState::NoCarrier
    }
}

fn kind(infos: &[LinkInfo]) -> Option<String> {
    infos.iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    })
}

/// Tag of an 802.1Q device; those of 802.1ad have none here.
fn vlan_tag(infos: &[LinkInfo]) -> Option<u16> {
    let data = infos.iter().find_map(|info| match info {
        LinkInfo::Data(InfoData::Vlan(data)) => Some(data),
        _ => None,
    })?;
    let mut tag = None;
    for info in data {
        match info {
            InfoVlan::Id(id) => tag = Some(*id),
            InfoVlan::Protocol(protocol) if *protocol != VlanProtocol::Ieee8021Q => return None,
            _ => {}
        }
    }
    tag
}

fn counters(stats: &Stats64) -> LinkCounters {
    LinkCounters {
        received_packets: stats.rx_packets,
        received_bytes: stats.rx_bytes,
        received_dropped_packets: stats.rx_dropped,
        sent_packets: stats.tx_packets,
        sent_bytes: stats.tx_bytes,
        sent_dropped_packets: stats.tx_dropped,
    }
}

#[cfg(test)]
mod tests;
