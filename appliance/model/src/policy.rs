//! The policy: zones, ordered rules and address translation.

mod address;
mod any_object;
mod dns_server;
mod interface_settings;
mod nat;
mod object;
mod route;
mod rule;
mod schedule;
mod service;
mod verdict;
mod zone;

pub use address::{AddressMatch, AddressRange, InvalidAddressRange};
pub use any_object::{AnyObject, ObjectKind, ObjectRef};
pub use dns_server::{DnsServer, DnsServerId, DnsServerSpec};
pub use interface_settings::{
    HardwareSettings, InterfaceSettings, InterfaceSettingsId, InterfaceSettingsSpec, SettingsState,
};
pub use nat::{
    Dnat, NatRule, NatRuleId, NatRuleSpec, PublishedAddress, PublishedService, PublishedServiceId,
    PublishedServiceSpec, Translation,
};
pub use object::{Id, InvalidId, InvalidObjectName, Kind, Object, ObjectName};
pub use route::{
    PolicyRoute, PolicyRouteId, PolicyRouteSpec, Route, RouteId, RouteSpec, is_link_local, routing_table,
};
pub use rule::{Action, Placement, RateLimit, RateLimitScope, Rule, RuleId, RuleSpec, ZoneMatch};
pub use schedule::{Day, MinuteOfDay, Schedule};
pub use service::{
    IcmpType, PortRange, Service, ServiceEntry, ServiceId, ServiceMatch, ServiceSpec, protocol,
};
pub use verdict::{PolicyVerdict, VerdictBackend, VerdictLine};
pub use zone::{LOCAL_ZONE, Zone, ZoneId, ZoneNumber, ZonePair, ZonePairId, ZonePairSpec, ZoneSpec};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{DnsServerAddress, WantedRoute, WantedRouteRule};

/// Everything a user said, cheap to clone. References are checked by whoever changes it: each id that is named exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// By id; `local` is always there.
    pub zones: BTreeMap<ZoneId, Arc<Zone>>,
    /// By id; a pair of zones comes once at most.
    pub zone_pairs: BTreeMap<ZonePairId, Arc<ZonePair>>,
    /// In order.
    pub rules: Vec<Arc<Rule>>,
    /// By id.
    pub services: BTreeMap<ServiceId, Arc<Service>>,
    /// In order.
    pub nat_rules: Vec<Arc<NatRule>>,
    /// By id, which is also the order of their rules.
    pub published_services: BTreeMap<PublishedServiceId, Arc<PublishedService>>,
    /// By id; an interface comes once at most.
    pub interface_settings: BTreeMap<InterfaceSettingsId, Arc<InterfaceSettings>>,
    /// By id; destination, table and metric together come once.
    pub routes: BTreeMap<RouteId, Arc<Route>>,
    /// By id; a priority comes once in each family.
    pub policy_routes: BTreeMap<PolicyRouteId, Arc<PolicyRoute>>,
    /// By id; address and port together come once.
    pub dns_servers: BTreeMap<DnsServerId, Arc<DnsServer>>,
}

impl Policy {
    /// Static routes the kernel shall have.
    pub fn wanted_routes(&self) -> Vec<WantedRoute> {
        let routes = self.routes.values();
        routes.filter_map(|route| route.spec.wanted()).collect()
    }

    /// Rules the kernel shall have for the policy routes.
    pub fn wanted_route_rules(&self) -> Vec<WantedRouteRule> {
        let rules = self.policy_routes.values();
        rules.flat_map(|rule| rule.spec.wanted()).collect()
    }

    /// DNS servers in the order they are asked.
    pub fn dns_server_addresses(&self) -> Vec<DnsServerAddress> {
        let mut servers: Vec<_> = self
            .dns_servers
            .values()
            .map(|server| server.spec.order())
            .collect();
        servers.sort_unstable();
        servers.into_iter().map(|(_, server)| server).collect()
    }
}
