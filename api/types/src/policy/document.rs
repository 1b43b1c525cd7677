//! The whole policy as one document.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    DnsServerSpec, InterfaceSettingsSpec, NatRuleSpec, PolicyRouteSpec, PublishedServiceSpec, RouteSpec,
    RuleSpec, ServiceSpec, Spec, ZonePairSpec, ZoneSpec,
};

/// What an object says, with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identified<S> {
    /// Missing: that of the object with the same name, or a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub spec: S,
}

impl<S: Spec> Identified<S> {
    /// What an object says, without what is Ravelin's.
    pub fn of(object: &model::Object<S::Model>) -> Self {
        Self {
            id: Some(object.id.to_string()),
            spec: S::of(&object.spec),
        }
    }
}

/// The whole policy. References are by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyDocument {
    /// Zones; `local` may be missing.
    pub zones: Vec<Identified<ZoneSpec>>,
    /// Zone pairs.
    pub zone_pairs: Vec<Identified<ZonePairSpec>>,
    /// Rules in their order.
    pub rules: Vec<Identified<RuleSpec>>,
    /// Services.
    pub services: Vec<Identified<ServiceSpec>>,
    /// NAT rules in their order.
    pub nat_rules: Vec<Identified<NatRuleSpec>>,
    /// Published services.
    pub published_services: Vec<Identified<PublishedServiceSpec>>,
    /// Settings of interfaces. Always shown; missing in a request: they stay as they are.
    #[serde(default)]
    pub interface_settings: Vec<Identified<InterfaceSettingsSpec>>,
    /// Static routes. Always shown; missing in a request: they stay as they are.
    #[serde(default)]
    pub routes: Vec<Identified<RouteSpec>>,
    /// Policy routes. Always shown; missing in a request: they stay as they are.
    #[serde(default)]
    pub policy_routes: Vec<Identified<PolicyRouteSpec>>,
    /// DNS servers. Always shown; missing in a request: they stay as they are.
    #[serde(default)]
    pub dns_servers: Vec<Identified<DnsServerSpec>>,
}
