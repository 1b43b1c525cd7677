//! Ranges -> rows of the index.

use bytemuck::Pod;
use ravelin_abi::rv_index_kind::{RV_INDEX_LINK, RV_INDEX_PART, RV_INDEX_WHOLE};
use ravelin_abi::{rv_index_link, rv_index_row4, rv_index_row6};

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

/// A row of either family.
pub(super) trait Row: Pod + Default {
    type Address: Bits;
    /// The first address it holds.
    fn first(&self) -> Self::Address;
    /// The last address it holds.
    fn last(&self) -> Self::Address;
    fn value(&self) -> u32;
    /// What stands in the first row of a bucket that has a link.
    fn of_link(link: rv_index_link) -> Self;
    /// The link, if this is such a row.
    fn link(&self) -> Option<rv_index_link>;
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

impl Row for rv_index_row4 {
    type Address = u32;

    fn first(&self) -> u32 {
        self.start
    }

    fn last(&self) -> u32 {
        self.start + self.length
    }

    fn value(&self) -> u32 {
        self.value
    }

    fn of_link(link: rv_index_link) -> Self {
        Self {
            start: link.first,
            length: link.next,
            value: 0,
            link: 1,
        }
    }

    fn link(&self) -> Option<rv_index_link> {
        (self.link != 0).then_some(rv_index_link {
            first: self.start,
            next: self.length,
        })
    }
}

impl Row for rv_index_row6 {
    type Address = u128;

    fn first(&self) -> u128 {
        if self.kind == RV_INDEX_PART {
            address(self.high, self.start)
        } else {
            address(self.start, 0)
        }
    }

    fn last(&self) -> u128 {
        let last = self.start + self.length;
        if self.kind == RV_INDEX_PART {
            address(self.high, last)
        } else {
            address(last, u64::MAX)
        }
    }

    fn value(&self) -> u32 {
        self.value
    }

    fn of_link(link: rv_index_link) -> Self {
        Self {
            high: 0,
            start: link.first.into(),
            length: link.next.into(),
            value: 0,
            kind: RV_INDEX_LINK,
        }
    }

    fn link(&self) -> Option<rv_index_link> {
        let word = |word| u32::try_from(word).expect("as it was put in");
        (self.kind == RV_INDEX_LINK).then(|| rv_index_link {
            first: word(self.start),
            next: word(self.length),
        })
    }
}

pub(super) fn rows4(ranges: &[(u32, u32, u32)]) -> Vec<rv_index_row4> {
    let row = |&(start, last, value): &(u32, u32, u32)| {
        debug_assert!(start <= last && value != 0);
        rv_index_row4 {
            start,
            length: last - start,
            value,
            link: 0,
        }
    };
    ranges.iter().map(row).collect()
}

pub(super) fn rows6(ranges: &[(u128, u128, u32)]) -> Vec<rv_index_row6> {
    let mut rows = Vec::with_capacity(ranges.len());
    for &(start, last, value) in ranges {
        debug_assert!(start <= last && value != 0);
        range6(&mut rows, start, last, value);
    }
    rows
}

/// The end of the first high word, whole high words, the beginning of the last high word, as far as there are such.
fn range6(rows: &mut Vec<rv_index_row6>, start: u128, last: u128, value: u32) {
    let (mut from, to) = (high(start), high(last));
    let starts_within = low(start) != 0;
    let ends_within = low(last) != u64::MAX;
    if from == to && (starts_within || ends_within) {
        rows.push(part(from, low(start), low(last), value));
        return;
    }
    if starts_within {
        rows.push(part(from, low(start), u64::MAX, value));
        from += 1;
    }
    // Before the last high word there is the first: it is not 0.
    let whole_to = if ends_within { to - 1 } else { to };
    if from <= whole_to {
        rows.push(rv_index_row6 {
            high: 0,
            start: from,
            length: whole_to - from,
            value,
            kind: RV_INDEX_WHOLE,
        });
    }
    if ends_within {
        rows.push(part(to, 0, low(last), value));
    }
}

fn part(high: u64, start: u64, last: u64, value: u32) -> rv_index_row6 {
    rv_index_row6 {
        high,
        start,
        length: last - start,
        value,
        kind: RV_INDEX_PART,
    }
}

fn address(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn high(address: u128) -> u64 {
    (address >> 64) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
fn low(address: u128) -> u64 {
    address as u64
}
