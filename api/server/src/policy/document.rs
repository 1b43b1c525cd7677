//! The whole policy as one document: shown, and read into the operations that make the policy be what it says.

use std::collections::{HashMap, HashSet};

use ravelin_api_types::{
    DnsServerSpec, Errors, Fields, Identified, InterfaceSettingsSpec, Names, NatRuleSpec, Node,
    PolicyDocument, PolicyRouteSpec, PublishedServiceSpec, RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec,
    ZoneSpec,
};
use ravelin_control::{Operation, PolicyOperation, PolicyView, Precondition};
use ravelin_model::{self as model, Id, LOCAL_ZONE, Policy};
use serde_json::Value;

use super::Resource;
use super::ids::new_id;

/// The policy as a document.
pub(crate) fn document(policy: &Policy) -> PolicyDocument {
    PolicyDocument {
        zones: section::<ZoneSpec>(policy),
        zone_pairs: section::<ZonePairSpec>(policy),
        rules: section::<RuleSpec>(policy),
        services: section::<ServiceSpec>(policy),
        nat_rules: section::<NatRuleSpec>(policy),
        published_services: section::<PublishedServiceSpec>(policy),
        interface_settings: section::<InterfaceSettingsSpec>(policy),
        routes: section::<RouteSpec>(policy),
        policy_routes: section::<PolicyRouteSpec>(policy),
        dns_servers: section::<DnsServerSpec>(policy),
    }
}

fn section<R: Resource>(policy: &Policy) -> Vec<Identified<R>> {
    let objects = R::all(policy);
    objects.iter().map(|(_, object)| Identified::of(object)).collect()
}

/// Operations that make the policy be what a document says.
#[derive(Debug, Default)]
pub(crate) struct Import {
    /// In order.
    pub(crate) operations: Vec<PolicyOperation>,
    /// Where in the document each of them comes from.
    pub(crate) places: Vec<String>,
}

impl Import {
    fn push(&mut self, place: &str, operation: PolicyOperation) {
        self.operations.push(operation);
        self.places.push(place.to_owned());
    }
}

/// What the document says of an object.
struct Said<R: Resource> {
    place: String,
    id: Id<R::Model>,
    spec: R::Model,
}

/// Reads a document. The operations are refused if the policy is another one by then.
pub(crate) fn import(
    node: Node<'_>,
    view: &PolicyView,
    lists: &[model::List],
    errors: &mut Errors,
) -> Option<Import> {
    let policy = view.policy.as_ref();
    let mut fields = Fields::of(node, errors)?;
    // What is not in the document will be gone, so nothing else can be named.
    let mut names = Names::new(&Policy::default(), lists);
    if let Some(local) = policy.zones.values().find(|zone| zone.id.as_str() == LOCAL_ZONE) {
        names.add_zone(&local.id, &local.spec.name);
    }
    let zones = read::<ZoneSpec>(&mut fields, "zones", policy, &names, errors);
    for zone in zones.iter().flatten() {
        names.add_zone(&zone.id, &zone.spec.name);
    }
    let services = read::<ServiceSpec>(&mut fields, "services", policy, &names, errors);
    for service in services.iter().flatten() {
        names.add_service(&service.id, &service.spec.name);
    }
    let pairs = read::<ZonePairSpec>(&mut fields, "zone_pairs", policy, &names, errors);
    let rules = read::<RuleSpec>(&mut fields, "rules", policy, &names, errors);
    let nat_rules = read::<NatRuleSpec>(&mut fields, "nat_rules", policy, &names, errors);
    let published = read::<PublishedServiceSpec>(&mut fields, "published_services", policy, &names, errors);
    // Documents of before there were any say nothing of these.
    let interfaces =
        read_optional::<InterfaceSettingsSpec>(&mut fields, "interface_settings", policy, &names, errors);
    let routes = read_optional::<RouteSpec>(&mut fields, "routes", policy, &names, errors);
    let policy_routes =
        read_optional::<PolicyRouteSpec>(&mut fields, "policy_routes", policy, &names, errors);
    let dns_servers = read_optional::<DnsServerSpec>(&mut fields, "dns_servers", policy, &names, errors);
    fields.finish(errors);

    let mut import = Import::default();
    let (rules, nat_rules) = (rules?, nat_rules?);
    let rule_order = rules.iter().map(|rule| rule.id.clone()).collect();
    let nat_order = nat_rules.iter().map(|rule| rule.id.clone()).collect();
    change(zones?, policy, &mut import);
    change(services?, policy, &mut import);
    change(pairs?, policy, &mut import);
    change(rules, policy, &mut import);
    change(nat_rules, policy, &mut import);
    change(published?, policy, &mut import);
    change_if_said(interfaces?, policy, &mut import);
    change_if_said(routes?, policy, &mut import);
    change_if_said(policy_routes?, policy, &mut import);
    change_if_said(dns_servers?, policy, &mut import);
    let precondition = Precondition::Revision(view.revision);
    let order = PolicyOperation::OrderRules {
        order: rule_order,
        precondition,
    };
    import.push("/rules", order);
    let order = PolicyOperation::OrderNatRules {
        order: nat_order,
        precondition,
    };
    import.push("/nat_rules", order);
    Some(import)
}

