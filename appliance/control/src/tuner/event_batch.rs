//! How many events a buffer holds.

use ravelin_model::{Bounds, EventWindow};

use super::wish::{Finding, Wish};

/// How full batches are that should hold more, of 1.
const FULL: f64 = 0.9;
/// … less.
const EMPTY: f64 = 0.2;

/// What the window says of the batches. `load`: events a second.
pub(super) fn find(window: &EventWindow, bounds: Bounds, load: u64) -> Finding {
    let &EventWindow {
        waiting,
        batches,
        batch,
        ..
    } = window;
    let Some(fill) = window.batch_fill().filter(|_| window.read > 0) else {
        return Finding::Nothing;
    };
    let filled = format!("{batches} batches of {batch} were {:.0} % full", fill * 100.0);
    if fill >= FULL && waiting > 0 && batch < bounds.max {
        let reason = format!("{filled} and {waiting} wait");
        let to = batch.saturating_mul(2).min(bounds.max);
        return Finding::Pressed(Wish::step(to, load, reason));
    }
    if fill <= EMPTY && batch > bounds.min {
        return Finding::Calm(Wish::step((batch / 2).max(bounds.min), load, filled));
    }
    Finding::Content
}
