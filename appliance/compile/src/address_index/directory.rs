//! The directories in front of the rows.

use ravelin_abi::rv_index_entry;
use ravelin_abi::rv_index_limit::{RV_INDEX_BITS, RV_INDEX_DEPTH};
use ravelin_abi::rv_index_next::{RV_INDEX_DIRECTORY, RV_INDEX_SKIP_SHIFT};

/// A bucket that more rows reach into is given a directory of its own: a search takes more steps than that costs.
const CROWDED: usize = 4;

/// An address of either family as its bits.
pub(super) trait Bits: Copy + Ord {
    const WIDTH: u32;
    /// Leading bits two addresses share.
    fn common(self, other: Self) -> u32;
    /// `bits` bits, 1..=20, after the first `skip`.
    fn window(self, skip: u32, bits: u32) -> u32;
    /// First and last address that begin with the first `skip` bits of this one and then with `number` in `bits` bits.
    fn bucket(self, skip: u32, bits: u32, number: u32) -> (Self, Self);
}

impl Bits for u32 {
    const WIDTH: u32 = 32;

    fn common(self, other: Self) -> u32 {
        (self ^ other).leading_zeros()
    }

    fn window(self, skip: u32, bits: u32) -> u32 {
        (self << skip) >> (32 - bits)
    }

    fn bucket(self, skip: u32, bits: u32, number: u32) -> (Self, Self) {
        let free = 32 - skip - bits;
        let kept = !u32::MAX.checked_shr(skip).unwrap_or(0);
        let first = self & kept | number << free;
        // At most 31 bits are free, for a directory goes by one at least.
        (first, first | ((1 << free) - 1))
    }
}

impl Bits for u128 {
    const WIDTH: u32 = 128;

    fn common(self, other: Self) -> u32 {
        (self ^ other).leading_zeros()
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most 20 bits are left")]
    fn window(self, skip: u32, bits: u32) -> u32 {
        ((self << skip) >> (128 - bits)) as u32
    }

    fn bucket(self, skip: u32, bits: u32, number: u32) -> (Self, Self) {
        let free = 128 - skip - bits;
        let kept = !u128::MAX.checked_shr(skip).unwrap_or(0);
        let first = self & kept | u128::from(number) << free;
        (first, first | ((1 << free) - 1))
    }
}

/// Directories of one image, one behind the other.
#[derive(Debug)]
pub(super) struct Directories {
    entries: Vec<rv_index_entry>,
    slot: u32,
}

/// Rows of a bucket.
struct Bucket<'a, A> {
    /// First and last address of each.
    rows: &'a [(A, A)],
    /// Where the first of them is.
    slot: u32,
    /// Addresses the bucket is for.
    within: (A, A),
    /// Directories in front of it.
    depth: u32,
}

impl Directories {
    /// None yet; the first will be at this slot.
    pub(super) fn behind(slot: u32) -> Self {
        Self {
            entries: Vec::new(),
            slot,
        }
    }

    pub(super) fn entries(&self) -> &[rv_index_entry] {
        &self.entries
    }

    /// The entry that leads to all rows, of which the first is at `slot` and each takes `row_slots`.
    pub(super) fn root<A: Bits>(&mut self, rows: &[(A, A)], slot: u32, row_slots: u32) -> rv_index_entry {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return rv_index_entry::default();
        };
        let all = Bucket {
            rows,
            slot,
            within: (first.0, last.1),
            depth: 0,
        };
        self.divide(&all, row_slots)
    }

    /// The entry of a bucket; makes its directory if it is crowded.
    fn divide<A: Bits>(&mut self, bucket: &Bucket<'_, A>, row_slots: u32) -> rv_index_entry {
        let count = bucket.rows.len();
        if count <= CROWDED || bucket.depth == RV_INDEX_DEPTH {
            return rv_index_entry {
                first: bucket.slot,
                next: number(count),
            };
        }
        let inside = |&(start, end): &(A, A)| (start.max(bucket.within.0), end.min(bucket.within.1));
        let start = inside(&bucket.rows[0]).0;
        let skip = start.common(inside(&bucket.rows[count - 1]).1);
        let bits = count
            .next_power_of_two()
            .ilog2()
            .min(RV_INDEX_BITS)
            .min(A::WIDTH - skip);
        let at = self.entries.len();
        self.entries.resize(at + (1 << bits), rv_index_entry::default());
        for (index, row) in bucket.rows.iter().enumerate() {
            let (start, end) = inside(row);
            let reached = start.window(skip, bits) as usize..=end.window(skip, bits) as usize;
            for entry in &mut self.entries[at..][reached] {
                if entry.next == 0 {
                    entry.first = bucket.slot + number(index) * row_slots;
                }
                entry.next += 1;
            }
        }
        for part in 0..1 << bits {
            let entry = self.entries[at + part];
            let rows = entry.next as usize;
            if rows > CROWDED {
                let first = ((entry.first - bucket.slot) / row_slots) as usize;
                let crowded = Bucket {
                    rows: &bucket.rows[first..first + rows],
                    slot: entry.first,
                    within: start.bucket(skip, bits, number(part)),
                    depth: bucket.depth + 1,
                };
                self.entries[at + part] = self.divide(&crowded, row_slots);
            }
        }
        rv_index_entry {
            first: self.slot + number(at / 2),
            next: RV_INDEX_DIRECTORY | skip << RV_INDEX_SKIP_SHIFT | bits,
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("an image has fewer rows and entries")
}
