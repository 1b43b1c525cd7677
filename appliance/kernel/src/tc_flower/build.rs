//! Requests.

use std::net::IpAddr;

use ravelin_model::protocol;

use super::number::{
    CLSACT, CLSACT_HANDLE, ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, HEADER, INGRESS, KIND, NLM_F_CREATE,
    NLM_F_EXCL, OPTIONS, RTM_DELTFILTER, RTM_GETTFILTER, RTM_NEWQDISC, RTM_NEWTFILTER, action, flower, pedit,
};
use super::{COOKIE, FlowerRule, GuardRule, Placement, RouteRule, RuleName};
use crate::netlink::{ACKNOWLEDGE, DUMP, Messages};

/// FIN, SYN and RST: packets with one of these go up.
const OPENS_OR_CLOSES: u16 = 0x07;
/// All bits of a TTL but the last.
const LAST_HOP: u8 = 0xfe;
/// Adding this to a byte takes 1 away.
const MINUS_ONE: u8 = 0xff;

/// Has frames that come in pass filters.
pub(super) fn clsact(messages: &mut Messages, sequence: u32, interface: u32) {
    let flags = ACKNOWLEDGE | NLM_F_CREATE | NLM_F_EXCL;
    let header = header(interface, CLSACT_HANDLE, CLSACT, 0);
    messages.begin(RTM_NEWQDISC, flags, sequence, &header);
    messages.put(KIND, b"clsact\0");
    messages.end();
}

/// Puts in a rule, in place of what has its name.
pub(super) fn replace(
    messages: &mut Messages,
    sequence: u32,
    handle: u32,
    rule: &FlowerRule,
    placement: Placement,
) {
    begin(
        messages,
        RTM_NEWTFILTER,
        ACKNOWLEDGE | NLM_F_CREATE,
        sequence,
        rule.name(handle),
    );
    messages.put(KIND, b"flower\0");
    messages.nest(OPTIONS, |options| {
        match rule {
            FlowerRule::Guard(rule) => guard(options, rule),
            FlowerRule::Route(rule) => route(options, rule),
        }
        let flags = match placement {
            Placement::HardwareOnly => flower::SKIP_SW,
            Placement::SoftwareOnly => flower::SKIP_HW,
        };
        options.put(flower::FLAGS, &flags.to_ne_bytes());
        let protocol = rule.name(handle).protocol;
        options.put(flower::ETHERNET_TYPE, &protocol.to_be_bytes());
    });
    messages.end();
}

/// Takes out a rule.
pub(super) fn delete(messages: &mut Messages, sequence: u32, name: RuleName) {
    begin(messages, RTM_DELTFILTER, ACKNOWLEDGE, sequence, name);
    messages.put(KIND, b"flower\0");
    messages.end();
}

/// Asks for every filter of frames that come in.
pub(super) fn dump(messages: &mut Messages, sequence: u32, interface: u32) {
    let header = header(interface, 0, INGRESS, 0);
    messages.begin(RTM_GETTFILTER, DUMP, sequence, &header);
    messages.end();
}

fn begin(messages: &mut Messages, kind: u16, flags: u16, sequence: u32, name: RuleName) {
    let protocol = u32::from(name.protocol.to_be());
    let info = u32::from(name.preference) << 16 | protocol;
    let header = header(name.interface, name.handle, INGRESS, info);
    messages.begin(kind, flags, sequence, &header);
}

/// `struct tcmsg`.
fn header(interface: u32, handle: u32, parent: u32, info: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    for (at, number) in [(4, interface), (8, handle), (12, parent), (16, info)] {
        header[at..at + 4].copy_from_slice(&number.to_ne_bytes());
    }
    header
}

fn guard(options: &mut Messages, rule: &GuardRule) {
    if rule.tagged {
        let inner = if rule.ipv6 { ETH_P_IPV6 } else { ETH_P_IP };
        options.put(flower::VLAN_ETHERNET_TYPE, &inner.to_be_bytes());
    }
    options.put(flower::TTL, &[0]);
    options.put(flower::TTL_MASK, &[LAST_HOP]);
    options.nest(flower::ACTIONS, |actions| {
        put_action(actions, 1, "gact", |options| {
            options.put(action::GACT_PARAMETERS, &parameters(action::PASS, &[]));
        });
    });
}

fn route(options: &mut Messages, rule: &RouteRule) {
    options.put(flower::ETHERNET_DESTINATION, &rule.own_address);
    options.put(flower::ETHERNET_DESTINATION_MASK, &[0xff; 6]);
    let tuple = &rule.tuple;
    if let Some(tag) = rule.ingress_tag {
        let inner = if tuple.is_ipv6() { ETH_P_IPV6 } else { ETH_P_IP };
        options.put(flower::VLAN_ID, &tag.to_ne_bytes());
        options.put(flower::VLAN_ETHERNET_TYPE, &inner.to_be_bytes());
    }
    options.put(flower::PROTOCOL, &[tuple.protocol]);
    put_address(options, [flower::V4_SOURCE, flower::V6_SOURCE], tuple.source);
    put_address(
        options,
        [flower::V4_DESTINATION, flower::V6_DESTINATION],
        tuple.destination,
    );
    let [source, destination] = if tuple.protocol == protocol::TCP {
        [flower::TCP_SOURCE, flower::TCP_DESTINATION]
    } else {
        [flower::UDP_SOURCE, flower::UDP_DESTINATION]
    };
    options.put(source, &tuple.source_port.to_be_bytes());
    options.put(destination, &tuple.destination_port.to_be_bytes());
    if tuple.protocol == protocol::TCP {
        options.put(flower::TCP_FLAGS, &0_u16.to_be_bytes());
        options.put(flower::TCP_FLAGS_MASK, &OPENS_OR_CLOSES.to_be_bytes());
    }
    options.put(flower::KEY_FLAGS, &0_u32.to_be_bytes());
    options.put(flower::KEY_FLAGS_MASK, &flower::IS_FRAGMENT.to_be_bytes());
    options.nest(flower::ACTIONS, |actions| route_actions(actions, rule));
}

