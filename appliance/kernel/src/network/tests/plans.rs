//! Random plans that are sound, and kernels others were at work in.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use ipnet::IpNet;
use ravelin_compile::generate::Random;
use ravelin_model::{
    BondMode, LinkIdentity, NetworkPlan, RouteTarget, VirtualLink, WantedLink, WantedRoute, WantedRouteRule,
};

use super::model::Model;
use crate::network::present::{Kind, Present, PresentAddress, PresentRoute, RouteKey, Way};

pub(super) const CARDS: [&str; 4] = ["eth0", "eth1", "eth2", "eth3"];
/// Networks addresses are of; each on one link of a plan.
const NETWORKS: usize = 6;
const TABLES: [u32; 3] = [254, 100, 70_000];

/// Cards, some of them up, with addresses and routes of others.
pub(super) fn kernel(random: &mut Random) -> Model {
    let mut model = Model::default();
    for name in CARDS {
        let up = random.once_in(2);
        let link = model.plug(name);
        link.up = up;
        let index = link.index;
        let host = index + 100;
        if random.once_in(2) {
            let own_network = format!("172.16.{index}.1/24");
            // One that shares its network with addresses a plan may have.
            let shared = format!("10.{}.0.9/24", random.below(NETWORKS));
            for network in [own_network, format!("fd99:{index}::{host}/64"), shared] {
                model.present.addresses.push(PresentAddress {
                    link: index,
                    network: network.parse().expect("network"),
                    own: false,
                    duplicate: false,
                });
            }
        }
        if up && random.once_in(2) {
            let gateway = format!("172.16.{index}.254").parse().expect("address");
            model.present.routes.push(PresentRoute {
                key: RouteKey {
                    table: 254,
                    destination: "0.0.0.0/0".parse().expect("network"),
                    metric: 1000 + index,
                },
                protocol: 16,
                way: Way::Gateway(gateway, index),
                mtu_bytes: None,
            });
        }
    }
    let carrier = model.link("eth3").expect("a card").index;
    let kind = Kind::Vlan {
        parent: Some(carrier),
        id: 77,
    };
    model.insert("foreign", kind, false);
    model.never_promotes = random.once_in(4);
    model
}

/// Kinds of links the kernel has, beside bridges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds {
    pub(super) vlan: bool,
    pub(super) bond: bool,
}

impl Kinds {
    pub(super) const ALL: Self = Self {
        vlan: true,
        bond: true,
    };
}

/// A plan the kernel can be brought to, if its cards are those of [`kernel`].
pub(super) fn plan(random: &mut Random, present: &Present, kinds: Kinds) -> NetworkPlan {
    let mut plan = NetworkPlan {
        links: links(random, kinds),
        ..NetworkPlan::default()
    };
    place_addresses(random, &mut plan);
    let up = raised(&plan);
    for (name, network) in addresses(&plan) {
        if up.get(&name) == Some(&true) && random.once_in(2) {
            let interface = (shared(present, network) || random.once_in(2)).then_some(name);
            let route = gateway_route(random, network, interface);
            push_route(&mut plan.routes, route);
        }
    }
    for (name, up) in &up {
        if *up && random.once_in(2) {
            let destination = *random.of(&["198.18.0.0/16", "2001:db8:1::/48", "198.18.7.0/24"]);
            let target = RouteTarget::Interface(name.clone());
            push_route(&mut plan.routes, route(random, destination, target));
        }
    }
    for destination in ["198.18.7.0/24", "2001:db8:2::/48"] {
        let target = random
            .of(&[RouteTarget::Blackhole, RouteTarget::Unreachable])
            .clone();
        if random.once_in(2) {
            push_route(&mut plan.routes, route(random, destination, target));
        }
    }
    for priority in 1..=3 {
        if random.once_in(2) {
            plan.rules.push(rule(random, priority));
        }
    }
    plan
}

fn wanted(name: &str, virtual_link: Option<VirtualLink>) -> WantedLink {
    WantedLink {
        name: name.to_owned(),
        identity: LinkIdentity::default(),
        virtual_link,
        enabled: Some(true),
        mtu_bytes: None,
        addresses: Vec::new(),
    }
}

