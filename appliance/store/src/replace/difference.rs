//! What has to be written to make one sorted set another. Pure.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec;

/// A stored entry, by what its row is found and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredRow {
    pub(super) id: i64,
    pub(super) counter: Option<u32>,
}

/// The writes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Entries that go.
    pub(super) removed: Vec<StoredRow>,
    /// Ids of entries that stay with another expiry, and that expiry.
    pub(super) refreshed: Vec<(i64, Option<i64>)>,
    /// Values that come, sorted, with their expiry.
    pub(super) added: Vec<(String, Option<i64>)>,
    /// Entries that stay, refreshed or not.
    pub(super) kept: u64,
}

/// Walks the new values beside the stored ones.
pub(super) struct Merge {
    new: Peekable<vec::IntoIter<(String, Option<i64>)>>,
    difference: Difference,
}

impl Merge {
    /// Of equal values the last decides.
    pub(super) fn new(mut values: Vec<(String, Option<i64>)>) -> Self {
        // The sort is stable and dedup keeps the first of equals: reversed, that is the last given.
        values.reverse();
        values.sort_by(|(a, _), (b, _)| a.cmp(b));
        values.dedup_by(|(a, _), (b, _)| a == b);
        Self {
            new: values.into_iter().peekable(),
            difference: Difference::default(),
        }
    }

    /// The next stored entry, in ascending order of the bytes of its value.
    pub(super) fn stored(&mut self, row: StoredRow, value: &str, expires_at: Option<i64>) {
        while let Some(new) = self.new.next_if(|(new, _)| new.as_str() < value) {
            self.difference.added.push(new);
        }
        let same = self
            .new
            .next_if(|(new, _)| new.as_str().cmp(value) == Ordering::Equal);
        match same {
            None => self.difference.removed.push(row),
            Some((_, new_expiry)) => {
                self.difference.kept += 1;
                if new_expiry != expires_at {
                    self.difference.refreshed.push((row.id, new_expiry));
                }
            }
        }
    }

    /// After the last stored entry.
    pub(super) fn finish(mut self) -> Difference {
        self.difference.added.extend(self.new);
        self.difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Value = (&'static str, Option<i64>);

    /// Stored entries get the ids 1, 2, … and the counters 10, 20, …
    fn check(
        stored: &[Value],
        new: &[Value],
        removed: &[i64],
        refreshed: &[(i64, Option<i64>)],
        added: &[Value],
    ) {
        let mut merge = Merge::new(new.iter().map(|(value, at)| ((*value).to_owned(), *at)).collect());
        for ((value, at), id) in stored.iter().zip(1..) {
            merge.stored(
                StoredRow {
                    id,
                    counter: u32::try_from(id * 10).ok(),
                },
                value,
                *at,
            );
        }
        let expected = Difference {
            removed: removed
                .iter()
                .map(|id| StoredRow {
                    id: *id,
                    counter: u32::try_from(id * 10).ok(),
                })
                .collect(),
            refreshed: refreshed.to_vec(),
            added: added
                .iter()
                .map(|(value, at)| ((*value).to_owned(), *at))
                .collect(),
            kept: u64::try_from(stored.len() - removed.len()).expect("few"),
        };
        assert_eq!(merge.finish(), expected, "{stored:?} -> {new:?}");
    }

    #[test]
    fn only_what_differs_is_written() {
        check(&[], &[], &[], &[], &[]);
        check(
            &[],
            &[("b", None), ("a", None)],
            &[],
            &[],
            &[("a", None), ("b", None)],
        );
        check(&[("a", None), ("b", None)], &[], &[1, 2], &[], &[]);
        check(
            &[("a", None), ("b", None)],
            &[("b", None), ("a", None)],
            &[],
            &[],
            &[],
        );
        check(
            &[("b", None), ("d", None)],
            &[("e", None), ("d", None), ("c", None), ("a", None)],
            &[1],
            &[],
            &[("a", None), ("c", None), ("e", None)],
        );
    }

    #[test]
    fn an_expiry_is_refreshed_and_the_last_of_equal_values_decides_it() {
        check(&[("a", None)], &[("a", Some(5))], &[], &[(1, Some(5))], &[]);
        check(&[("a", Some(5))], &[("a", Some(5))], &[], &[], &[]);
        check(
            &[("a", Some(5))],
            &[("a", Some(6)), ("a", None)],
            &[],
            &[(1, None)],
            &[],
        );
        check(
            &[],
            &[("a", Some(1)), ("a", Some(3)), ("a", Some(2))],
            &[],
            &[],
            &[("a", Some(2))],
        );
    }
}