/// Reads the objects of a kind. One without an id keeps that of the one with the same name.
fn read<R: Resource>(
    fields: &mut Fields<'_>,
    section: &'static str,
    policy: &Policy,
    names: &Names,
    errors: &mut Errors,
) -> Option<Vec<Said<R>>> {
    fields.required_with(section, errors, |node, errors| {
        read_items(&node, policy, names, errors)
    })
}

/// The same of a kind that may be left out.
fn read_optional<R: Resource>(
    fields: &mut Fields<'_>,
    section: &'static str,
    policy: &Policy,
    names: &Names,
    errors: &mut Errors,
) -> Option<Option<Vec<Said<R>>>> {
    fields.optional_with(section, errors, |node, errors| {
        read_items(&node, policy, names, errors)
    })
}

fn read_items<R: Resource>(
    node: &Node<'_>,
    policy: &Policy,
    names: &Names,
    errors: &mut Errors,
) -> Option<Vec<Said<R>>> {
    let known: HashMap<String, Id<R::Model>> = R::all(policy)
        .into_iter()
        .map(|(_, object)| (R::key(&object.spec), object.id.clone()))
        .collect();
    let mut seen = HashSet::new();
    node.items(errors, |item, errors| {
        let mut rest = item.value().clone();
        let id = rest.as_object_mut().and_then(|members| members.remove("id"));
        let id = id.map(|id| read_id::<R>(&item, &id, errors));
        let spec = R::read(item.instead(&rest), names, errors);
        let (id, spec) = (id.map_or(Some(None), |id| id.map(Some))?, spec?);
        let id = id
            .or_else(|| known.get(&R::key(&spec)).cloned())
            .or_else(new_id)?;
        if !seen.insert(id.clone()) {
            errors.add(&item, "id_taken", "has the id or the name of another one");
            return None;
        }
        let place = item.pointer().to_owned();
        Some(Said { place, id, spec })
    })
}

fn read_id<R: Resource>(item: &Node<'_>, id: &Value, errors: &mut Errors) -> Option<Id<R::Model>> {
    item.within("id", id).text(errors)
}

/// Has the objects of a kind be those that are said; where nothing is said of the kind, they stay.
fn change_if_said<R: Resource>(said: Option<Vec<Said<R>>>, policy: &Policy, import: &mut Import) {
    if let Some(said) = said {
        change(said, policy, import);
    }
}

/// Has the objects of a kind be those that are said.
fn change<R: Resource>(said: Vec<Said<R>>, policy: &Policy, import: &mut Import) {
    let mut old: HashMap<Id<R::Model>, _> = R::all(policy)
        .into_iter()
        .map(|(_, object)| (object.id.clone(), object))
        .collect();
    for Said { place, id, spec } in said {
        let operation = match old.remove(&id) {
            Some(object) if object.spec == spec => continue,
            Some(object) => Operation::Replace {
                id,
                spec,
                precondition: Precondition::Revision(object.revision),
            },
            None => Operation::Create { id: Some(id), spec },
        };
        import.push(&place, R::operation(operation));
    }
    let gone = old
        .into_values()
        .filter(|object| object.id.as_str() != LOCAL_ZONE);
    for object in gone {
        let operation = Operation::Delete {
            id: object.id.clone(),
            precondition: Precondition::Revision(object.revision),
        };
        import.push("", R::operation(operation));
    }
}
