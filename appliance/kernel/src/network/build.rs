//! Requests.

use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{BondMode, OWN_PROTOCOL, RouteTarget, VirtualLink, WantedRoute, WantedRouteRule};

use super::number::{
    AF_INET, AF_INET6, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, RTM_DELADDR, RTM_DELLINK, RTM_DELROUTE,
    RTM_DELRULE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE, RTM_SETLINK, address, link, route,
    rule,
};
use super::operation::Operation;
use super::present::{OWN_GROUP, RouteKey, is_ipv6, plain_rule};
use crate::netlink::{ACKNOWLEDGE, Messages};

/// How often a bond looks whether its ports have a carrier.
const MONITOR_MS: u32 = 100;
/// By the hash of layers 3 and 4 (BOND_XMIT_POLICY_LAYER34).
const LAYERS_3_AND_4: u8 = 1;

/// The request for a change. `index` tells the kernel index of a link by its name; `on_link`: of the link a gateway is
/// taken to be on, whatever the kernel finds.
pub(super) fn request(
    messages: &mut Messages,
    sequence: u32,
    operation: &Operation,
    on_link: Option<u32>,
    index: &mut impl FnMut(&str) -> io::Result<u32>,
) -> io::Result<()> {
    match operation {
        Operation::Down(name) => set(messages, sequence, name, Some(0), |_| {}),
        Operation::Up(name) => set(messages, sequence, name, Some(link::UP), |_| {}),
        Operation::Join { port, master } => {
            let master = index(master)?;
            set(messages, sequence, port, None, |port| {
                port.put(link::MASTER, &master.to_ne_bytes());
            });
        }
        Operation::Leave(name) => set(messages, sequence, name, None, |port| {
            port.put(link::MASTER, &0_u32.to_ne_bytes());
        }),
        Operation::Mtu(name, bytes) => set(messages, sequence, name, None, |link| {
            link.put(link::MTU, &bytes.to_ne_bytes());
        }),
        Operation::Promote(name) => set(messages, sequence, name, None, |link| {
            link.nest(link::FAMILIES, |families| {
                families.nest(AF_INET.into(), |ipv4| {
                    ipv4.nest(link::IPV4_SETTINGS, |settings| {
                        settings.put(link::PROMOTE_SECONDARIES, &1_u32.to_ne_bytes());
                    });
                });
            });
        }),
        Operation::SpanningTree(name, on) => {
            // What a link is made of is only taken with this message.
            begin_link(messages, RTM_NEWLINK, 0, sequence, None);
            messages.put_text(link::NAME, name);
            messages.nest(link::INFO, |info| put_bridge(info, *on));
        }
        Operation::Delete(name) => {
            begin_link(messages, RTM_DELLINK, 0, sequence, None);
            messages.put_text(link::NAME, name);
        }
        Operation::Create(name, made) => create(messages, sequence, name, made, index)?,
        Operation::AddAddress(name, network) => {
            let flags = NLM_F_CREATE | NLM_F_EXCL;
            put_address(messages, RTM_NEWADDR, flags, sequence, index(name)?, *network);
            messages.put(address::PROTOCOL, &[OWN_PROTOCOL]);
        }
        Operation::RemoveAddress(name, network) => {
            put_address(messages, RTM_DELADDR, 0, sequence, index(name)?, *network);
        }
        Operation::AddRoute(wanted) => {
            put_route(
                messages,
                NLM_F_CREATE | NLM_F_EXCL,
                sequence,
                wanted,
                on_link,
                index,
            )?;
        }
        Operation::ReplaceRoute(wanted) | Operation::AffirmRoute(wanted) => {
            put_route(
                messages,
                NLM_F_CREATE | NLM_F_REPLACE,
                sequence,
                wanted,
                on_link,
                index,
            )?;
        }
        Operation::RemoveRoute(wanted) => remove_route(messages, sequence, wanted),
        Operation::AddRule(wanted) => {
            put_rule(messages, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sequence, wanted);
        }
        Operation::RemoveRule(wanted) => put_rule(messages, RTM_DELRULE, 0, sequence, wanted),
        // Netlink has no such request.
        Operation::RefuseAdvertisements(_) => return Err(io::ErrorKind::Unsupported.into()),
    }
    messages.end();
    Ok(())
}

/// A request to change a link; `up`: its flag, None: as it is.
fn set(messages: &mut Messages, sequence: u32, name: &str, up: Option<u32>, put: impl FnOnce(&mut Messages)) {
    begin_link(messages, RTM_SETLINK, 0, sequence, up);
    messages.put_text(link::NAME, name);
    put(messages);
}

