//! One side of a line as runs of addresses of one family.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{AddressSet, AddressTerm};

/// IPv4 or IPv6, addresses as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(super) fn bits(self) -> u32 {
        match self {
            Self::V4 => u32::BITS,
            Self::V6 => u128::BITS,
        }
    }

    pub(super) fn last(self) -> u128 {
        match self {
            Self::V4 => u32::MAX.into(),
            Self::V6 => u128::MAX,
        }
    }
}

/// From the first address to the last.
pub(super) type Run = (u128, u128);

/// A side with more runs is compared with no other.
const RUNS_MAX: usize = 1024;

/// Sorted runs of the side; None: too many to look at.
pub(super) fn runs(
    term: &AddressTerm,
    lists: &BTreeMap<u32, Arc<AddressSet>>,
    family: Family,
) -> Option<Vec<Run>> {
    if term.is_any() {
        return Some(vec![(0, family.last())]);
    }
    if sets(term, lists).map(|set| len(set, family)).sum::<usize>() > RUNS_MAX {
        return None;
    }
    let mut named: Vec<Run> = sets(term, lists)
        .flat_map(|set| (0..len(set, family)).map(move |at| run(set, family, at)))
        .collect();
    named.sort_unstable();
    let named = merged(named);
    if !term.negate {
        return Some(named);
    }
    let mut between = Vec::with_capacity(named.len() + 1);
    let mut free = Some(0);
    for (first, last) in named {
        between.extend(free.filter(|from| *from < first).map(|from| (from, first - 1)));
        free = (last < family.last()).then(|| last + 1);
    }
    between.extend(free.map(|from| (from, family.last())));
    Some(between)
}

/// Sorted runs without those that touch or overlap another.
fn merged(sorted: Vec<Run>) -> Vec<Run> {
    let mut merged: Vec<Run> = Vec::with_capacity(sorted.len());
    for (first, last) in sorted {
        match merged.last_mut() {
            Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// How far the side goes on from an address that is in it; None: the address is not.
pub(super) fn reach(
    term: &AddressTerm,
    lists: &BTreeMap<u32, Arc<AddressSet>>,
    family: Family,
    from: u128,
) -> Option<u128> {
    if term.is_any() {
        return Some(family.last());
    }
    if term.negate {
        return sets(term, lists).try_fold(family.last(), |end, set| {
            match run_at_or_behind(set, family, from) {
                Some((first, _)) if first <= from => None,
                Some((first, _)) => Some(end.min(first - 1)),
                None => Some(end),
            }
        });
    }
    let mut end = None;
    // One set may go on where another ends.
    while let Some(further) = sets(term, lists)
        .filter_map(|set| {
            let at = end.map_or(from, |end: u128| end.saturating_add(1).min(family.last()));
            run_at_or_behind(set, family, at).filter(|(first, last)| *first <= at && end < Some(*last))
        })
        .map(|(_, last)| last)
        .max()
    {
        end = Some(further);
    }
    end
}

/// Whether all of the runs are in the side.
pub(super) fn covers(
    term: &AddressTerm,
    lists: &BTreeMap<u32, Arc<AddressSet>>,
    family: Family,
    runs: &[Run],
) -> bool {
    term.is_any()
        || runs
            .iter()
            .all(|(first, last)| reach(term, lists, family, *first).is_some_and(|end| *last <= end))
}

fn sets<'a>(
    term: &'a AddressTerm,
    lists: &'a BTreeMap<u32, Arc<AddressSet>>,
) -> impl Iterator<Item = &'a AddressSet> {
    let listed = term.lists.iter().filter_map(|number| lists.get(number));
    std::iter::once(&term.addresses).chain(listed.map(Arc::as_ref))
}

fn len(set: &AddressSet, family: Family) -> usize {
    match family {
        Family::V4 => set.v4().len(),
        Family::V6 => set.v6().len(),
    }
}

fn run(set: &AddressSet, family: Family, at: usize) -> Run {
    match family {
        Family::V4 => {
            let (first, last) = set.v4()[at];
            (first.into(), last.into())
        }
        Family::V6 => set.v6()[at],
    }
}

/// The first run that ends at the address or behind it.
fn run_at_or_behind(set: &AddressSet, family: Family, address: u128) -> Option<Run> {
    let at = match family {
        Family::V4 => set.v4().partition_point(|(_, last)| u128::from(*last) < address),
        Family::V6 => set.v6().partition_point(|(_, last)| *last < address),
    };
    (at < len(set, family)).then(|| run(set, family, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(addresses: &[&str], negate: bool) -> AddressTerm {
        AddressTerm {
            addresses: AddressSet::new(addresses.iter().map(|text| text.parse().expect("a range"))),
            lists: vec![1],
            negate,
        }
    }

    fn lists(addresses: &[&str]) -> BTreeMap<u32, Arc<AddressSet>> {
        let set = AddressSet::new(addresses.iter().map(|text| text.parse().expect("a range")));
        BTreeMap::from([(1, Arc::new(set))])
    }

    #[test]
    fn runs_and_reach_are_of_all_that_is_named() {
        let lists = lists(&["0.0.0.10-0.0.0.19", "0.0.0.40"]);
        let named = term(&["0.0.0.20-0.0.0.29", "255.255.255.255"], false);
        let of = |term: &AddressTerm, from| reach(term, &lists, Family::V4, from);
        assert_eq!(
            runs(&named, &lists, Family::V4),
            Some(vec![(10, 29), (40, 40), (u32::MAX.into(), u32::MAX.into())])
        );
        assert_eq!(runs(&named, &lists, Family::V6), Some(vec![]));
        assert_eq!(
            (of(&named, 9), of(&named, 10), of(&named, 25)),
            (None, Some(29), Some(29))
        );
        assert_eq!((of(&named, 30), of(&named, 40)), (None, Some(40)));
        assert_eq!(of(&named, u32::MAX.into()), Some(u32::MAX.into()));
        assert!(covers(&named, &lists, Family::V4, &[(12, 28), (40, 40)]));
        assert!(!covers(&named, &lists, Family::V4, &[(12, 30)]));
    }

    #[test]
    fn negated_runs_are_what_lies_between() {
        let lists = lists(&["0.0.0.10-0.0.0.19", "::"]);
        let negated = term(&["0.0.0.0", "0.0.0.15-0.0.0.29"], true);
        let of = |from| reach(&negated, &lists, Family::V4, from);
        assert_eq!(
            runs(&negated, &lists, Family::V4),
            Some(vec![(1, 9), (30, u32::MAX.into())])
        );
        assert_eq!(runs(&negated, &lists, Family::V6), Some(vec![(1, u128::MAX)]));
        assert_eq!((of(0), of(1), of(12), of(29)), (None, Some(9), None, None));
        assert_eq!(of(30), Some(u32::MAX.into()));
        let nothing = term(&["0.0.0.0/0"], true);
        assert_eq!(runs(&nothing, &lists, Family::V4), Some(vec![]));
    }
}
