//! Routes, and which table of them judges a packet.

use std::net::IpAddr;

use ipnet::IpNet;

use super::object::{Id, Kind, Object};
use crate::{RouteTarget, WantedRoute, WantedRouteRule};

/// A static route.
pub type Route = Object<RouteSpec>;
/// Id of a route: `rte_…`.
pub type RouteId = Id<RouteSpec>;

/// What a user says of a static route. Destination, table and metric together are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Where to: a network address. The default route is of prefix length 0.
    pub destination: IpNet,
    /// What becomes of the packet.
    pub target: RouteTarget,
    /// The lower, the more it is preferred; at least 1.
    pub metric: u32,
    /// Which table it is in; see [`routing_table`].
    pub table: u32,
    /// Largest packet along the route in bytes; None: that of the interface.
    pub mtu_bytes: Option<u32>,
    /// Whether it is in force.
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

impl Kind for RouteSpec {
    const PREFIX: &'static str = "rte_";
    const NAME: &'static str = "route";
    const COLLECTION: &'static str = "routes";
}

impl RouteSpec {
    /// What the kernel shall have of it; None: nothing.
    pub fn wanted(&self) -> Option<WantedRoute> {
        self.enabled.then(|| WantedRoute {
            destination: self.destination,
            table: self.table,
            metric: self.metric,
            target: self.target.clone(),
            mtu_bytes: self.mtu_bytes,
        })
    }

    /// What tells it from other routes.
    pub fn key(&self) -> String {
        let Self {
            destination,
            metric,
            table,
            ..
        } = self;
        if *table == routing_table::MAIN {
            format!("{destination} at metric {metric}")
        } else {
            format!("{destination} at metric {metric} in table {table}")
        }
    }
}

/// Tables of routes (rt_names of iproute2).
pub mod routing_table {
    /// The one that judges packets no policy route says anything of.
    pub const MAIN: u32 = 254;

    /// The kernel's own: `unspec`, `default` and `local`. No route and no policy route may name them.
    pub const RESERVED: [u32; 3] = [0, 253, 255];
}

/// A policy route.
pub type PolicyRoute = Object<PolicyRouteSpec>;
/// Id of a policy route: `prt_…`.
pub type PolicyRouteId = Id<PolicyRouteSpec>;

/// What a user says of a policy route: packets that match have their route looked up in a table. Where the table has
/// none for them, the next policy route is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRouteSpec {
    /// Lower ones come first; 1 to 32,765, unique in a family.
    pub priority: u32,
    /// Of these sources: a network address.
    pub source: Option<IpNet>,
    /// To these destinations: a network address of the same family.
    pub destination: Option<IpNet>,
    /// That came in by this interface; `lo` stands for what this box sends itself.
    pub input_interface: Option<String>,
    /// The table; see [`routing_table`].
    pub table: u32,
    /// Whether it is in force.
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

impl Kind for PolicyRouteSpec {
    const PREFIX: &'static str = "prt_";
    const NAME: &'static str = "policy_route";
    const COLLECTION: &'static str = "policy-routes";
}

impl PolicyRouteSpec {
    /// Highest priority; above it are the kernel's own rules.
    pub const LAST_PRIORITY: u32 = 32_765;

    /// Which families it is of, IPv4 and IPv6 by `false` and `true`: both where neither source nor destination tells.
    pub fn families(&self) -> impl Iterator<Item = bool> + use<> {
        let told = self.source.or(self.destination);
        [false, true]
            .into_iter()
            .filter(move |ipv6| told.is_none_or(|told| told.addr().is_ipv6() == *ipv6))
    }

    /// What the kernel shall have of it: a rule for each family.
    pub fn wanted(&self) -> Vec<WantedRouteRule> {
        let rule = |ipv6| WantedRouteRule {
            priority: self.priority,
            ipv6,
            source: self.source,
            destination: self.destination,
            input_interface: self.input_interface.clone(),
            table: self.table,
        };
        let families = self.families().filter(|_| self.enabled);
        families.map(rule).collect()
    }

    /// What tells it from other policy routes, once for each family.
    pub fn keys(&self) -> impl Iterator<Item = String> + use<> {
        let priority = self.priority;
        self.families()
            .map(move |ipv6| format!("{priority} of IPv{}", if ipv6 { 6 } else { 4 }))
    }
}

/// Whether a host on a link, and only there, has such an address, so that it means nothing without the link.
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_route(source: Option<&str>, destination: Option<&str>) -> PolicyRouteSpec {
        let network = |text: &str| text.parse().expect("a network");
        PolicyRouteSpec {
            priority: 7,
            source: source.map(network),
            destination: destination.map(network),
            input_interface: None,
            table: 100,
            enabled: true,
            description: String::new(),
        }
    }

    #[test]
    fn a_policy_route_is_of_the_family_its_networks_are_of_or_of_both() {
        let check = |source, destination, expected: &[bool], keys: &[&str]| {
            let spec = policy_route(source, destination);
            let rules = spec.wanted();
            let families: Vec<_> = rules.iter().map(|rule| rule.ipv6).collect();
            assert_eq!(families, expected);
            assert!(rules.iter().all(|rule| (rule.priority, rule.table) == (7, 100)));
            assert_eq!(spec.keys().collect::<Vec<_>>(), keys);
        };
        check(Some("10.0.0.0/8"), None, &[false], &["7 of IPv4"]);
        check(None, Some("2001:db8::/32"), &[true], &["7 of IPv6"]);
        check(None, None, &[false, true], &["7 of IPv4", "7 of IPv6"]);
    }

    #[test]
    fn what_is_not_enabled_is_not_wanted() {
        let rule = PolicyRouteSpec {
            enabled: false,
            ..policy_route(None, None)
        };
        assert_eq!(rule.wanted(), []);
        let mut route = RouteSpec {
            destination: "0.0.0.0/0".parse().expect("a network"),
            target: RouteTarget::Blackhole,
            metric: 1,
            table: routing_table::MAIN,
            mtu_bytes: None,
            enabled: true,
            description: String::new(),
        };
        assert!(route.wanted().is_some());
        route.enabled = false;
        assert_eq!(route.wanted(), None);
    }
}
