//! What the kernel tells, message by message.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{HardwareAddress, OWN_PROTOCOL, WantedRouteRule};

use super::build::made_bond_mode;
use super::number::{AF_INET, AF_INET6, address, link, route, rule};
use super::present::{Kind, OWN_GROUP, PresentAddress, PresentLink, PresentRoute, RouteKey, Way};
use crate::netlink::{array, attribute, attributes, text};

/// IEEE 802.1Q.
const ETH_P_8021Q: u16 = 0x8100;

/// A link, and bus and name of its device.
pub(super) fn present_link(message: &[u8]) -> Option<(PresentLink, Option<(String, String)>)> {
    let flags = u32::from_ne_bytes(array(message, 8)?);
    let mut present = PresentLink {
        index: u32::from_ne_bytes(array(message, 4)?),
        name: String::new(),
        kind: Kind::Other,
        own: false,
        up: flags & link::UP != 0,
        mtu_bytes: 0,
        master: None,
        hardware_address: None,
        path: None,
        takes_advertisements: None,
        promotes: false,
    };
    let (mut parent, mut elsewhere, mut info) = (None, false, None);
    let (mut permanent, mut bus, mut device) = (None, None, None);
    for (kind, value) in attributes(message.get(link::HEADER..)?) {
        match kind {
            link::NAME => text(value)?.clone_into(&mut present.name),
            link::MTU => present.mtu_bytes = number(value)?,
            link::GROUP => present.own = number(value)? == OWN_GROUP,
            link::MASTER => present.master = number(value),
            link::PARENT => parent = number(value),
            link::OTHER_NAMESPACE => elsewhere = true,
            link::ADDRESS => present.hardware_address = value.try_into().ok().map(HardwareAddress),
            link::PERMANENT_ADDRESS => permanent = value.try_into().ok().map(HardwareAddress),
            link::INFO => info = Some(value),
            link::FAMILIES => read_families(&mut present, value),
            link::DEVICE => device = text(value),
            link::DEVICE_BUS => bus = text(value),
            _ => {}
        }
    }
    if present.name.is_empty() {
        return None;
    }
    present.kind = info
        .and_then(|info| made_kind(info, parent.filter(|_| !elsewhere)))
        .unwrap_or(Kind::Other);
    present.hardware_address = permanent.or(present.hardware_address);
    let device = bus.zip(device);
    Some((
        present,
        device.map(|(bus, device)| (bus.to_owned(), device.to_owned())),
    ))
}

/// None: a kind this box does not make.
fn made_kind(info: &[u8], parent: Option<u32>) -> Option<Kind> {
    let data = attribute(info, link::INFO_DATA).unwrap_or_default();
    let byte = |kind| attribute(data, kind).and_then(|value| value.first().copied());
    match text(attribute(info, link::INFO_KIND)?)? {
        "vlan" => {
            let protocol = u16::from_be_bytes(array(attribute(data, link::VLAN_PROTOCOL)?, 0)?);
            let id = u16::from_ne_bytes(array(attribute(data, link::VLAN_ID)?, 0)?);
            // One of another protocol has the number of none.
            let id = if protocol == ETH_P_8021Q { id } else { 0 };
            Some(Kind::Vlan { parent, id })
        }
        "bridge" => {
            let state = attribute(data, link::BRIDGE_SPANNING_TREE).and_then(number);
            Some(Kind::Bridge {
                spanning_tree: state.is_some_and(|state| state != 0),
            })
        }
        "bond" => {
            let mode = made_bond_mode(byte(link::BOND_MODE)?, byte(link::BOND_HASH).unwrap_or(0));
            Some(Kind::Bond { mode })
        }
        _ => None,
    }
}

fn read_families(present: &mut PresentLink, families: &[u8]) {
    let settings = |family: u8, kind| attribute(attribute(families, family.into())?, kind);
    let place = usize::from(link::PROMOTE_SECONDARIES - 1) * 4;
    if let Some(ipv4) = settings(AF_INET, link::IPV4_SETTINGS) {
        present.promotes = array(ipv4, place).is_some_and(|value| u32::from_ne_bytes(value) != 0);
    }
    if let Some(ipv6) = settings(AF_INET6, link::IPV6_SETTINGS) {
        present.takes_advertisements =
            array(ipv6, link::ACCEPT_RA * 4).map(|value| u32::from_ne_bytes(value) != 0);
    }
}

