//! The one thing this crate spawns.
//!
//! ```text
//! connection ──await──► [ handler of a change ─► audit entry ]   a task of its own
//! ```
//!
//! A connection may go at any time and takes what it awaits with it. A change goes on all the same, and so must what
//! is told about it.

use std::future::Future;

/// Runs `work` to its end, also when nobody waits for it any more. None: it panicked, or the engine stops.
#[allow(clippy::disallowed_methods, reason = "this is the place that spawns")]
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    tokio::spawn(work).await.ok()
}
