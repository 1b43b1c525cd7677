//! How many events each CPU may send in a second.

use std::time::Duration;

use ravelin_model::{Bounds, EventWindow, TuningWindow};

use super::event_workers::busy_percent;
use super::wish::{Finding, Wish};

/// A batch takes longer to store: the store cannot keep up.
const SLOW: Duration = Duration::from_secs(1);
/// A batch takes no longer: it could take more.
const QUICK: Duration = Duration::from_millis(250);

/// Windows after which a rate that was too much is tried again: it was too much for the store or the CPU of then.
const REMEMBERED: u32 = 60;

/// Percent of their time workers may work for there to be twice the events.
const SPARE: u128 = 35;

/// What the window says of the rate. `others_can_grow`: buffers or workers can still be added, which comes first.
/// `more_workers`: there may be more of them.
pub(super) fn find(
    whole: &TuningWindow,
    window: &EventWindow,
    bounds: Bounds,
    others_can_grow: bool,
    more_workers: bool,
) -> Finding {
    let &EventWindow {
        read,
        suppressed,
        lost,
        buffer_misses,
        rate,
        ..
    } = window;
    if window.offered() == 0 {
        return Finding::Nothing;
    }
    let latency = whole.store.latency();
    let is_slow = latency.is_some_and(|latency| latency > SLOW);
    let overrun = lost > 0 || buffer_misses > 0;
    if is_slow || (overrun && !others_can_grow) {
        if rate <= bounds.min {
            return Finding::Content;
        }
        let stored = latency.map_or_else(String::new, |latency| {
            format!(", and storing a batch takes {} ms", latency.as_millis())
        });
        let reason = format!("{lost} of {read} events were lost at {rate} a second and CPU{stored}");
        return Finding::Pressed(Wish {
            remembered: REMEMBERED,
            ..Wish::step((rate / 2).max(bounds.min), rate, reason)
        });
    }
    let workers = busy_percent(whole.workers.busy, whole.elapsed, whole.workers.count);
    let is_quick = latency.is_none_or(|latency| latency <= QUICK);
    if rate < bounds.max && suppressed > 0 && !overrun && is_quick && (workers <= SPARE || more_workers) {
        let to = rate.saturating_mul(2).min(bounds.max);
        let reason = format!("{suppressed} events were over {rate} a second and CPU, none was lost");
        return Finding::Calm(Wish::step(to, to, reason));
    }
    Finding::Content
}
