//! The policy: zones, ordered rules and address translation.
//!
//! Every kind of object has three shapes: its spec, which requests send whole; a merge patch of that; and what answers
//! show, which is the spec with id, place, counters and revision. A spec is read straight into the model, because what
//! it names — zones, services, lists, by id or by name — has to be there: see [`Names`].

mod address;
mod changes;
mod counter;
mod dnat;
mod dns_server;
mod document;
mod interface_settings;
mod live_flows;
mod names;
mod nat;
mod network_settings;
mod order;
mod policy_route;
mod published_service;
mod references;
mod report;
mod revision;
mod route;
mod rule;
mod schedule;
mod service;
mod simulation;
mod spec;
mod verdict_log;
mod zone;
mod zone_pair;

pub use address::AddressMatch;
pub use changes::{Change, ChangeOperation, Changes, PolicyKind};
pub use counter::PolicyCounter;
pub use dns_server::{DnsServer, DnsServerSpec};
pub use document::{Identified, PolicyDocument};
pub use interface_settings::{
    HardwareSettings, InterfaceSettings, InterfaceSettingsSpec, InterfaceSettingsState,
};
pub use live_flows::{CutFlow, LiveFlows};
pub use names::Names;
pub use nat::{NatKind, NatRule, NatRuleSpec};
pub use network_settings::{Bond, BondMode, Bridge, DhcpClient, DhcpRange, LanServices, LinkIdentity, Vlan};
pub use order::{Move, MoveTo, NatRuleOrder, RuleOrder};
pub use policy_route::{PolicyRoute, PolicyRouteSpec};
pub use published_service::{PublishedService, PublishedServiceSpec};
pub use references::{Reference, References};
pub use report::{
    ChangeKind, CommitReport, CommitStep, Diagnostic, ObjectChange, OperationResult, PolicyState,
};
pub use revision::{Revision, RevisionDiff};
pub use route::{MainTable, Route, RouteKind, RouteSpec, RoutingTable};
pub use rule::{Action, RateLimit, RateLimitScope, Rule, RuleHits, RuleSpec};
pub use schedule::{Day, Schedule};
pub use service::{
    IcmpType, InvalidPortRange, IpProtocol, PortRange, ProtocolName, RuleService, Service, ServiceEntry,
    ServiceSpec,
};
pub use simulation::{
    ConsideredLine, PolicyLine, SimulatedEntry, SimulatedPacket, SimulatedTranslation, SimulatedVerdict,
    Simulation, SimulationRequest, ZoneReference,
};
pub use spec::Spec;
pub use verdict_log::LoggedVerdict;
pub use zone::{Zone, ZoneSpec};
pub use zone_pair::{ZonePair, ZonePairSpec};

#[cfg(test)]
mod tests;
