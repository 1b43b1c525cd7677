//! Who names whom.

use std::collections::BTreeSet;

use ravelin_model::{
    AddressMatch, AnyObject, ListId, ObjectKind, ObjectRef, Policy, ServiceMatch, Translation, ZoneId,
    ZoneMatch,
};

/// Objects of the policy that name the object.
pub(crate) fn users(policy: &Policy, kind: ObjectKind, id: &str) -> Vec<ObjectRef> {
    objects(policy)
        .filter(|object| names(object, kind, id))
        .map(|object| object.reference())
        .collect()
}

/// Lists that rules and published services name, in force or not.
pub(crate) fn lists_of(policy: &Policy) -> BTreeSet<ListId> {
    let rules = policy
        .rules
        .iter()
        .flat_map(|rule| [&rule.spec.source, &rule.spec.destination]);
    let published = policy
        .published_services
        .values()
        .map(|service| &service.spec.source);
    rules
        .chain(published)
        .flat_map(|address| address.lists.iter().cloned())
        .collect()
}

/// Every object, cheaply.
pub(super) fn objects(policy: &Policy) -> impl Iterator<Item = AnyObject> + '_ {
    let zones = policy.zones.values().cloned().map(AnyObject::Zone);
    let pairs = policy.zone_pairs.values().cloned().map(AnyObject::ZonePair);
    let rules = policy.rules.iter().cloned().map(AnyObject::Rule);
    let services = policy.services.values().cloned().map(AnyObject::Service);
    let nat_rules = policy.nat_rules.iter().cloned().map(AnyObject::NatRule);
    let published = policy
        .published_services
        .values()
        .cloned()
        .map(AnyObject::PublishedService);
    let interfaces = policy
        .interface_settings
        .values()
        .cloned()
        .map(AnyObject::InterfaceSettings);
    let routes = policy.routes.values().cloned().map(AnyObject::Route);
    let policy_routes = policy.policy_routes.values().cloned();
    let policy_routes = policy_routes.map(AnyObject::PolicyRoute);
    let dns_servers = policy.dns_servers.values().cloned().map(AnyObject::DnsServer);
    zones
        .chain(pairs)
        .chain(rules)
        .chain(services)
        .chain(nat_rules)
        .chain(published)
        .chain(interfaces)
        .chain(routes)
        .chain(policy_routes)
        .chain(dns_servers)
}

fn names(object: &AnyObject, kind: ObjectKind, id: &str) -> bool {
    match kind {
        ObjectKind::Zone => zones(object).any(|zone| zone.as_str() == id),
        ObjectKind::Service => match object {
            AnyObject::Rule(rule) => rule
                .spec
                .services
                .iter()
                .any(|service| matches!(service, ServiceMatch::Named(service) if service.as_str() == id)),
            _ => false,
        },
        ObjectKind::List => sides(object).any(|side| side.lists.iter().any(|list| list.as_str() == id)),
        ObjectKind::ZonePair
        | ObjectKind::Rule
        | ObjectKind::NatRule
        | ObjectKind::PublishedService
        | ObjectKind::InterfaceSettings
        | ObjectKind::Route
        | ObjectKind::PolicyRoute
        | ObjectKind::DnsServer
        | ObjectKind::Feature => false,
    }
}

fn zones(object: &AnyObject) -> impl Iterator<Item = &ZoneId> {
    let named: [Option<&ZoneId>; 2] = match object {
        AnyObject::Zone(_)
        | AnyObject::Service(_)
        | AnyObject::InterfaceSettings(_)
        | AnyObject::Route(_)
        | AnyObject::PolicyRoute(_)
        | AnyObject::DnsServer(_) => [None, None],
        AnyObject::ZonePair(pair) => [Some(&pair.spec.from), Some(&pair.spec.to)],
        AnyObject::Rule(rule) => [zone(&rule.spec.from), zone(&rule.spec.to)],
        AnyObject::NatRule(rule) => match &rule.spec.translation {
            Translation::Masquerade { to, .. } | Translation::Snat { to, .. } => [Some(to), None],
            Translation::Dnat(dnat) => [zone(&dnat.from), None],
            Translation::OneToOne { zone, .. } => [Some(zone), None],
        },
        AnyObject::PublishedService(service) => [zone(&service.spec.translation.from), None],
    };
    named.into_iter().flatten()
}

fn zone(zone: &ZoneMatch) -> Option<&ZoneId> {
    match zone {
        ZoneMatch::Any => None,
        ZoneMatch::Zone(id) => Some(id),
    }
}

fn sides(object: &AnyObject) -> impl Iterator<Item = &AddressMatch> {
    let named: [Option<&AddressMatch>; 2] = match object {
        AnyObject::Rule(rule) => [Some(&rule.spec.source), Some(&rule.spec.destination)],
        AnyObject::PublishedService(service) => [Some(&service.spec.source), None],
        AnyObject::Zone(_)
        | AnyObject::ZonePair(_)
        | AnyObject::Service(_)
        | AnyObject::NatRule(_)
        | AnyObject::InterfaceSettings(_)
        | AnyObject::Route(_)
        | AnyObject::PolicyRoute(_)
        | AnyObject::DnsServer(_) => [None, None],
    };
    named.into_iter().flatten()
}