/// Cards are ports of the bond, of the bridge, or free.
fn links(random: &mut Random, kinds: Kinds) -> Vec<WantedLink> {
    let mut links = Vec::new();
    let (mut bond, mut bridge, mut free) = (Vec::new(), Vec::new(), Vec::new());
    for name in CARDS {
        let name = name.to_owned();
        match random.below(5) {
            0 if kinds.bond => bond.push(name),
            0 | 1 => bridge.push(name),
            2 | 3 => free.push(name),
            // The plan says nothing of it.
            _ => continue,
        }
    }
    let mtu_bytes = *random.of(&[None, Some(1400), Some(9000)]);
    for name in bond.iter().chain(&bridge).chain(&free) {
        links.push(wanted(name, None));
    }
    let mut carriers = free.clone();
    if !bond.is_empty() || kinds.bond && random.once_in(3) {
        let mode = *random.of(&[BondMode::ActiveBackup, BondMode::Lacp]);
        links.push(wanted(
            "bond9",
            Some(VirtualLink::Bond {
                ports: bond.clone(),
                mode,
            }),
        ));
        carriers.push("bond9".to_owned());
    }
    for (name, id) in [("vlan5", 5), ("vlan6", 6), ("inner", 7)] {
        if kinds.vlan && random.once_in(2) && !carriers.is_empty() {
            let parent = random.of(&carriers).clone();
            let id = NonZeroU16::new(id).expect("not 0");
            links.push(wanted(name, Some(VirtualLink::Vlan { parent, id })));
            if random.once_in(2) {
                bridge.push(name.to_owned());
            } else {
                carriers.push(name.to_owned());
            }
        }
    }
    if !bridge.is_empty() || random.once_in(3) {
        let spanning_tree = random.once_in(2);
        links.push(wanted(
            "br0",
            Some(VirtualLink::Bridge {
                ports: bridge,
                spanning_tree,
            }),
        ));
    }
    for link in &mut links {
        // The same everywhere fits everywhere.
        link.mtu_bytes = mtu_bytes;
        // A bond raises its ports.
        if !bond.contains(&link.name) && random.once_in(6) {
            link.enabled = Some(false);
        }
    }
    // What it is made of need not come before it.
    if !links.is_empty() {
        let at = random.below(links.len());
        links.rotate_left(at);
    }
    links
}

fn place_addresses(random: &mut Random, plan: &mut NetworkPlan) {
    let count = plan.links.len();
    for network in 0..NETWORKS {
        if count == 0 {
            break;
        }
        let link = &mut plan.links[random.below(count)];
        let length = *random.of(&[56, 64]);
        for host in 1..=3 {
            if random.once_in(2) {
                link.addresses.push(address(&format!("10.{network}.0.{host}/24")));
            }
            if random.once_in(3) {
                link.addresses
                    .push(address(&format!("fd00:{network}::{host}/{length}")));
            }
        }
    }
}

fn address(text: &str) -> IpNet {
    text.parse().expect("address")
}

fn addresses(plan: &NetworkPlan) -> Vec<(String, IpNet)> {
    let addresses = plan.links.iter().flat_map(|link| {
        let name = &link.name;
        link.addresses.iter().map(|address| (name.clone(), *address))
    });
    addresses.collect()
}

/// Links of the plan, and whether they are up in the end.
fn raised(plan: &NetworkPlan) -> BTreeMap<String, bool> {
    let up = |link: &WantedLink| (link.name.clone(), link.enabled == Some(true));
    plan.links.iter().map(up).collect()
}

/// Whether another has an address of the network, on whatever link.
fn shared(present: &Present, network: IpNet) -> bool {
    let mut others = present.addresses.iter().filter(|there| !there.own);
    others.any(|there| there.network.trunc() == network.trunc())
}

fn gateway_route(random: &mut Random, network: IpNet, interface: Option<String>) -> WantedRoute {
    let (gateway, destinations) = match network {
        IpNet::V4(network) => {
            let [a, b, c, _] = network.addr().octets();
            ([a, b, c, 200].into(), ["0.0.0.0/0", "198.51.100.0/24"])
        }
        IpNet::V6(network) => {
            let mut segments = network.addr().segments();
            segments[7] = 0x200;
            (segments.into(), ["::/0", "2001:db8:9::/48"])
        }
    };
    let destination = *random.of(&destinations);
    route(random, destination, RouteTarget::Gateway { gateway, interface })
}

fn route(random: &mut Random, destination: &str, target: RouteTarget) -> WantedRoute {
    WantedRoute {
        destination: address(destination),
        table: *random.of(&TABLES),
        metric: *random.of(&[0, 50, 1024]),
        target,
        mtu_bytes: *random.of(&[None, Some(1300)]),
    }
}

fn push_route(routes: &mut Vec<WantedRoute>, route: WantedRoute) {
    let key = RouteKey::of(&route);
    if !routes.iter().any(|there| RouteKey::of(there) == key) {
        routes.push(route);
    }
}

fn rule(random: &mut Random, priority: u32) -> WantedRouteRule {
    let choose = |random: &mut Random, v4: &str, v6: &str, ipv6: bool| {
        random.once_in(2).then(|| address(if ipv6 { v6 } else { v4 }))
    };
    let ipv6 = random.once_in(2);
    let source = choose(random, "10.1.0.0/16", "fd00:1::/32", ipv6);
    WantedRouteRule {
        priority,
        ipv6,
        // One without any would lead to another table who asks for the way to a gateway, too.
        input_interface: (source.is_none() || random.once_in(2)).then(|| (*random.of(&CARDS)).to_owned()),
        source,
        destination: choose(random, "198.51.100.7/24", "2001:db8::7/32", ipv6),
        table: *random.of(&TABLES),
    }
}
