//! The size of the flow cache.

use std::time::Duration;

use ravelin_model::{Bounds, CacheWindow};

use super::wish::{Finding, Wish};

/// Percent of the capacity above which a cache that fills up, or in which too little is found, is too small.
const FULL: u64 = 70;
/// … which must not be passed before the next growth can be there.
const OVERRUN: u64 = 90;
/// … below which it is too large.
const EMPTY: u64 = 20;

/// How long a move to another cache is thought to take at least. Loading programs takes most of it, and much longer on
/// a box that is busy, which is when connections come.
const MOVE: Duration = Duration::from_secs(5);

/// Most windows that are looked ahead.
const FAR: u64 = 30;

/// Share of packets that should be forwarded from it.
const GOOD: f64 = 0.9;

/// What the window says of the cache. Growth is by doubling, in one step as often as the last window's growth, were it
/// to go on until the next growth could be there, would need it. No load is remembered: connections tell by themselves
/// what they need. `took`: how long the last move to another cache took, if there was one.
pub(super) fn find(
    window: &CacheWindow,
    elapsed: Duration,
    took: Option<Duration>,
    bounds: Bounds,
) -> Finding {
    let &CacheWindow {
        capacity,
        growth,
        inserted,
        refused,
        hits,
        misses,
        ..
    } = window;
    if [inserted, refused, hits, misses].iter().all(|count| *count == 0) {
        return Finding::Nothing;
    }
    let entries = window.entries();
    let took = took.unwrap_or_default().max(MOVE);
    let windows = took.as_micros().div_ceil(elapsed.as_micros().max(1));
    let ahead = u64::try_from(windows).unwrap_or(FAR).saturating_add(1).min(FAR);
    let expected = entries
        .saturating_add(growth.saturating_mul(ahead))
        .saturating_add(refused);
    let above = |value: u64, percent: u64| value.saturating_mul(100) > capacity.saturating_mul(percent);
    let full = above(entries, FULL);
    let is_missed = window.hit_rate().is_some_and(|rate| rate < GOOD);
    let filled = format!("{entries} of {capacity} connections are in the cache");
    let pressed = if refused > 0 {
        Some(format!("{filled} and {refused} found no room"))
    } else if growth > 0 && (full || above(expected, OVERRUN)) {
        Some(format!("{filled}, {growth} more than a window ago"))
    } else if full && is_missed {
        let rate = window.hit_rate().unwrap_or_default() * 100.0;
        Some(format!(
            "{filled} and only {rate:.1} % of packets are forwarded from it"
        ))
    } else {
        None
    };
    if let Some(reason) = pressed {
        if capacity >= bounds.max {
            return Finding::Content;
        }
        let least = capacity.saturating_mul(2).min(bounds.max);
        let mut to = least;
        while to < bounds.max && expected.saturating_mul(100) > to.saturating_mul(FULL) {
            to = to.saturating_mul(2).min(bounds.max);
        }
        return Finding::Pressed(Wish {
            least,
            ..Wish::step(to, 0, reason)
        });
    }
    if capacity > bounds.min && expected.saturating_mul(100) < capacity.saturating_mul(EMPTY) {
        let to = (capacity / 2).max(bounds.min);
        return Finding::Calm(Wish::step(to, 0, format!("only {filled}")));
    }
    Finding::Content
}
