//! The directories the rows lie in.

use ravelin_abi::rv_index_limit::{RV_INDEX_BITS, RV_INDEX_BUCKET_ROWS, RV_INDEX_DEPTH};
use ravelin_abi::rv_index_link;
use ravelin_abi::rv_index_next::{RV_INDEX_DIRECTORY, RV_INDEX_SKIP_SHIFT};

use super::row::{Bits, Row};

const BUCKET_ROWS: usize = RV_INDEX_BUCKET_ROWS as usize;

/// Slots of a bucket.
pub(super) fn bucket_slots<R: Row>() -> u32 {
    number(size_of::<[R; BUCKET_ROWS]>() / 16)
}

/// Directories of one family, and rows that have no place in one; one behind the other.
#[derive(Debug)]
pub(super) struct Directories<R> {
    buckets: Vec<[R; BUCKET_ROWS]>,
    slot: u32,
}

/// Rows that are to be found.
struct Reach<'a, R: Row> {
    rows: &'a [R],
    /// Addresses they are asked for.
    within: (R::Address, R::Address),
    /// Directories in front of them.
    depth: u32,
}

impl<R: Row> Directories<R> {
    /// None yet; the first will be at this slot.
    pub(super) fn behind(slot: u32) -> Self {
        Self {
            buckets: Vec::new(),
            slot,
        }
    }

    pub(super) fn rows(&self) -> &[R] {
        self.buckets.as_flattened()
    }

    /// What leads to sorted rows.
    pub(super) fn root(&mut self, rows: &[R]) -> rv_index_link {
        match (rows.first(), rows.last()) {
            (Some(first), Some(last)) => self.directory(&Reach {
                rows,
                within: (first.first(), last.last()),
                depth: 0,
            }),
            _ => rv_index_link::default(),
        }
    }

    /// A directory with a bucket for every one or two rows: of four times as many that meet by chance in one, few do
    /// not fit.
    fn directory(&mut self, reach: &Reach<'_, R>) -> rv_index_link {
        let inside = |row: &R| (row.first().max(reach.within.0), row.last().min(reach.within.1));
        let count = reach.rows.len();
        let start = inside(&reach.rows[0]).0;
        let common = start.common(inside(&reach.rows[count - 1]).1);
        let skip = common.min(R::Address::WIDTH - 1);
        let bits = (count.next_power_of_two().ilog2().max(2) - 1)
            .min(RV_INDEX_BITS)
            .min(R::Address::WIDTH - skip);
        let at = self.buckets.len();
        let first = self.slot + number(at) * bucket_slots::<R>();
        self.buckets.resize(at + (1 << bits), [R::default(); BUCKET_ROWS]);
        let mut next = 0;
        for bucket in 0..1 << bits {
            // Rows that reach into the bucket: they are side by side.
            let from = next;
            let mut end = from;
            while end < count && inside(&reach.rows[end]).0.window(skip, bits) <= bucket {
                end += 1;
            }
            // The last of them may reach into the next one too.
            next = end;
            if end > from && inside(&reach.rows[end - 1]).1.window(skip, bits) > bucket {
                next = end - 1;
            }
            let rows = &reach.rows[from..end];
            let at = at + bucket as usize;
            if rows.len() <= BUCKET_ROWS {
                self.buckets[at][..rows.len()].copy_from_slice(rows);
            } else {
                let crowded = Reach {
                    rows,
                    within: start.bucket(skip, bits, bucket),
                    depth: reach.depth + 1,
                };
                self.buckets[at][0] = R::of_link(self.crowded(&crowded));
            }
        }
        rv_index_link {
            first,
            next: RV_INDEX_DIRECTORY | skip << RV_INDEX_SKIP_SHIFT | bits,
        }
    }

    /// What leads to rows that do not fit a bucket.
    fn crowded(&mut self, reach: &Reach<'_, R>) -> rv_index_link {
        if reach.depth < RV_INDEX_DEPTH {
            return self.directory(reach);
        }
        let at = self.buckets.len();
        for rows in reach.rows.chunks(BUCKET_ROWS) {
            let mut bucket = [R::default(); BUCKET_ROWS];
            bucket[..rows.len()].copy_from_slice(rows);
            self.buckets.push(bucket);
        }
        rv_index_link {
            first: self.slot + number(at) * bucket_slots::<R>(),
            next: number(reach.rows.len()),
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("an image has fewer rows and buckets")
}