/// `struct ifinfomsg`; the link is named by an attribute.
fn begin_link(messages: &mut Messages, kind: u16, flags: u16, sequence: u32, up: Option<u32>) {
    let mut header = [0; link::HEADER];
    if let Some(up) = up {
        header[8..12].copy_from_slice(&up.to_ne_bytes());
        header[12..16].copy_from_slice(&link::UP.to_ne_bytes());
    }
    messages.begin(kind, ACKNOWLEDGE | flags, sequence, &header);
}

fn create(
    messages: &mut Messages,
    sequence: u32,
    name: &str,
    made: &VirtualLink,
    index: &mut impl FnMut(&str) -> io::Result<u32>,
) -> io::Result<()> {
    let parent = match made {
        VirtualLink::Vlan { parent, .. } => Some(index(parent)?),
        VirtualLink::Bridge { .. } | VirtualLink::Bond { .. } => None,
    };
    begin_link(messages, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sequence, None);
    messages.put_text(link::NAME, name);
    messages.put(link::GROUP, &OWN_GROUP.to_ne_bytes());
    if let Some(parent) = parent {
        messages.put(link::PARENT, &parent.to_ne_bytes());
    }
    messages.nest(link::INFO, |info| match made {
        VirtualLink::Vlan { id, .. } => {
            info.put_text(link::INFO_KIND, "vlan");
            info.nest(link::INFO_DATA, |data| {
                data.put(link::VLAN_ID, &id.get().to_ne_bytes());
                // Else the kernel raises it with the link that carries it, whatever is wanted of it.
                let [a, b, c, d] = link::VLAN_LOOSE_BINDING.to_ne_bytes();
                data.put(link::VLAN_FLAGS, &[a, b, c, d, a, b, c, d]);
            });
        }
        VirtualLink::Bridge { spanning_tree, .. } => put_bridge(info, *spanning_tree),
        VirtualLink::Bond { mode, .. } => {
            info.put_text(link::INFO_KIND, "bond");
            info.nest(link::INFO_DATA, |data| {
                data.put(link::BOND_MODE, &[bond_mode(*mode)]);
                data.put(link::BOND_MONITOR_MS, &MONITOR_MS.to_ne_bytes());
                if *mode != BondMode::ActiveBackup {
                    data.put(link::BOND_HASH, &[LAYERS_3_AND_4]);
                }
            });
        }
    });
    Ok(())
}

fn put_bridge(info: &mut Messages, spanning_tree: bool) {
    info.put_text(link::INFO_KIND, "bridge");
    info.nest(link::INFO_DATA, |data| {
        data.put(
            link::BRIDGE_SPANNING_TREE,
            &u32::from(spanning_tree).to_ne_bytes(),
        );
    });
}

/// Number of a mode (include/uapi/linux/if_bonding.h).
fn bond_mode(mode: BondMode) -> u8 {
    match mode {
        BondMode::ActiveBackup => 1,
        BondMode::BalanceXor => 2,
        BondMode::Lacp => 4,
    }
}

/// The mode of a bond as this box makes it, by its number and that of its hash.
pub(super) fn made_bond_mode(mode: u8, hash: u8) -> Option<BondMode> {
    let modes = [BondMode::ActiveBackup, BondMode::Lacp, BondMode::BalanceXor];
    let found = modes.into_iter().find(|known| bond_mode(*known) == mode)?;
    (found == BondMode::ActiveBackup || hash == LAYERS_3_AND_4).then_some(found)
}

fn put_address(messages: &mut Messages, kind: u16, flags: u16, sequence: u32, index: u32, network: IpNet) {
    let own = network.addr();
    let scope = match own {
        IpAddr::V4(own) if own.is_loopback() => route::SCOPE_HOST,
        IpAddr::V4(own) if own.is_link_local() => route::SCOPE_LINK,
        _ => route::SCOPE_UNIVERSE,
    };
    let mut header = [0; address::HEADER];
    header[..4].copy_from_slice(&[family(own), network.prefix_len(), 0, scope]);
    header[4..].copy_from_slice(&index.to_ne_bytes());
    messages.begin(kind, ACKNOWLEDGE | flags, sequence, &header);
    put_ip(messages, address::LOCAL, own);
    put_ip(messages, address::ADDRESS, own);
    // Programs ask for it; the kernel makes none up.
    if let IpNet::V4(network) = network
        && network.prefix_len() < 31
    {
        messages.put(address::BROADCAST, &network.broadcast().octets());
    }
}

