//! An earlier policy as a new one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ravelin_model::{Id, Kind, ListId, ListKind, Object, ObjectKind, Policy};

use super::draft::Ground;
use super::numbers::Numbers;
use super::references::lists_of;
use crate::{Refusal, RefusalReason};

/// The earlier policy with what goes on of the present one: objects that say the same stay as they are, others keep
/// their number and get a new revision, and those that were gone come back, under their old number if it is free.
pub(crate) fn restored(ground: &Ground<'_>, past: &Policy) -> Result<Policy, Vec<Refusal>> {
    let mut zone_numbers = Numbers::of_zones(ground.policy);
    let mut counters = Numbers::of_counters(ground.policy, ground.counter_limit, ground.next_revision);
    let mut refusals: Vec<Refusal> = lists_of(past)
        .into_iter()
        .filter(|list| ground.lists.get(list) != Some(&ListKind::Address))
        .map(|list| gone(&list))
        .collect();
    let now = ground.policy;
    let mut full = Vec::new();
    let policy = Policy {
        zones: map(
            ground,
            &now.zones,
            &past.zones,
            Some(&mut zone_numbers),
            &mut full,
        ),
        zone_pairs: map(
            ground,
            &now.zone_pairs,
            &past.zone_pairs,
            Some(&mut counters),
            &mut full,
        ),
        rules: list(ground, &now.rules, &past.rules, Some(&mut counters), &mut full),
        services: map(ground, &now.services, &past.services, None, &mut full),
        nat_rules: list(ground, &now.nat_rules, &past.nat_rules, None, &mut full),
        published_services: map(
            ground,
            &now.published_services,
            &past.published_services,
            Some(&mut counters),
            &mut full,
        ),
        interface_settings: map(
            ground,
            &now.interface_settings,
            &past.interface_settings,
            None,
            &mut full,
        ),
        routes: map(ground, &now.routes, &past.routes, None, &mut full),
        policy_routes: map(ground, &now.policy_routes, &past.policy_routes, None, &mut full),
        dns_servers: map(ground, &now.dns_servers, &past.dns_servers, None, &mut full),
    };
    refusals.extend(full);
    if refusals.is_empty() {
        Ok(policy)
    } else {
        Err(refusals)
    }
}

fn gone(list: &ListId) -> Refusal {
    Refusal {
        operation: 0,
        pointer: String::new(),
        reason: RefusalReason::Unknown {
            kind: ObjectKind::List,
            id: list.to_string(),
        },
        detail: format!("the policy of that revision names the list '{list}', which is gone"),
    }
}

fn map<S: Kind + Clone + PartialEq>(
    ground: &Ground<'_>,
    now: &BTreeMap<Id<S>, Arc<Object<S>>>,
    past: &BTreeMap<Id<S>, Arc<Object<S>>>,
    mut numbers: Option<&mut Numbers>,
    refusals: &mut Vec<Refusal>,
) -> BTreeMap<Id<S>, Arc<Object<S>>> {
    past.iter()
        .filter_map(|(id, old)| {
            let object = bring_back(ground, now.get(id), old, numbers.as_deref_mut(), refusals)?;
            Some((id.clone(), object))
        })
        .collect()
}

fn list<S: Kind + Clone + PartialEq>(
    ground: &Ground<'_>,
    now: &[Arc<Object<S>>],
    past: &[Arc<Object<S>>],
    mut numbers: Option<&mut Numbers>,
    refusals: &mut Vec<Refusal>,
) -> Vec<Arc<Object<S>>> {
    let now: HashMap<&Id<S>, &Arc<Object<S>>> = now.iter().map(|object| (&object.id, object)).collect();
    past.iter()
        .filter_map(|old| {
            bring_back(
                ground,
                now.get(&old.id).copied(),
                old,
                numbers.as_deref_mut(),
                refusals,
            )
        })
        .collect()
}

fn bring_back<S: Kind + Clone + PartialEq>(
    ground: &Ground<'_>,
    now: Option<&Arc<Object<S>>>,
    past: &Arc<Object<S>>,
    numbers: Option<&mut Numbers>,
    refusals: &mut Vec<Refusal>,
) -> Option<Arc<Object<S>>> {
    let number = match (now, numbers) {
        (Some(now), _) if now.spec == past.spec => return Some(Arc::clone(now)),
        (Some(now), _) => Some(now.number),
        (None, None) => Some(past.number),
        (None, Some(numbers)) => {
            if numbers.take(past.number) {
                Some(past.number)
            } else {
                numbers.give()
            }
        }
    };
    let Some(number) = number else {
        refusals.push(Refusal {
            operation: 0,
            pointer: String::new(),
            reason: RefusalReason::Full,
            detail: format!("there is no room for '{}'", past.id),
        });
        return None;
    };
    Some(Arc::new(Object {
        id: past.id.clone(),
        number,
        spec: past.spec.clone(),
        updated_at: ground.at,
        revision: ground.next_revision,
    }))
}
