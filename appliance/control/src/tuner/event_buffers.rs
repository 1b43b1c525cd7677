//! How many buffers there are for events.

use ravelin_model::{Bounds, EventWindow};

use super::wish::{Finding, Wish};

/// What the window says of the buffers. `load`: events a second.
pub(super) fn find(window: &EventWindow, bounds: Bounds, load: u64) -> Finding {
    let &EventWindow {
        lost,
        buffer_hits,
        buffer_misses,
        waiting,
        buffers,
        ..
    } = window;
    if window.read == 0 && lost == 0 && buffer_misses == 0 {
        return Finding::Nothing;
    }
    let lost_for_want = lost > 0 && waiting.saturating_mul(2) >= buffers;
    if buffer_misses > 0 || lost_for_want {
        if buffers >= bounds.max {
            return Finding::Content;
        }
        let times = buffer_hits.saturating_add(buffer_misses);
        let reason = format!(
            "{buffer_misses} of {times} times none of {buffers} buffers was free, {lost} events were lost"
        );
        let to = buffers.saturating_mul(2).min(bounds.max);
        return Finding::Pressed(Wish::step(to, load, reason));
    }
    if buffers > bounds.min && lost == 0 && waiting.saturating_mul(4) <= buffers {
        let reason = format!("there was always a buffer of {buffers}, and {waiting} wait to be read");
        return Finding::Calm(Wish::step((buffers / 2).max(bounds.min), load, reason));
    }
    Finding::Content
}
