//! The task that writes records.

use std::sync::Arc;

use ravelin_compile::Judge;
use ravelin_model::FlowSettings;
use ravelin_store::Store;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::{Ended, RecordSink};

/// What records are made of and where they go.
#[derive(Debug)]
pub struct RecordParts {
    /// Where they are kept.
    pub store: Store,
    /// Whether they are written, how many are kept, and who else gets them; followed as it changes.
    pub settings: watch::Receiver<FlowSettings>,
    /// The policy in force, which tells whose line a connection counted on; None before the first.
    pub judge: watch::Receiver<Option<Arc<Judge>>>,
}

/// Starts writing records. The task writes what is left and ends when the last sink is dropped.
#[allow(
    clippy::disallowed_methods,
    reason = "the task of this module is spawned here"
)]
pub fn spawn(parts: RecordParts) -> (RecordSink, JoinHandle<()>) {
    let (sink, ended) = RecordSink::new(parts.settings.clone());
    let task = tokio::spawn(run(parts, ended));
    (sink, task)
}

async fn run(_parts: RecordParts, mut ended: mpsc::Receiver<Ended>) {
    while ended.recv().await.is_some() {}
}
