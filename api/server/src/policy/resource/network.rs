//! Routes, policy routes and DNS servers; none of them has a name.

use std::sync::Arc;

use ravelin_api_types::{DnsServer, DnsServerSpec, PolicyRoute, PolicyRouteSpec, Route, RouteSpec, RuleHits};
use ravelin_control::{Operation, PolicyOperation};
use ravelin_model::{self as model, ObjectKind, Policy};

use super::{Placed, Resource, sorted};

impl Resource for RouteSpec {
    type Shown = Route;
    const KIND: ObjectKind = ObjectKind::Route;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.routes.values(), |route| {
            (route.spec.table, route.spec.destination, route.spec.metric)
        })
    }

    fn find(policy: &Policy, id: &model::RouteId) -> Option<Placed<Self>> {
        policy.routes.get(id).map(|route| (0, Arc::clone(route)))
    }

    fn named(_: &Policy, _: &str) -> Option<model::RouteId> {
        None
    }

    fn key(spec: &model::RouteSpec) -> String {
        spec.key()
    }

    fn operation(operation: Operation<model::RouteSpec>) -> PolicyOperation {
        PolicyOperation::Route(operation)
    }

    fn show(_: usize, route: &model::Route, _: &Policy, _: RuleHits) -> Route {
        Route::from(route)
    }
}

impl Resource for PolicyRouteSpec {
    type Shown = PolicyRoute;
    const KIND: ObjectKind = ObjectKind::PolicyRoute;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.policy_routes.values(), |route| {
            (route.spec.priority, route.spec.families().next())
        })
    }

    fn find(policy: &Policy, id: &model::PolicyRouteId) -> Option<Placed<Self>> {
        let route = policy.policy_routes.get(id);
        route.map(|route| (0, Arc::clone(route)))
    }

    fn named(_: &Policy, _: &str) -> Option<model::PolicyRouteId> {
        None
    }

    fn key(spec: &model::PolicyRouteSpec) -> String {
        spec.keys().collect::<Vec<_>>().join(", ")
    }

    fn operation(operation: Operation<model::PolicyRouteSpec>) -> PolicyOperation {
        PolicyOperation::PolicyRoute(operation)
    }

    fn show(_: usize, route: &model::PolicyRoute, _: &Policy, _: RuleHits) -> PolicyRoute {
        PolicyRoute::from(route)
    }
}

impl Resource for DnsServerSpec {
    type Shown = DnsServer;
    const KIND: ObjectKind = ObjectKind::DnsServer;

    fn all(policy: &Policy) -> Vec<Placed<Self>> {
        sorted(policy.dns_servers.values(), |server| server.spec.order())
    }

    fn find(policy: &Policy, id: &model::DnsServerId) -> Option<Placed<Self>> {
        policy.dns_servers.get(id).map(|server| (0, Arc::clone(server)))
    }

    fn named(_: &Policy, _: &str) -> Option<model::DnsServerId> {
        None
    }

    fn key(spec: &model::DnsServerSpec) -> String {
        spec.key()
    }

    fn operation(operation: Operation<model::DnsServerSpec>) -> PolicyOperation {
        PolicyOperation::DnsServer(operation)
    }

    fn show(_: usize, server: &model::DnsServer, _: &Policy, _: RuleHits) -> DnsServer {
        DnsServer::from(server)
    }
}
