//! Places of rules and NAT rules in the store: numbers with gaps, so that one that comes or moves writes one row.

use std::collections::HashMap;
use std::sync::Arc;

use ravelin_model::{AnyObject, Id, Kind, Object, Policy};
use ravelin_store::PolicyWrite;

use super::difference::longest_rising;
use crate::ObjectChange;

/// Between neighbours that come together.
const GAP: i64 = 1 << 20;

/// Positions of ordered objects, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Positions {
    pub(crate) rules: Vec<i64>,
    pub(crate) nat_rules: Vec<i64>,
}

/// What the store has to write for the changes, and the positions afterwards.
pub(crate) fn writes(
    changes: &[ObjectChange],
    before: &Policy,
    after: &Policy,
    positions: &Positions,
) -> (Vec<PolicyWrite>, Positions) {
    let rules = Reordered::new(&before.rules, &positions.rules, &after.rules);
    let nat_rules = Reordered::new(&before.nat_rules, &positions.nat_rules, &after.nat_rules);
    let mut writes = Vec::with_capacity(changes.len());
    let mut put = std::collections::HashSet::new();
    for change in changes {
        match &change.after {
            None => writes.push(PolicyWrite::Delete {
                id: change.id.clone(),
            }),
            Some(object) if change.before.as_ref() != Some(object) => {
                let position = match object {
                    AnyObject::Rule(rule) => rules.positions.get(rule.id.as_str()).copied(),
                    AnyObject::NatRule(rule) => nat_rules.positions.get(rule.id.as_str()).copied(),
                    AnyObject::Zone(_)
                    | AnyObject::ZonePair(_)
                    | AnyObject::Service(_)
                    | AnyObject::PublishedService(_)
                    | AnyObject::InterfaceSettings(_)
                    | AnyObject::Route(_)
                    | AnyObject::PolicyRoute(_)
                    | AnyObject::DnsServer(_) => None,
                };
                put.insert(change.id.as_str());
                writes.push(PolicyWrite::Put {
                    object: object.clone(),
                    position,
                });
            }
            Some(_) => {}
        }
    }
    for (id, position) in rules.moved.iter().chain(&nat_rules.moved) {
        if !put.contains(id) {
            writes.push(PolicyWrite::Move {
                id: (*id).to_owned(),
                position: *position,
            });
        }
    }
    let positions = Positions {
        rules: rules.in_order,
        nat_rules: nat_rules.in_order,
    };
    (writes, positions)
}

struct Reordered<'a> {
    in_order: Vec<i64>,
    /// Only of those that came or moved.
    positions: HashMap<&'a str, i64>,
    /// Those that were there and have another position now.
    moved: Vec<(&'a str, i64)>,
}

impl<'a> Reordered<'a> {
    fn new<S: Kind>(before: &'a [Arc<Object<S>>], old: &[i64], after: &'a [Arc<Object<S>>]) -> Self {
        let old: HashMap<&Id<S>, i64> = before
            .iter()
            .map(|object| &object.id)
            .zip(old.iter().copied())
            .collect();
        let known: Vec<Option<i64>> = after.iter().map(|object| old.get(&object.id).copied()).collect();
        let in_order = spread(&known);
        let changed =
            (after.iter().zip(&in_order).zip(&known)).filter(|((_, new), old)| Some(**new) != **old);
        let moved = changed
            .filter(|(_, old)| old.is_some())
            .map(|((object, new), _)| (object.id.as_str(), *new))
            .collect();
        Self {
            positions: (after.iter().map(|object| object.id.as_str()))
                .zip(in_order.iter().copied())
                .collect(),
            in_order,
            moved,
        }
    }
}

/// Rising positions for a row whose members have had the given ones, or none. As many as can keep theirs; should there
/// be no room between two, all get new ones.
fn spread(known: &[Option<i64>]) -> Vec<i64> {
    let having: Vec<(usize, i64)> = known
        .iter()
        .enumerate()
        .filter_map(|(index, position)| Some((index, (*position)?)))
        .collect();
    let rising = longest_rising(&having.iter().map(|(_, position)| *position).collect::<Vec<_>>());
    let mut kept = vec![None; known.len()];
    for index in rising {
        let (at, position) = having[index];
        kept[at] = Some(position);
    }
    fill(&kept).unwrap_or_else(|| (1..).map(|step: i64| step * GAP).take(known.len()).collect())
}

/// Positions for those that have none; None: two neighbours have no room between them.
fn fill(kept: &[Option<i64>]) -> Option<Vec<i64>> {
    let mut positions = Vec::with_capacity(kept.len());
    let mut last: Option<i64> = None;
    let mut at = 0;
    while at < kept.len() {
        if let Some(position) = kept[at] {
            positions.push(position);
            last = Some(position);
            at += 1;
            continue;
        }
        let run = kept[at..]
            .iter()
            .take_while(|position| position.is_none())
            .count();
        let next = kept.get(at + run).copied().flatten();
        let count = i64::try_from(run).ok()?;
        let (first, step) = match (last, next) {
            (None, None) => (GAP, GAP),
            (Some(last), None) => (last.checked_add(GAP)?, GAP),
            (None, Some(next)) => (next.checked_sub(GAP.checked_mul(count)?)?, GAP),
            (Some(last), Some(next)) => {
                let step = (next - last) / (count + 1);
                if step == 0 {
                    return None;
                }
                (last + step, step)
            }
        };
        for index in 0..count {
            positions.push(first.checked_add(step.checked_mul(index)?)?);
        }
        at += run;
    }
    Some(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_keeps_its_position() {
        let check = |known: &[Option<i64>], expected: &[i64]| {
            assert_eq!(spread(known), expected, "{known:?}");
        };
        check(&[], &[]);
        check(&[None, None], &[GAP, 2 * GAP]);
        check(&[Some(10), None, Some(20)], &[10, 15, 20]);
        check(&[Some(10), Some(20), None], &[10, 20, 20 + GAP]);
        check(&[None, Some(10)], &[10 - GAP, 10]);
        // One that moved: only it gets another.
        check(&[Some(30), Some(10), Some(20)], &[10 - GAP, 10, 20]);
        // No room: all anew.
        check(&[Some(10), None, Some(11)], &[GAP, 2 * GAP, 3 * GAP]);
    }
}
