//! What this crate starts.

use std::future::Future;

use ravelin_system::{Refusal, RefusalCode};
use tokio::task::JoinHandle;

/// Does what blocks on a thread for that.
pub async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Refusal::new(RefusalCode::Internal, format!("the agent failed: {error}")))
}

/// Work that goes on when whoever asked for it has gone.
#[allow(clippy::disallowed_methods, reason = "this is the place that spawns")]
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}