/// An address and all its bits.
fn put_address(options: &mut Messages, [v4, v6]: [u16; 2], address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            options.put(v4, &address.octets());
            options.put(v4 + 1, &[0xff; 4]);
        }
        IpAddr::V6(address) => {
            options.put(v6, &address.octets());
            options.put(v6 + 1, &[0xff; 16]);
        }
    }
}

fn route_actions(actions: &mut Messages, rule: &RouteRule) {
    let mut place = 0;
    let mut next = |actions: &mut Messages, kind: &str, options: &dyn Fn(&mut Messages)| {
        place += 1;
        put_action(actions, place, kind, options);
    };
    let retag = match (rule.ingress_tag, rule.egress_tag) {
        (Some(_), None) => Some((action::VLAN_POP, None, false)),
        (None, Some(tag)) => Some((action::VLAN_PUSH, Some(tag), true)),
        (Some(before), Some(tag)) if before != tag => Some((action::VLAN_MODIFY, Some(tag), false)),
        _ => None,
    };
    if let Some((what, tag, with_protocol)) = retag {
        next(actions, "vlan", &|options| {
            options.put(
                action::VLAN_PARAMETERS,
                &parameters(action::PIPE, &what.to_ne_bytes()),
            );
            if let Some(tag) = tag {
                options.put(action::VLAN_ID, &tag.to_ne_bytes());
            }
            if with_protocol {
                options.put(action::VLAN_PROTOCOL, &ETH_P_8021Q.to_be_bytes());
            }
        });
    }
    next(actions, "pedit", &|options| put_edits(options, rule));
    if !rule.tuple.is_ipv6() {
        next(actions, "csum", &|options| {
            let header = action::CSUM_IPV4_HEADER.to_ne_bytes();
            options.put(action::CSUM_PARAMETERS, &parameters(action::PIPE, &header));
        });
    }
    next(actions, "mirred", &|options| {
        let [a, b, c, d] = action::MIRRED_EGRESS_REDIRECT.to_ne_bytes();
        let [e, f, g, h] = rule.egress.to_ne_bytes();
        let redirect = [a, b, c, d, e, f, g, h];
        options.put(action::MIRRED_PARAMETERS, &parameters(action::STOLEN, &redirect));
    });
}

/// With the cookie, which tells whose it is.
fn put_action(actions: &mut Messages, place: u16, kind: &str, options: impl FnOnce(&mut Messages)) {
    actions.nest(place, |action| {
        action.put(action::KIND, format!("{kind}\0").as_bytes());
        action.nest(action::OPTIONS, options);
        action.put(action::COOKIE, COOKIE);
    });
}

/// `tc_gen`, with which the parameters of every action begin: index, capability, what follows, two counts of references;
/// and what else they have.
fn parameters(follows: u32, more: &[u8]) -> Vec<u8> {
    let mut parameters = vec![0; 8];
    parameters.extend(follows.to_ne_bytes());
    parameters.extend([0; 8]);
    parameters.extend(more);
    parameters
}

/// Four bytes of a header: those of `mask` stay (0) where they are set.
struct Edit {
    header: u16,
    command: u16,
    offset: u32,
    keep: [u8; 4],
    value: [u8; 4],
}

fn put_edits(options: &mut Messages, rule: &RouteRule) {
    let edits = edits(rule);
    // Number of keys, flags, padding.
    let count = [u8::try_from(edits.len()).unwrap_or(u8::MAX), 0, 0, 0];
    let mut selection = parameters(action::PIPE, &count);
    for edit in &edits {
        selection.extend(edit.keep);
        selection.extend(edit.value);
        selection.extend(edit.offset.to_ne_bytes());
        // What the offset could be read from.
        selection.extend([0; 12]);
    }
    options.put(pedit::PARAMETERS, &selection);
    options.nest(pedit::KEYS, |keys| {
        for edit in &edits {
            keys.nest(pedit::KEY, |key| {
                key.put(pedit::KEY_HEADER, &edit.header.to_ne_bytes());
                key.put(pedit::KEY_COMMAND, &edit.command.to_ne_bytes());
            });
        }
    });
}

fn edits(rule: &RouteRule) -> [Edit; 5] {
    let address = |offset, keep, value| Edit {
        header: pedit::ETHERNET,
        command: pedit::SET,
        offset,
        keep,
        value,
    };
    let [a, b, c, d, e, f] = rule.destination_address;
    let [g, h, i, j, k, l] = rule.source_address;
    let hops = if rule.tuple.is_ipv6() {
        Edit {
            header: pedit::V6,
            command: pedit::ADD,
            offset: 4,
            keep: [0xff, 0xff, 0xff, 0],
            value: [0, 0, 0, MINUS_ONE],
        }
    } else {
        Edit {
            header: pedit::V4,
            command: pedit::ADD,
            offset: 8,
            keep: [0, 0xff, 0xff, 0xff],
            value: [MINUS_ONE, 0, 0, 0],
        }
    };
    [
        address(0, [0; 4], [a, b, c, d]),
        address(4, [0, 0, 0xff, 0xff], [e, f, 0, 0]),
        address(4, [0xff, 0xff, 0, 0], [0, 0, g, h]),
        address(8, [0; 4], [i, j, k, l]),
        hops,
    ]
}