pub(super) fn present_address(message: &[u8]) -> Option<PresentAddress> {
    let family = *message.first()?;
    let (mut own, mut flags, mut protocol) = (None, 0, 0);
    for (kind, value) in attributes(message.get(address::HEADER..)?) {
        match kind {
            // On a point-to-point link this is the peer's, and the own one is in the other.
            address::ADDRESS => own = own.or(ip(family, value)),
            address::LOCAL => own = ip(family, value),
            address::FLAGS => flags = number(value)?,
            address::PROTOCOL => protocol = *value.first()?,
            _ => {}
        }
    }
    Some(PresentAddress {
        link: u32::from_ne_bytes(array(message, 4)?),
        network: IpNet::new(own?, *message.get(1)?).ok()?,
        own: protocol == OWN_PROTOCOL,
        duplicate: flags & address::DUPLICATE != 0,
    })
}

/// None also for those of the kernel's cache, and for its own of table `local`.
pub(super) fn present_route(message: &[u8]) -> Option<PresentRoute> {
    let [
        family,
        destination_bits,
        source_bits,
        tos,
        table,
        protocol,
        _,
        kind,
    ] = array(message, 0)?;
    let flags = u32::from_ne_bytes(array(message, 8)?);
    let everything = match family {
        AF_INET => IpAddr::from([0; 4]),
        AF_INET6 => IpAddr::from([0; 16]),
        _ => return None,
    };
    let mut table = u32::from(table);
    let (mut destination, mut metric, mut mtu_bytes) = (everything, 0, None);
    let (mut gateway, mut interface, mut other) = (None, None, source_bits != 0 || tos != 0);
    for (attribute_kind, value) in attributes(message.get(route::HEADER..)?) {
        match attribute_kind {
            route::DESTINATION => destination = ip(family, value)?,
            route::TABLE => table = number(value)?,
            route::METRIC => metric = number(value)?,
            route::GATEWAY => gateway = ip(family, value),
            route::INTERFACE => interface = number(value),
            route::METRICS => mtu_bytes = attribute(value, route::MTU).and_then(number),
            route::MULTIPATH | route::VIA => other = true,
            _ => {}
        }
    }
    let own = protocol == OWN_PROTOCOL;
    if flags & route::CLONED != 0 || table == route::TABLE_LOCAL && !own {
        return None;
    }
    let way = match (kind, gateway, interface) {
        _ if other => Way::Other,
        (route::UNICAST, Some(gateway), Some(interface)) => Way::Gateway(gateway, interface),
        (route::UNICAST, None, Some(interface)) => Way::Interface(interface),
        (route::BLACKHOLE, ..) => Way::Blackhole,
        (route::UNREACHABLE, ..) => Way::Unreachable,
        _ => Way::Other,
    };
    let destination = IpNet::new(destination, destination_bits).ok()?;
    Some(PresentRoute {
        key: RouteKey {
            table,
            destination,
            metric,
        },
        protocol,
        way,
        mtu_bytes,
    })
}

/// None also for others'.
pub(super) fn present_rule(message: &[u8]) -> Option<WantedRouteRule> {
    let [family, destination_bits, source_bits, _, table] = array(message, 0)?;
    let mut present = WantedRouteRule {
        priority: 0,
        ipv6: family == AF_INET6,
        source: None,
        destination: None,
        input_interface: None,
        table: table.into(),
    };
    let mut own = false;
    for (kind, value) in attributes(message.get(rule::HEADER..)?) {
        match kind {
            rule::SOURCE => present.source = IpNet::new(ip(family, value)?, source_bits).ok(),
            rule::DESTINATION => present.destination = IpNet::new(ip(family, value)?, destination_bits).ok(),
            rule::INPUT_INTERFACE => present.input_interface = text(value).map(str::to_owned),
            rule::PRIORITY => present.priority = number(value)?,
            rule::TABLE => present.table = number(value)?,
            rule::PROTOCOL => own = value.first() == Some(&OWN_PROTOCOL),
            _ => {}
        }
    }
    (own && matches!(family, AF_INET | AF_INET6)).then_some(present)
}

fn number(value: &[u8]) -> Option<u32> {
    array(value, 0).map(u32::from_ne_bytes)
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => array::<4>(value, 0).map(IpAddr::from),
        AF_INET6 => array::<16>(value, 0).map(IpAddr::from),
        _ => None,
    }
}
