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

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of so many workers that worked for so many seconds together, and batches that wait. The number
    /// wanted: Some(Ok) at once, Some(Err) with patience.
    #[track_caller]
    fn check(count: u64, busy: u64, waiting: u64, expected: Option<Result<u64, u64>>) {
        let window = WorkerWindow {
            count,
            busy: Duration::from_secs(busy),
            batches: busy,
        };
        let events = EventWindow {
            waiting,
            ..EventWindow::default()
        };
        let bounds = Bounds { min: 1, max: 3 };
        let wanted = match find(&window, &events, Duration::from_secs(10), bounds, 1) {
            Finding::Nothing | Finding::Content => None,
            Finding::Pressed(wish) => Some(Ok(wish.to)),
            Finding::Calm(wish) => Some(Err(wish.to)),
        };
        assert_eq!(wanted, expected, "{count} workers, {busy} s, {waiting} wait");
    }

    #[test]
    fn workers_are_added_while_they_are_busy_and_taken_when_one_less_would_be_idle() {
        check(1, 9, 4, Some(Ok(2)));
        check(2, 16, 1, Some(Ok(3)));
        check(3, 30, 9, None);
        // Busy, and nothing waits; or it waits, and not for them.
        check(1, 9, 0, None);
        check(2, 4, 5, None);
        // One less would be busy 40 % of the time, or less than that.
        check(2, 4, 0, None);
        check(2, 3, 0, Some(Err(1)));
        check(1, 1, 0, None);
        check(3, 0, 0, None);
    }
}
