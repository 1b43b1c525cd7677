//! Waiting for a state, never for a time.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Polls until `probe` gives a value; None when it did not within `limit`.
pub fn eventually<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = probe() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Polls until `condition` holds and says how long it took. Panics, naming `what`, when it does not within `limit`.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    match eventually(limit, || condition().then(|| start.elapsed())) {
        Some(took) => took,
        None => panic!("waited {limit:?} in vain until {what}"),
    }
}
