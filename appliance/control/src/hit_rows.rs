//! Which list each row of the data plane's hit counters counts for. A row stays with its entry; the store keeps
//! which entry that is.

use std::collections::BTreeSet;

/// Rows in use, by the number of the list whose entry has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HitRows {
    /// Indexed by row.
    owner: Vec<Option<u32>>,
}

/// Rows that change hands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RowChange {
    /// Came to a new entry: to be set to 0 before they count for it.
    pub(crate) fresh: BTreeSet<u32>,
    /// Their entry went; also `fresh` where a new entry got one in the same step, because no other was left.
    pub(crate) freed: BTreeSet<u32>,
}

impl RowChange {
    /// The change after which nobody has `rows`.
    pub(crate) fn freeing(rows: impl IntoIterator<Item = u32>) -> Self {
        Self {
            fresh: BTreeSet::new(),
            freed: rows.into_iter().collect(),
        }
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

    /// Rows nobody has.
    pub(crate) fn free(&self) -> impl Iterator<Item = u32> + Send + '_ {
        (0..)
            .zip(&self.owner)
            .filter(|(_, owner)| owner.is_none())
            .map(|(row, _)| row)
    }

    /// Rows of a list.
    pub(crate) fn of(&self, list: u32) -> Vec<u32> {
        let owned = (0..).zip(&self.owner).filter(|(_, owner)| **owner == Some(list));
        owned.map(|(row, _)| row).collect()
    }

    /// The change that leaves the list with exactly `rows`.
    pub(crate) fn replacing(&self, list: u32, rows: impl IntoIterator<Item = u32>) -> RowChange {
        let before: BTreeSet<u32> = self.of(list).into_iter().collect();
        let after: BTreeSet<u32> = rows.into_iter().collect();
        RowChange {
            fresh: after.difference(&before).copied().collect(),
            freed: before.difference(&after).copied().collect(),
        }
    }

    /// The change after which the list has `rows` too.
    pub(crate) fn adding(&self, list: u32, rows: impl IntoIterator<Item = u32>) -> RowChange {
        let has = |row: &u32| self.owner.get(*row as usize) == Some(&Some(list));
        RowChange {
            fresh: rows.into_iter().filter(|row| !has(row)).collect(),
            freed: BTreeSet::new(),
        }
    }

    /// Makes the change; fresh rows go to the list. Rows beyond the capacity are not kept: they have no counter.
    pub(crate) fn apply(&mut self, list: u32, change: &RowChange) {
        for row in &change.freed {
            self.set(*row, None);
        }
        for row in &change.fresh {
            self.set(*row, Some(list));
        }
    }

    fn set(&mut self, row: u32, owner: Option<u32>) {
        if let Some(place) = self.owner.get_mut(row as usize) {
            *place = owner;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two lists share four rows; list 1 goes from `before` to `after`.
    fn check(before: &[u32], after: &[u32], fresh: &[u32], freed: &[u32]) {
        let mut rows = HitRows::new(4);
        let other = rows.adding(2, [3]);
        rows.apply(2, &other);
        let first = rows.replacing(1, before.iter().copied());
        rows.apply(1, &first);
        let change = rows.replacing(1, after.iter().copied());
        let expected = RowChange {
            fresh: fresh.iter().copied().collect(),
            freed: freed.iter().copied().collect(),
        };
        assert_eq!(change, expected, "{before:?} -> {after:?}");
        rows.apply(1, &change);
        assert_eq!(rows.of(1), after, "{before:?} -> {after:?}");
        assert_eq!(rows.of(2), [3]);
        let free: Vec<u32> = rows.free().collect();
        let unused: Vec<u32> = (0..3).filter(|row| !after.contains(row)).collect();
        assert_eq!(free, unused);
    }

    #[test]
    fn rows_stay_with_their_entries() {
        check(&[], &[0, 1], &[0, 1], &[]);
        check(&[0, 1], &[1, 2], &[2], &[0]);
        check(&[0, 1], &[], &[], &[0, 1]);
        check(&[0], &[0], &[], &[]);
    }

    #[test]
    fn a_row_the_list_has_already_is_not_fresh() {
        let mut rows = HitRows::new(2);
        let change = rows.adding(1, [0]);
        rows.apply(1, &change);
        assert!(rows.adding(1, [0]).fresh.is_empty());
        assert_eq!(rows.adding(1, [0, 1]).fresh, BTreeSet::from([1]));
    }
}
