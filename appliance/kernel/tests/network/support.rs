//! A namespace, plans, and what ip(8) says.

use std::process::Command;

use ravelin_kernel::Network;
use ravelin_model::{
    LinkIdentity, NetworkFault, NetworkPart, NetworkPlan, RouteTarget, VirtualLink, WantedLink, WantedRoute,
    WantedRouteRule,
};
use ravelin_test_harness::{Namespace, privileged};
use serde_json::Value;

/// Runs a test on a thread in a fresh namespace with these cards, which are down; their far ends are up.
pub(crate) fn with_cards(role: &str, cards: &[&str], test: impl FnOnce() + Send) {
    if !privileged("netns") {
        return;
    }
    let namespace = Namespace::new(role);
    for card in cards {
        namespace.ip(&format!("link add {card} type veth peer name {card}-far"));
        namespace.ip(&format!("link set {card}-far up"));
    }
    namespace.within(test);
}

/// Runs `ip` in the thread's namespace; what it says, None when it fails.
pub(crate) fn try_ip(arguments: &str) -> Option<String> {
    let mut command = Command::new("ip");
    let output = command
        .args(arguments.split_whitespace())
        .output()
        .expect("run ip");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(said)
}

#[track_caller]
pub(crate) fn ip(arguments: &str) -> String {
    try_ip(arguments).unwrap_or_else(|| panic!("ip {arguments}"))
}

/// What `ip -j` says, one by one.
#[track_caller]
pub(crate) fn listed(arguments: &str) -> Vec<Value> {
    let said = ip(&format!("-j -d {arguments}"));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("ip -j -d {arguments}: {error}: {said}"))
}

/// The only one.
#[track_caller]
pub(crate) fn shown(arguments: &str) -> Value {
    let mut all = listed(arguments);
    assert_eq!(all.len(), 1, "ip {arguments}: {all:?}");
    all.remove(0)
}

/// Addresses of a link as ip lists them, link-local ones left out.
pub(crate) fn addresses(link: &str) -> Vec<String> {
    let listed = listed(&format!("address show dev {link}"));
    let all = listed
        .iter()
        .filter_map(|link| link["addr_info"].as_array())
        .flatten();
    let global = all.filter(|address| address["scope"] == "global");
    global
        .map(|address| {
            format!(
                "{}/{}",
                address["local"].as_str().expect("address"),
                address["prefixlen"]
            )
        })
        .collect()
}

/// Whether a link is up.
pub(crate) fn is_up(link: &str) -> bool {
    let flags = shown(&format!("link show dev {link}"));
    let flags = flags["flags"].as_array().expect("flags").clone();
    flags.contains(&Value::from("UP"))
}

/// A link that shall be up.
pub(crate) fn link(name: &str, addresses: &[&str]) -> WantedLink {
    WantedLink {
        name: name.to_owned(),
        identity: LinkIdentity::default(),
        virtual_link: None,
        enabled: Some(true),
        mtu_bytes: None,
        addresses: addresses
            .iter()
            .map(|address| address.parse().expect("address"))
            .collect(),
    }
}

/// One that is made.
pub(crate) fn made(name: &str, virtual_link: VirtualLink, addresses: &[&str]) -> WantedLink {
    WantedLink {
        virtual_link: Some(virtual_link),
        ..link(name, addresses)
    }
}

pub(crate) fn bridge(ports: &[&str]) -> VirtualLink {
    VirtualLink::Bridge {
        ports: ports.iter().map(|port| (*port).to_owned()).collect(),
        spanning_tree: false,
    }
}

pub(crate) fn route(destination: &str, table: u32, metric: u32, target: RouteTarget) -> WantedRoute {
    WantedRoute {
        destination: destination.parse().expect("prefix"),
        table,
        metric,
        target,
        mtu_bytes: None,
    }
}

pub(crate) fn via(gateway: &str, interface: Option<&str>) -> RouteTarget {
    RouteTarget::Gateway {
        gateway: gateway.parse().expect("address"),
        interface: interface.map(str::to_owned),
    }
}

pub(crate) fn rule(priority: u32, source: Option<&str>, table: u32) -> WantedRouteRule {
    WantedRouteRule {
        priority,
        ipv6: false,
        source: source.map(|source| source.parse().expect("prefix")),
        destination: None,
        input_interface: None,
        table,
    }
}

pub(crate) fn plan(links: Vec<WantedLink>) -> NetworkPlan {
    NetworkPlan {
        links,
        ..NetworkPlan::default()
    }
}

/// Brings the kernel to a plan.
#[track_caller]
pub(crate) fn apply(plan: &NetworkPlan) -> Vec<NetworkFault> {
    let mut network = Network::open().expect("open");
    network.apply(plan).expect("apply")
}

/// Brings the kernel to a plan that has these faults: which part, whether it waits, and words of the reason.
#[track_caller]
pub(crate) fn check(plan: &NetworkPlan, expected: &[(NetworkPart, bool, &str)]) {
    let faults = apply(plan);
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, (part, waiting, words)) in faults.iter().zip(expected) {
        assert_eq!((&fault.part, fault.waiting), (part, *waiting), "{}", fault.reason);
        assert!(fault.reason.contains(words), "{}", fault.reason);
    }
}

pub(crate) fn the_link(name: &str) -> NetworkPart {
    NetworkPart::Link(name.to_owned())
}
