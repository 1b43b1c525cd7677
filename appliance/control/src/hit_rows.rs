//! Which entry each row of the data plane's hit counters counts for. A row stays with its entry; the store keeps
//! which row an entry has.

use std::collections::{BTreeMap, BTreeSet};

use ravelin_model::EntryId;

/// Who has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    /// Number of the list.
    list: u32,
    entry: EntryId,
}

/// Rows in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HitRows {
    /// Indexed by row.
    owner: Vec<Option<Owner>>,
}

/// Rows that change hands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RowChange {
    /// Came to a new entry: to be set to 0 before they count for it.
    pub(crate) fresh: BTreeMap<u32, EntryId>,
    /// Their entry went; also `fresh` where a new entry got one in the same step, because no other was left.
    pub(crate) freed: BTreeSet<u32>,
}

impl RowChange {
    /// The change after which nobody has the rows.
    pub(crate) fn freeing(rows: impl IntoIterator<Item = (u32, EntryId)>) -> Self {
        Self {
            fresh: BTreeMap::new(),
            freed: rows.into_iter().map(|(row, _)| row).collect(),
        }
    }

    /// Rows that go from one entry straight to another.
    pub(crate) fn reused(&self) -> Vec<u32> {
        let freed = self.freed.iter().copied();
        freed.filter(|row| self.fresh.contains_key(row)).collect()
    }

    /// Rows nobody has after the change.
    pub(crate) fn left(&self) -> Vec<u32> {
        let freed = self.freed.iter().copied();
        freed.filter(|row| !self.fresh.contains_key(row)).collect()
    }
}

impl HitRows {
    /// Nothing in use.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            owner: vec![None; capacity],
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.owner.len()
    }

    fn owners(&self) -> impl Iterator<Item = (u32, &Option<Owner>)> + Send {
        (0..).zip(&self.owner)
    }

    /// Rows nobody has.
    pub(crate) fn free(&self) -> impl Iterator<Item = u32> + Send + '_ {
        self.owners()
            .filter(|(_, owner)| owner.is_none())
            .map(|(row, _)| row)
    }

    /// Rows of a list.
    pub(crate) fn of(&self, list: u32) -> Vec<u32> {
        let owned = self
            .owners()
            .filter(|(_, owner)| owner.is_some_and(|owner| owner.list == list));
        owned.map(|(row, _)| row).collect()
    }

    /// The change that leaves the list with exactly these rows and entries.
    pub(crate) fn replacing(&self, list: u32, rows: impl IntoIterator<Item = (u32, EntryId)>) -> RowChange {
        let after: BTreeMap<u32, EntryId> = rows.into_iter().collect();
        let goes = |row: &u32| after.get(row).is_none_or(|entry| !self.has(list, *row, *entry));
        RowChange {
            freed: self.of(list).into_iter().filter(goes).collect(),
            fresh: self.adding(list, after).fresh,
        }
    }

    /// The change after which the list has these rows and entries too.
    pub(crate) fn adding(&self, list: u32, rows: impl IntoIterator<Item = (u32, EntryId)>) -> RowChange {
        let rows = rows.into_iter();
        RowChange {
            fresh: rows
                .filter(|(row, entry)| !self.has(list, *row, *entry))
                .collect(),
            freed: BTreeSet::new(),
        }
    }

    fn has(&self, list: u32, row: u32, entry: EntryId) -> bool {
        self.owner.get(row as usize) == Some(&Some(Owner { list, entry }))
    }

    /// Makes the change; fresh rows go to the list. Rows beyond the capacity are not kept: they have no counter.
    pub(crate) fn apply(&mut self, list: u32, change: &RowChange) {
        for row in &change.freed {
            self.set(*row, None);
        }
        for (row, entry) in &change.fresh {
            self.set(*row, Some(Owner { list, entry: *entry }));
        }
    }

    fn set(&mut self, row: u32, owner: Option<Owner>) {
        if let Some(place) = self.owner.get_mut(row as usize) {
            *place = owner;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(rows: &[(u32, i64)]) -> Vec<(u32, EntryId)> {
        rows.iter().map(|&(row, entry)| (row, EntryId(entry))).collect()
    }

    /// Two lists share four rows, the other has row 3; list 1 goes from `before` to `after`, both (row, entry).
    fn check(before: &[(u32, i64)], after: &[(u32, i64)], fresh: &[(u32, i64)], freed: &[u32]) {
        let mut rows = HitRows::new(4);
        let other = rows.adding(2, entries(&[(3, 99)]));
        rows.apply(2, &other);
        let first = rows.replacing(1, entries(before));
        rows.apply(1, &first);
        let change = rows.replacing(1, entries(after));
        let expected = RowChange {
            fresh: entries(fresh).into_iter().collect(),
            freed: freed.iter().copied().collect(),
        };
        assert_eq!(change, expected, "{before:?} -> {after:?}");
        rows.apply(1, &change);
        let used: Vec<u32> = after.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows.of(1), used, "{before:?} -> {after:?}");
        assert_eq!(rows.of(2), [3]);
        let unused: Vec<u32> = (0..3).filter(|row| !used.contains(row)).collect();
        assert_eq!(rows.free().collect::<Vec<_>>(), unused);
    }

    #[test]
    fn rows_stay_with_their_entries() {
        check(&[], &[(0, 1), (1, 2)], &[(0, 1), (1, 2)], &[]);
        check(&[(0, 1), (1, 2)], &[(1, 2), (2, 3)], &[(2, 3)], &[0]);
        check(&[(0, 1), (1, 2)], &[], &[], &[0, 1]);
        check(&[(0, 1)], &[(0, 1)], &[], &[]);
    }

    #[test]
    fn a_row_that_goes_straight_to_another_entry_is_freed_and_fresh() {
        check(&[(0, 1), (1, 2)], &[(0, 7), (1, 2)], &[(0, 7)], &[0]);
    }

    #[test]
    fn a_row_its_entry_has_already_is_not_fresh() {
        let mut rows = HitRows::new(2);
        let change = rows.adding(1, entries(&[(0, 1)]));
        rows.apply(1, &change);
        assert!(rows.adding(1, entries(&[(0, 1)])).fresh.is_empty());
        let both = rows.adding(1, entries(&[(0, 1), (1, 2)]));
        assert_eq!(both.fresh, BTreeMap::from([(1, EntryId(2))]));
    }
}
