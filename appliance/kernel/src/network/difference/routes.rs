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
    let mut new: Vec<(&WantedRoute, Vec<Operation>)> = Vec::new();
    let mut wanted_keys = BTreeSet::new();
    for wanted in &links.plan.routes {
        let mut fault =
            |waiting, reason| difference.fault(NetworkPart::Route(wanted.clone()), waiting, reason);
        if let Some(name) = interface(wanted)
            && links.standing(name).is_none()
        {
            fault(true, format!("there is no link '{name}'"));
            continue;
        }
        let key = RouteKey::of(wanted);
        if !wanted_keys.insert(key) {
            fault(
                false,
                "the plan has another of its destination, table and metric".to_owned(),
            );
            continue;
        }
        let there = there.get(&key).map(Vec::as_slice).unwrap_or_default();
        let (operations, taken) = changes(wanted, there, links, &connected);
        if taken {
            fault(
                false,
                "another made a route of its destination, table and metric".to_owned(),
            );
        }
        new.push((wanted, operations));
    }
    // What drops packets first; links before gateways, which must be on one; the narrowest first.
    new.sort_by_key(|(wanted, _)| (class(wanted), Reverse(wanted.destination.prefix_len())));
    difference
        .operations
        .extend(new.into_iter().flat_map(|(_, operations)| operations));
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

/// What brings a route about, and whether its place is another's; `there`: all of its key.
fn changes(
    wanted: &WantedRoute,
    there: &[&PresentRoute],
    links: &LinkWork<'_>,
    connected: &Connected<'_>,
) -> (Vec<Operation>, bool) {
    let own = there.iter().filter(|route| route.own()).count();
    let route = || wanted.clone();
    match there.iter().find(|route| leads(wanted, route, links)) {
        Some(right) if right.own() && own == 1 => {
            if connected.holds(wanted, right) {
                (vec![], false)
            } else {
                (vec![Operation::AffirmRoute(route())], false)
            }
        }
        // Another's serves as well.
        Some(_) if own == 0 => (vec![], false),
        _ if own < there.len() => {
            let remove = (own > 0).then(|| Operation::RemoveRoute(route()));
            (remove.into_iter().collect(), true)
        }
        _ => match own {
            0 => (vec![Operation::AddRoute(route())], false),
            1 => (vec![Operation::ReplaceRoute(route())], false),
            _ => (
                vec![Operation::RemoveRoute(route()), Operation::AddRoute(route())],
                false,
            ),
        },
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
