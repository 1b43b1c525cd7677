//! What changed from one policy to another.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ravelin_model::{AnyObject, Id, Kind, Object, Policy};

use crate::ObjectChange;

/// Every object that came, went, says something else or has another place among those that stayed. Versions are the
/// same where they are one [`Arc`] or say the same.
pub(crate) fn differences(before: &Policy, after: &Policy) -> Vec<ObjectChange> {
    let mut changes = Vec::new();
    of_maps(&before.zones, &after.zones, AnyObject::Zone, &mut changes);
    of_maps(
        &before.zone_pairs,
        &after.zone_pairs,
        AnyObject::ZonePair,
        &mut changes,
    );
    of_maps(
        &before.services,
        &after.services,
        AnyObject::Service,
        &mut changes,
    );
    of_lists(&before.rules, &after.rules, AnyObject::Rule, &mut changes);
    of_lists(
        &before.nat_rules,
        &after.nat_rules,
        AnyObject::NatRule,
        &mut changes,
    );
    of_maps(
        &before.published_services,
        &after.published_services,
        AnyObject::PublishedService,
        &mut changes,
    );
    of_maps(
        &before.interface_settings,
        &after.interface_settings,
        AnyObject::InterfaceSettings,
        &mut changes,
    );
    of_maps(&before.routes, &after.routes, AnyObject::Route, &mut changes);
    of_maps(
        &before.policy_routes,
        &after.policy_routes,
        AnyObject::PolicyRoute,
        &mut changes,
    );
    of_maps(
        &before.dns_servers,
        &after.dns_servers,
        AnyObject::DnsServer,
        &mut changes,
    );
    changes
}

fn change(
    before: Option<AnyObject>,
    after: Option<AnyObject>,
    place: (Option<usize>, Option<usize>),
) -> Option<ObjectChange> {
    let any = after.as_ref().or(before.as_ref())?;
    Some(ObjectChange {
        kind: any.kind(),
        id: any.id().to_owned(),
        before,
        after,
        place,
    })
}

fn of_maps<S: Kind + PartialEq>(
    before: &BTreeMap<Id<S>, Arc<Object<S>>>,
    after: &BTreeMap<Id<S>, Arc<Object<S>>>,
    wrap: impl Fn(Arc<Object<S>>) -> AnyObject + Copy,
    changes: &mut Vec<ObjectChange>,
) {
    for (id, old) in before {
        let new = after.get(id);
        if !new.is_some_and(|new| same(old, new)) {
            changes.extend(change(
                Some(wrap(Arc::clone(old))),
                new.cloned().map(wrap),
                (None, None),
            ));
        }
    }
    for (id, new) in after {
        if !before.contains_key(id) {
            changes.extend(change(None, Some(wrap(Arc::clone(new))), (None, None)));
        }
    }
}

fn of_lists<S: Kind + PartialEq>(
    before: &[Arc<Object<S>>],
    after: &[Arc<Object<S>>],
    wrap: impl Fn(Arc<Object<S>>) -> AnyObject + Copy,
    changes: &mut Vec<ObjectChange>,
) {
    let same_front = before
        .iter()
        .zip(after)
        .take_while(|(old, new)| same(old, new))
        .count();
    let (before, after) = (&before[same_front..], &after[same_front..]);
    let same_back = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take_while(|(old, new)| same(old, new))
        .count();
    let before = &before[..before.len() - same_back];
    let after = &after[..after.len() - same_back];
    let new_place: HashMap<&Id<S>, usize> = after
        .iter()
        .enumerate()
        .map(|(place, new)| (&new.id, place))
        .collect();
    let old_place: HashMap<&Id<S>, usize> = before
        .iter()
        .enumerate()
        .map(|(place, old)| (&old.id, place))
        .collect();
    // Those that stay, in their old order: who breaks it in the new one has been moved.
    let mut staying: Vec<usize> = before
        .iter()
        .filter_map(|old| new_place.get(&old.id).copied())
        .collect();
    let kept = longest_rising(&staying);
    staying = kept.into_iter().map(|at| staying[at]).collect();
    let unmoved = |place: usize| staying.binary_search(&place).is_ok();
    for (place, old) in before.iter().enumerate() {
        let to = new_place.get(&old.id).copied();
        let new = to.map(|to| &after[to]);
        let stays = to.is_some_and(unmoved) && new.is_some_and(|new| same(old, new));
        if !stays {
            changes.extend(change(
                Some(wrap(Arc::clone(old))),
                new.cloned().map(wrap),
                (Some(place + same_front), to.map(|to| to + same_front)),
            ));
        }
    }
    for (place, new) in after.iter().enumerate() {
        if !old_place.contains_key(&new.id) {
            changes.extend(change(
                None,
                Some(wrap(Arc::clone(new))),
                (None, Some(place + same_front)),
            ));
        }
    }
}

fn same<S: Kind + PartialEq>(old: &Arc<Object<S>>, new: &Arc<Object<S>>) -> bool {
    Arc::ptr_eq(old, new) || old == new
}

/// Indices of a longest rising subsequence.
pub(super) fn longest_rising<T: Ord>(values: &[T]) -> Vec<usize> {
    // For each length, the index of the smallest value such a subsequence can end with.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let length = ends.partition_point(|&end| values[end] < *value);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut kept = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(index) = at {
        kept.push(index);
        at = before[index];
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_are_taken_out_of_a_row_to_make_it_rise() {
        let check = |values: &[i32], expected: &[usize]| {
            assert_eq!(longest_rising(values), expected, "{values:?}");
        };
        check(&[], &[]);
        check(&[1, 2, 3], &[0, 1, 2]);
        check(&[3, 1, 2], &[1, 2]);
        check(&[1, 9, 2, 3], &[0, 2, 3]);
        check(&[5, 4, 3], &[2]);
    }
}
