//! Routes of all tables.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ravelin_model::{NetworkPart, RouteTarget, WantedRoute};

use super::Difference;
use super::links::{LinkWork, Standing};
use crate::network::number::route::TABLE_MAIN;
use crate::network::operation::Operation;
use crate::network::present::{PresentRoute, RouteKey, Way};

pub(super) fn compare(links: &LinkWork<'_>, difference: &mut Difference) {
    let mut there: BTreeMap<RouteKey, Vec<&PresentRoute>> = BTreeMap::new();
    for route in &links.present.routes {
        there.entry(route.key).or_default().push(route);
    }
    let connected = Connected::new(links);
    let mut new: Vec<(&WantedRoute, Change)> = Vec::new();
    let mut wanted_keys = BTreeSet::new();
    for wanted in &links.plan.routes {
        if let Some(name) = interface(wanted)
            && links.standing(name).is_none()
        {
            let reason = format!("there is no link '{name}'");
            difference.fault(NetworkPart::Route(wanted.clone()), true, reason);
            continue;
        }
        let key = RouteKey::of(wanted);
        let there = there.get(&key).map(Vec::as_slice).unwrap_or_default();
        let change = if wanted_keys.insert(key) {
            change(wanted, there, links, &connected)
        } else if there.iter().any(|there| leads(wanted, there, links)) {
            continue;
        } else {
            // The kernel says that there is one already.
            Change::Add
        };
        if change != Change::None {
            new.push((wanted, change));
        }
    }
    // What drops packets first; links before gateways, which must be on one; the narrowest first.
    new.sort_by_key(|(wanted, _)| (class(wanted), Reverse(wanted.destination.prefix_len())));
    for (wanted, change) in new {
        let route = wanted.clone();
        match change {
            Change::None => {}
            Change::Add => difference.operations.push(Operation::AddRoute(route)),
            Change::Replace => difference.operations.push(Operation::ReplaceRoute(route)),
            Change::Affirm => difference.operations.push(Operation::AffirmRoute(route)),
            Change::RemoveAndAdd => {
                difference
                    .operations
                    .extend([Operation::RemoveRoute(route.clone()), Operation::AddRoute(route)]);
            }
        }
    }
    let mut old: Vec<WantedRoute> = (links.present.routes.iter())
        .filter(|route| route.own() && !wanted_keys.contains(&route.key))
        .filter(|route| !out_of(route).is_some_and(|index| links.is_doomed(index)))
        .map(|route| route.as_wanted(links.present))
        .collect();
    old.sort_by_key(|route| (Reverse(class(route)), route.destination.prefix_len()));
    difference
        .operations
        .extend(old.into_iter().map(Operation::RemoveRoute));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Add,
    Replace,
    Affirm,
    RemoveAndAdd,
}

/// `there`: all of the key.
fn change(
    wanted: &WantedRoute,
    there: &[&PresentRoute],
    links: &LinkWork<'_>,
    connected: &Connected<'_>,
) -> Change {
    let own = there.iter().filter(|route| route.own()).count();
    let right = there.iter().find(|route| leads(wanted, route, links));
    match right {
        // Another's serves as well, and is left alone.
        Some(right) if own == 0 || own == 1 && right.own() => {
            if right.own() && !connected.holds(wanted, right) {
                Change::Affirm
            } else {
                Change::None
            }
        }
        _ if own == 0 => Change::Add,
        // Only one that is alone can be replaced without another's being hit.
        _ if own == 1 && there.len() == 1 => Change::Replace,
        _ => Change::RemoveAndAdd,
    }
}

/// Whether a route of the same key does what is wanted.
fn leads(wanted: &WantedRoute, there: &PresentRoute, links: &LinkWork<'_>) -> bool {
    let by = |name: &str, index: u32| matches!(links.standing(name), Some(Standing::Stays(link)) if link.index == index);
    let way = match (&wanted.target, there.way) {
        (RouteTarget::Gateway { gateway, interface }, Way::Gateway(there, index)) => {
            *gateway == there && interface.as_deref().is_none_or(|name| by(name, index))
        }
        (RouteTarget::Interface(name), Way::Interface(index)) => by(name, index),
        (RouteTarget::Blackhole, Way::Blackhole) | (RouteTarget::Unreachable, Way::Unreachable) => true,
        _ => false,
    };
    way && wanted.mtu_bytes == there.mtu_bytes
}

fn interface(route: &WantedRoute) -> Option<&str> {
    match &route.target {
        RouteTarget::Gateway { interface, .. } => interface.as_deref(),
        RouteTarget::Interface(interface) => Some(interface),
        RouteTarget::Blackhole | RouteTarget::Unreachable => None,
    }
}

fn out_of(route: &PresentRoute) -> Option<u32> {
    match route.way {
        Way::Gateway(_, index) | Way::Interface(index) => Some(index),
        Way::Blackhole | Way::Unreachable | Way::Other => None,
    }
}

fn class(route: &WantedRoute) -> u8 {
    match route.target {
        RouteTarget::Blackhole | RouteTarget::Unreachable => 0,
        RouteTarget::Interface(_) => 1,
        RouteTarget::Gateway { .. } => 2,
    }
}

/// Networks that are on links. A route goes on leading to a gateway whose network left its link, or went to another: the
/// kernel looks only when the route is made.
struct Connected<'a>(Vec<(&'a RouteKey, u32)>);

impl<'a> Connected<'a> {
    fn new(links: &LinkWork<'a>) -> Self {
        let networks = links.present.routes.iter().filter_map(|route| match route.way {
            Way::Interface(index) => Some((&route.key, index)),
            _ => None,
        });
        Self(networks.collect())
    }

    /// Whether the kernel would lead the route the same way again, as far as can be told from here: it looks for the
    /// gateway in the table of the route, then by the rules.
    fn holds(&self, wanted: &WantedRoute, there: &PresentRoute) -> bool {
        let Way::Gateway(gateway, index) = there.way else {
            return true;
        };
        if matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local()) {
            return true;
        }
        let named = interface(wanted).is_some();
        let on = self
            .link_of(there.key.table, gateway, named.then_some(index))
            .or_else(|| self.link_of(TABLE_MAIN, gateway, named.then_some(index)));
        on == Some(index)
    }

    /// The link a table says the gateway is on.
    fn link_of(&self, table: u32, gateway: IpAddr, only: Option<u32>) -> Option<u32> {
        let networks = self.0.iter().filter(|(key, index)| {
            key.table == table && key.destination.contains(&gateway) && only.is_none_or(|only| only == *index)
        });
        networks
            .min_by_key(|(key, _)| (Reverse(key.destination.prefix_len()), key.metric))
            .map(|(_, index)| *index)
    }
}
