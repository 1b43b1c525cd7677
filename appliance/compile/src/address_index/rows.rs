//! Ranges -> rows of the index.

use ravelin_abi::{rv_index_row4, rv_index_row6};

/// The rows, and first and last address of each.
type Rows<R, A> = (Vec<R>, Vec<(A, A)>);

pub(super) fn rows4(ranges: &[(u32, u32, u32)]) -> Rows<rv_index_row4, u32> {
    let row = |&(start, end, value): &(u32, u32, u32)| {
        debug_assert!(start <= end && value != 0);
        rv_index_row4 {
            start,
            end,
            value,
            pad: 0,
        }
    };
    let reach = ranges.iter().map(|&(start, end, _)| (start, end)).collect();
    (ranges.iter().map(row).collect(), reach)
}

pub(super) fn rows6(ranges: &[(u128, u128, u32)]) -> Rows<rv_index_row6, u128> {
    let mut rows = Rows6 {
        rows: Vec::with_capacity(ranges.len()),
        reach: Vec::with_capacity(ranges.len()),
    };
    for &(start, end, value) in ranges {
        debug_assert!(start <= end && value != 0);
        rows.range(start, end, value);
    }
    (rows.rows, rows.reach)
}

struct Rows6 {
    rows: Vec<rv_index_row6>,
    reach: Vec<(u128, u128)>,
}

impl Rows6 {
    /// The end of the first high word, whole high words, the beginning of the last high word, as far as there are
    /// such.
    fn range(&mut self, start: u128, end: u128, value: u32) {
        let last_of_first = start | u128::from(u64::MAX);
        let first_of_last = end & !u128::from(u64::MAX);
        let whole_first = low(start) == 0;
        let whole_last = low(end) == u64::MAX;
        if high(start) == high(end) {
            if whole_first && whole_last {
                self.whole(start, end, value);
            } else {
                self.part(start, end, value);
            }
            return;
        }
        let mut from = start;
        let mut to = end;
        if !whole_first {
            self.part(start, last_of_first, value);
            from = last_of_first + 1;
        }
        if !whole_last {
            to = first_of_last.wrapping_sub(1);
        }
        if from < to {
            self.whole(from, to, value);
        }
        if !whole_last {
            self.part(first_of_last, end, value);
        }
    }

    fn part(&mut self, start: u128, end: u128, value: u32) {
        self.rows.push(rv_index_row6 {
            start: [high(start), low(start)],
            end: low(end),
            value,
            whole: 0,
        });
        self.reach.push((start, end));
    }

    fn whole(&mut self, start: u128, end: u128, value: u32) {
        self.rows.push(rv_index_row6 {
            start: [high(start), 0],
            end: high(end),
            value,
            whole: 1,
        });
        self.reach.push((start, end));
    }
}

fn high(address: u128) -> u64 {
    (address >> 64) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
fn low(address: u128) -> u64 {
    address as u64
}
