//! Requests as tc(8) of the distribution (iproute2 6.1.0) makes them, captured with `strace -e trace=sendmsg -e write=3`;
//! the commands are beside them. What the kernel answers is read under the kernel of the image (tests/tc_flower.rs).

use std::net::IpAddr;

use ravelin_model::{FlowTuple, protocol};

use super::number::{HEADER, OPTIONS, flower};
use super::{FlowerRule, GuardRule, Placement, RouteRule, build};
use crate::netlink::{Messages, array, attributes};

const REQUESTS: &str = include_str!("../testdata/tc/requests.txt");

/// Bytes of the header of netlink.
const NETLINK: usize = 16;

#[track_caller]
fn captured(file: &str, name: &str) -> Vec<u8> {
    let line = file
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let text = line.unwrap_or_else(|| panic!("no {name}"));
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// What is in a request, whatever the order of its attributes: kinds with what is in them, of nested ones the same.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    kind: u16,
    flags: u16,
    header: Vec<u8>,
    attributes: Vec<(Vec<u16>, Vec<u8>)>,
}

fn said(message: &[u8]) -> Said {
    let mut found = Vec::new();
    leaves(&message[NETLINK + HEADER..], &mut Vec::new(), &mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Said {
        kind: u16::from_ne_bytes(array(message, 4).expect("kind")),
        flags: u16::from_ne_bytes(array(message, 6).expect("flags")),
        header: message[NETLINK..NETLINK + HEADER].to_vec(),
        attributes: found,
    }
}

/// Kinds of nested attributes by the way to them: the options, the actions, each of them, their options, keys to edit.
fn is_nested(way: &[u16]) -> bool {
    const ACTIONS: u16 = flower::ACTIONS;
    matches!(
        way,
        [OPTIONS]
            | [OPTIONS, ACTIONS]
            | [OPTIONS, ACTIONS, _]
            | [OPTIONS, ACTIONS, _, 2]
            | [OPTIONS, ACTIONS, _, 2, 5]
            | [OPTIONS, ACTIONS, _, 2, 5, 6]
    )
}

fn leaves(bytes: &[u8], way: &mut Vec<u16>, found: &mut Vec<(Vec<u16>, Vec<u8>)>) {
    for (kind, value) in attributes(bytes) {
        way.push(kind);
        if is_nested(way) {
            leaves(value, way, found);
        } else {
            found.push((way.clone(), value.to_vec()));
        }
        way.pop();
    }
}

fn built(build: impl FnOnce(&mut Messages)) -> Vec<u8> {
    let mut messages = Messages::default();
    build(&mut messages);
    messages.bytes().to_vec()
}

#[track_caller]
fn check(name: &str, request: &[u8]) {
    assert_eq!(said(request), said(&captured(REQUESTS, name)), "{name}");
}

fn tuple(
    protocol: u8,
    [source, destination]: [&str; 2],
    source_port: u16,
    destination_port: u16,
) -> FlowTuple {
    let address = |text: &str| text.parse::<IpAddr>().expect("address");
    FlowTuple {
        source: address(source),
        destination: address(destination),
        protocol,
        source_port,
        destination_port,
    }
}

fn route(tuple: FlowTuple, tags: [Option<u16>; 2]) -> FlowerRule {
    FlowerRule::Route(RouteRule {
        ingress: 10,
        ingress_tag: tags[0],
        own_address: [2, 0, 0, 0, 0, 1],
        tuple,
        egress: 20,
        egress_tag: tags[1],
        source_address: [2, 0, 0, 0, 0, 0x11],
        destination_address: [2, 0, 0, 0, 0, 0x22],
    })
}

const V4: [&str; 2] = ["192.0.2.1", "198.51.100.2"];
const V6: [&str; 2] = ["2001:db8:1::1", "2001:db8:2::2"];

#[test]
fn rules_are_put_in_as_tc_does() {
    let tcp = tuple(protocol::TCP, V4, 40_000, 443);
    let udp4 = tuple(protocol::UDP, V4, 5000, 53_000);
    let udp6 = tuple(protocol::UDP, V6, 5000, 53_000);
    let (hardware, software) = (Placement::HardwareOnly, Placement::SoftwareOnly);
    for (name, handle, rule, placement) in [
        ("route4", 0x10, route(tcp, [None, None]), software),
        ("route6", 0x11, route(udp6, [Some(100), Some(200)]), hardware),
        ("pop", 0x12, route(udp4, [Some(100), None]), hardware),
        ("push", 0x13, route(udp4, [None, Some(300)]), hardware),
    ] {
        check(name, &built(|to| build::replace(to, 1, handle, &rule, placement)));
    }
    for (name, tagged, ipv6) in [("guard4", false, false), ("guard6v", true, true)] {
        let rule = GuardRule {
            ingress: 10,
            tagged,
            ipv6,
        };
        let request = built(|to| build::replace(to, 1, rule.handle(), &FlowerRule::Guard(rule), hardware));
        check(name, &request);
    }
}

#[test]
fn a_tag_that_stays_is_not_touched() {
    let udp = tuple(protocol::UDP, V4, 5000, 53_000);
    let first = |tags| {
        let request = built(|to| build::replace(to, 1, 1, &route(udp, tags), Placement::HardwareOnly));
        let said = said(&request).attributes;
        let kind = said
            .into_iter()
            .find(|(way, _)| *way == [OPTIONS, flower::ACTIONS, 1, 1]);
        kind.expect("an action").1
    };
    assert_eq!(first([Some(7), Some(7)]), b"pedit\0");
    assert_eq!(first([None, None]), b"pedit\0");
    assert_eq!(first([Some(7), Some(8)]), b"vlan\0");
}

#[test]
fn the_rest_is_asked_for_as_tc_does() {
    check("clsact", &built(|to| build::clsact(to, 1, 10)));
    check("dump", &built(|to| build::dump(to, 1, 10)));
    let rule = route(tuple(protocol::TCP, V4, 40_000, 443), [None, None]);
    let ours = said(&built(|to| build::delete(to, 1, rule.name(0x10))));
    let mut theirs = said(&captured(REQUESTS, "delete"));
    // Tc says as much of the rule as where it is put in; the kernel reads nothing of it.
    theirs.attributes.retain(|(way, _)| way[0] != OPTIONS);
    assert_eq!(ours, theirs);
}

#[test]
fn one_name_is_one_rule() {
    let mut names = std::collections::HashSet::new();
    for tags in [[None, None], [Some(1), None]] {
        for addresses in [V4, V6] {
            let rule = route(tuple(protocol::UDP, addresses, 1, 2), tags);
            // A preference has rules of one protocol.
            names.insert(rule.name(7));
        }
    }
    for rule in GuardRule::all(10) {
        names.insert(FlowerRule::Guard(rule).name(rule.handle()));
    }
    let preferences: Vec<_> = names
        .iter()
        .map(|name| (name.preference, name.protocol))
        .collect();
    for (preference, protocol) in &preferences {
        let others = preferences.iter().filter(|(other, _)| other == preference);
        assert!(
            others.clone().all(|(_, other)| other == protocol),
            "{preferences:?}"
        );
    }
    assert_eq!(names.len(), 3 + 4, "{names:?}");
}
