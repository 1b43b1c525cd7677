//! What one load from memory costs here and now, which no index can do without: the figures of large lists are to be
//! read beside it.

use std::hint::black_box;
use std::time::Instant;

const LINE_WORDS: usize = 8;
const LOADS: u32 = 200_000;

/// Nanoseconds of a load from a random line of so much memory, each address being known only when the load before it
/// is done.
pub fn nanoseconds(bytes: usize) -> f64 {
    let lines = bytes / (LINE_WORDS * size_of::<usize>());
    let mut memory = vec![0usize; lines * LINE_WORDS];
    // One cycle through all lines (Sattolo).
    let mut order: Vec<usize> = (0..lines).collect();
    let mut number = 0x9e37_79b9_7f4a_7c15_usize;
    for last in (1..lines).rev() {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        order.swap(last, number % last);
    }
    for (at, next) in (0..lines).zip(order) {
        memory[at * LINE_WORDS] = next * LINE_WORDS;
    }
    let mut at = 0;
    let start = Instant::now();
    for _ in 0..LOADS {
        at = memory[at];
    }
    black_box(at);
    start.elapsed().as_secs_f64() * 1e9 / f64::from(LOADS)
}
