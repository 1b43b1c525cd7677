//! What the names in a request stand for.

use std::collections::HashMap;

use ravelin_model as model;

use crate::{Errors, Node};

/// The word for every zone; no zone is called so.
pub(super) const ANY: &str = "any";

/// Zones, services and lists by id and by name. Where a name looks like an id, the id is meant.
#[derive(Debug, Clone, Default)]
pub struct Names {
    zones: Directory<model::ZoneId>,
    services: Directory<model::ServiceId>,
    address_lists: Directory<model::ListId>,
}

#[derive(Debug, Clone)]
struct Directory<I> {
    by_name: HashMap<Box<str>, I>,
    by_id: HashMap<Box<str>, I>,
}

impl<I> Default for Directory<I> {
    fn default() -> Self {
        Self {
            by_name: HashMap::new(),
            by_id: HashMap::new(),
        }
    }
}

impl<I: Clone> Directory<I> {
    fn add(&mut self, id: I, id_text: &str, name: &str) {
        self.by_id.insert(id_text.into(), id.clone());
        self.by_name.insert(name.into(), id);
    }

    fn find(&self, node: &Node<'_>, what: &str, errors: &mut Errors) -> Option<I> {
        let text = node.string(errors)?;
        let found = self.by_id.get(text).or_else(|| self.by_name.get(text));
        if found.is_none() {
            errors.add(node, "reference", format!("there is no {what} '{text}'"));
        }
        found.cloned()
    }
}

impl Names {
    /// Of what a policy and the lists have.
    pub fn new(policy: &model::Policy, lists: &[model::List]) -> Self {
        let mut names = Self::default();
        for (id, zone) in &policy.zones {
            names.add_zone(id, &zone.spec.name);
        }
        for (id, service) in &policy.services {
            names.add_service(id, &service.spec.name);
        }
        for list in lists.iter().filter(|list| list.kind == model::ListKind::Address) {
            let (id, name) = (list.id.as_str(), list.name.as_str());
            names.address_lists.add(list.id.clone(), id, name);
        }
        names
    }

    /// Adds a zone, or gives one another name.
    pub fn add_zone(&mut self, id: &model::ZoneId, name: &model::ObjectName) {
        self.zones.add(id.clone(), id.as_str(), name.as_str());
    }

    /// Adds a service, or gives one another name.
    pub fn add_service(&mut self, id: &model::ServiceId, name: &model::ObjectName) {
        self.services.add(id.clone(), id.as_str(), name.as_str());
    }

    /// The zone a text names.
    pub fn zone(&self, node: &Node<'_>, errors: &mut Errors) -> Option<model::ZoneId> {
        self.zones.find(node, "zone", errors)
    }

    /// The zone a text names, or every one.
    pub fn zone_match(&self, node: &Node<'_>, errors: &mut Errors) -> Option<model::ZoneMatch> {
        match node.value().as_str() {
            Some(ANY) => Some(model::ZoneMatch::Any),
            _ => self.zone(node, errors).map(model::ZoneMatch::Zone),
        }
    }

    /// The service a text names.
    pub fn service(&self, node: &Node<'_>, errors: &mut Errors) -> Option<model::ServiceId> {
        self.services.find(node, "service", errors)
    }

    /// The address list a text names.
    pub fn address_list(&self, node: &Node<'_>, errors: &mut Errors) -> Option<model::ListId> {
        self.address_lists.find(node, "address list", errors)
    }
}

/// How answers name a zone or all of them.
pub(super) fn zone_text(zone: &model::ZoneMatch) -> String {
    match zone {
        model::ZoneMatch::Any => ANY.to_owned(),
        model::ZoneMatch::Zone(id) => id.to_string(),
    }
}

/// What a missing zone of a request stands for.
pub(super) fn any_zone() -> String {
    ANY.to_owned()
}
