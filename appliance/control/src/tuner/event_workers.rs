//! How many tasks work on events.

use std::time::Duration;

use ravelin_model::{Bounds, EventWindow, WorkerWindow};

use super::wish::{Finding, Wish};

/// Percent of their time workers that are too few work.
const BUSY: u128 = 80;
/// … they would still not work with one less, or one is too many.
const IDLE: u128 = 40;

/// Percent of the time `workers` have that they work.
pub(super) fn busy_percent(busy: Duration, elapsed: Duration, workers: u64) -> u128 {
    let time = elapsed.as_micros().saturating_mul(workers.into());
    (busy.as_micros() * 100).checked_div(time).unwrap_or(0)
}

/// What the window says of the workers. `load`: events a second.
pub(super) fn find(
    window: &WorkerWindow,
    events: &EventWindow,
    elapsed: Duration,
    bounds: Bounds,
    load: u64,
) -> Finding {
    let &WorkerWindow { count, busy, batches } = window;
    let waiting = events.waiting;
    if batches == 0 && waiting == 0 {
        return Finding::Nothing;
    }
    let share = busy_percent(busy, elapsed, count);
    if waiting > 0 && share >= BUSY {
        if count >= bounds.max {
            return Finding::Content;
        }
        let reason = format!("{waiting} batches wait while {count} workers are busy {share} % of the time");
        return Finding::Pressed(Wish::step(count + 1, load, reason));
    }
    if count > bounds.min && waiting == 0 && busy_percent(busy, elapsed, count - 1) < IDLE {
        let reason = format!("no batch waits and {count} workers are busy {share} % of the time");
        return Finding::Calm(Wish::step(count - 1, load, reason));
    }
    Finding::Content
}