fn put_route(
    messages: &mut Messages,
    flags: u16,
    sequence: u32,
    wanted: &WantedRoute,
    on_link: Option<u32>,
    index: &mut impl FnMut(&str) -> io::Result<u32>,
) -> io::Result<()> {
    let (kind, scope, gateway, interface) = match &wanted.target {
        RouteTarget::Gateway { gateway, interface } => {
            let scope = route::SCOPE_UNIVERSE;
            (route::UNICAST, scope, Some(*gateway), interface.as_deref())
        }
        RouteTarget::Interface(interface) => {
            (route::UNICAST, route::SCOPE_LINK, None, Some(interface.as_str()))
        }
        RouteTarget::Blackhole => (route::BLACKHOLE, route::SCOPE_UNIVERSE, None, None),
        RouteTarget::Unreachable => (route::UNREACHABLE, route::SCOPE_UNIVERSE, None, None),
    };
    let interface = match on_link {
        Some(on_link) => Some(on_link),
        None => interface.map(index).transpose()?,
    };
    let next_hop = if on_link.is_some() { route::ON_LINK } else { 0 };
    begin_route(
        messages,
        RTM_NEWROUTE,
        flags,
        sequence,
        wanted,
        [scope, kind, next_hop],
    );
    if let Some(gateway) = gateway {
        put_ip(messages, route::GATEWAY, gateway);
    }
    if let Some(interface) = interface {
        messages.put(route::INTERFACE, &interface.to_ne_bytes());
    }
    if let Some(bytes) = wanted.mtu_bytes {
        messages.nest(route::METRICS, |metrics| {
            metrics.put(route::MTU, &bytes.to_ne_bytes());
        });
    }
    Ok(())
}

/// Without where it leads: of ours there is one of this key, and next hops another made to it go with it.
fn remove_route(messages: &mut Messages, sequence: u32, wanted: &WantedRoute) {
    let anything = [route::ANY_SCOPE, route::ANY_TYPE, 0];
    begin_route(messages, RTM_DELROUTE, 0, sequence, wanted, anything);
}

/// Up to its metric; with scope, type and flags of its next hop.
fn begin_route(
    messages: &mut Messages,
    message: u16,
    flags: u16,
    sequence: u32,
    wanted: &WantedRoute,
    [scope, kind, next_hop]: [u8; 3],
) {
    let key = RouteKey::of(wanted);
    let table = u8::try_from(key.table).unwrap_or(route::TABLE_ELSEWHERE);
    let mut header = [0; route::HEADER];
    header[..8].copy_from_slice(&[
        family(key.destination.addr()),
        key.destination.prefix_len(),
        0,
        0,
        table,
        OWN_PROTOCOL,
        scope,
        kind,
    ]);
    header[8..].copy_from_slice(&u32::from(next_hop).to_ne_bytes());
    messages.begin(message, ACKNOWLEDGE | flags, sequence, &header);
    if key.destination.prefix_len() > 0 {
        put_ip(messages, route::DESTINATION, key.destination.addr());
    }
    messages.put(route::TABLE, &key.table.to_ne_bytes());
    messages.put(route::METRIC, &key.metric.to_ne_bytes());
}

fn put_rule(messages: &mut Messages, message: u16, flags: u16, sequence: u32, wanted: &WantedRouteRule) {
    let wanted = plain_rule(wanted);
    let length = |network: Option<IpNet>| network.map_or(0, |network| network.prefix_len());
    let family = if is_ipv6(&wanted) { AF_INET6 } else { AF_INET };
    let table = u8::try_from(wanted.table).unwrap_or(route::TABLE_ELSEWHERE);
    let mut header = [0; rule::HEADER];
    header[..5].copy_from_slice(&[
        family,
        length(wanted.destination),
        length(wanted.source),
        0,
        table,
    ]);
    header[7] = rule::TO_TABLE;
    messages.begin(message, ACKNOWLEDGE | flags, sequence, &header);
    messages.put(rule::PRIORITY, &wanted.priority.to_ne_bytes());
    messages.put(rule::TABLE, &wanted.table.to_ne_bytes());
    messages.put(rule::PROTOCOL, &[OWN_PROTOCOL]);
    for (kind, network) in [
        (rule::SOURCE, wanted.source),
        (rule::DESTINATION, wanted.destination),
    ] {
        if let Some(network) = network {
            put_ip(messages, kind, network.addr());
        }
    }
    if let Some(interface) = &wanted.input_interface {
        messages.put_text(rule::INPUT_INTERFACE, interface);
    }
}

fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    }
}

fn put_ip(messages: &mut Messages, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(address) => messages.put(kind, &address.octets()),
        IpAddr::V6(address) => messages.put(kind, &address.octets()),
    }
}
