//! Objects of every kind in one type, for those who treat them alike: the store, the history, references.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    DnsServer, InterfaceSettings, Kind, NatRule, PolicyRoute, PublishedService, Route, Rule, Service, Zone,
    ZonePair,
};
use crate::{
    DnsServerSpec, InterfaceSettingsSpec, NatRuleSpec, PolicyRouteSpec, PublishedServiceSpec, Revision,
    RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec, ZoneSpec,
};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// [`Zone`].
    Zone,
    /// [`ZonePair`].
    ZonePair,
    /// [`Rule`].
    Rule,
    /// [`Service`].
    Service,
    /// [`NatRule`].
    NatRule,
    /// [`PublishedService`].
    PublishedService,
    /// [`InterfaceSettings`].
    InterfaceSettings,
    /// [`Route`].
    Route,
    /// [`PolicyRoute`].
    PolicyRoute,
    /// [`DnsServer`].
    DnsServer,
    /// [`crate::List`]: no object of the policy itself, but named by some.
    List,
    /// [`crate::Feature`]: the same, the other way round.
    Feature,
}

impl ObjectKind {
    /// Kinds a policy is made of.
    pub const POLICY: [Self; 10] = [
        Self::Zone,
        Self::ZonePair,
        Self::Rule,
        Self::Service,
        Self::NatRule,
        Self::PublishedService,
        Self::InterfaceSettings,
        Self::Route,
        Self::PolicyRoute,
        Self::DnsServer,
    ];

    /// Its name in the API, singular.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zone => ZoneSpec::NAME,
            Self::ZonePair => ZonePairSpec::NAME,
            Self::Rule => RuleSpec::NAME,
            Self::Service => ServiceSpec::NAME,
            Self::NatRule => NatRuleSpec::NAME,
            Self::PublishedService => PublishedServiceSpec::NAME,
            Self::InterfaceSettings => InterfaceSettingsSpec::NAME,
            Self::Route => RouteSpec::NAME,
            Self::PolicyRoute => PolicyRouteSpec::NAME,
            Self::DnsServer => DnsServerSpec::NAME,
            Self::List => "list",
            Self::Feature => "feature",
        }
    }

    /// Whether the data plane knows its objects by a hit counter.
    pub fn has_counter(self) -> bool {
        matches!(self, Self::ZonePair | Self::Rule | Self::PublishedService)
    }

    /// Whether its objects are ordered.
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::Rule | Self::NatRule)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An object as others name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id; of a feature its name.
    pub id: String,
    /// Its name; of a kind that has none, such as a zone pair, its id.
    pub name: String,
}

/// An object of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyObject {
    /// A zone.
    Zone(Arc<Zone>),
    /// A zone pair.
    ZonePair(Arc<ZonePair>),
    /// A rule.
    Rule(Arc<Rule>),
    /// A service.
    Service(Arc<Service>),
    /// A NAT rule.
    NatRule(Arc<NatRule>),
    /// A published service.
    PublishedService(Arc<PublishedService>),
    /// Settings of an interface.
    InterfaceSettings(Arc<InterfaceSettings>),
    /// A static route.
    Route(Arc<Route>),
    /// A policy route.
    PolicyRoute(Arc<PolicyRoute>),
    /// A DNS server.
    DnsServer(Arc<DnsServer>),
}

impl AnyObject {
    /// Its kind.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Zone(_) => ObjectKind::Zone,
            Self::ZonePair(_) => ObjectKind::ZonePair,
            Self::Rule(_) => ObjectKind::Rule,
            Self::Service(_) => ObjectKind::Service,
            Self::NatRule(_) => ObjectKind::NatRule,
            Self::PublishedService(_) => ObjectKind::PublishedService,
            Self::InterfaceSettings(_) => ObjectKind::InterfaceSettings,
            Self::Route(_) => ObjectKind::Route,
            Self::PolicyRoute(_) => ObjectKind::PolicyRoute,
            Self::DnsServer(_) => ObjectKind::DnsServer,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Zone(object) => object.id.as_str(),
            Self::ZonePair(object) => object.id.as_str(),
            Self::Rule(object) => object.id.as_str(),
            Self::Service(object) => object.id.as_str(),
            Self::NatRule(object) => object.id.as_str(),
            Self::PublishedService(object) => object.id.as_str(),
            Self::InterfaceSettings(object) => object.id.as_str(),
            Self::Route(object) => object.id.as_str(),
            Self::PolicyRoute(object) => object.id.as_str(),
            Self::DnsServer(object) => object.id.as_str(),
        }
    }

    /// Its name, of interface settings that of the interface; None for kinds that have none.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Zone(object) => Some(object.spec.name.as_str()),
            Self::ZonePair(_) | Self::Route(_) | Self::PolicyRoute(_) | Self::DnsServer(_) => None,
            Self::Rule(object) => Some(object.spec.name.as_str()),
            Self::Service(object) => Some(object.spec.name.as_str()),
            Self::NatRule(object) => Some(object.spec.name.as_str()),
            Self::PublishedService(object) => Some(object.spec.name.as_str()),
            Self::InterfaceSettings(object) => Some(&object.spec.interface),
        }
    }

    /// What the data plane knows it by.
    pub fn number(&self) -> u32 {
        match self {
            Self::Zone(object) => object.number,
            Self::ZonePair(object) => object.number,
            Self::Rule(object) => object.number,
            Self::Service(object) => object.number,
            Self::NatRule(object) => object.number,
            Self::PublishedService(object) => object.number,
            Self::InterfaceSettings(object) => object.number,
            Self::Route(object) => object.number,
            Self::PolicyRoute(object) => object.number,
            Self::DnsServer(object) => object.number,
        }
    }

    /// Revision of its last change.
    pub fn revision(&self) -> Revision {
        match self {
            Self::Zone(object) => object.revision,
            Self::ZonePair(object) => object.revision,
            Self::Rule(object) => object.revision,
            Self::Service(object) => object.revision,
            Self::NatRule(object) => object.revision,
            Self::PublishedService(object) => object.revision,
            Self::InterfaceSettings(object) => object.revision,
            Self::Route(object) => object.revision,
            Self::PolicyRoute(object) => object.revision,
            Self::DnsServer(object) => object.revision,
        }
    }

    /// Time of its last change.
    pub fn updated_at(&self) -> OffsetDateTime {
        match self {
            Self::Zone(object) => object.updated_at,
            Self::ZonePair(object) => object.updated_at,
            Self::Rule(object) => object.updated_at,
            Self::Service(object) => object.updated_at,
            Self::NatRule(object) => object.updated_at,
            Self::PublishedService(object) => object.updated_at,
            Self::InterfaceSettings(object) => object.updated_at,
            Self::Route(object) => object.updated_at,
            Self::PolicyRoute(object) => object.updated_at,
            Self::DnsServer(object) => object.updated_at,
        }
    }

    /// As others name it.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            kind: self.kind(),
            id: self.id().to_owned(),
            name: self.name().unwrap_or(self.id()).to_owned(),
        }
    }
}
