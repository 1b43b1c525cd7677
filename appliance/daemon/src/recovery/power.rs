//! Tests have the power go before a given step: the step and all after it do not happen.

use std::cell::Cell;

thread_local! {
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Steps there are until the power goes; None: it stays.
pub fn goes_after(steps: Option<u32>) {
    LEFT.set(steps);
}

/// One step.
///
/// # Panics
///
/// When the power is gone.
pub fn step() {
    if let Some(left) = LEFT.get() {
        assert!(left > 0, "the power is gone");
        LEFT.set(Some(left - 1));
    }
}
