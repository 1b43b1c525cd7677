//! What control is told at start.

use std::sync::Arc;
use std::time::Duration;

use ravelin_datapath::{Datapath, FlowSummary, FlowTimeouts, RawEvent};
use ravelin_kernel::{Link, Links};
use ravelin_model::chain;
use ravelin_store::Store;
use tokio::sync::{mpsc, watch};

/// Limits and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Longest text of an import, in bytes.
    pub import_limit_bytes: u64,
    /// Most address entries in all lists together, where there is no data plane to say.
    pub address_capacity: usize,
    /// How often what is attached is compared with what should be.
    pub reconcile_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            import_limit_bytes: 256 << 20,
            address_capacity: 131_072,
            reconcile_every: Duration::from_secs(5),
        }
    }
}

/// Where the links of the machine are told.
#[derive(Debug, Clone)]
pub enum LinkSource {
    /// By the kernel.
    Kernel(Links),
    /// By whoever holds the sender, counters included.
    Told(watch::Receiver<Arc<Vec<Link>>>),
}

impl LinkSource {
    /// Links and their changes. The channel closes when nobody follows them any more.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Vec<Link>>> {
        match self {
            Self::Kernel(links) => links.watch(),
            Self::Told(links) => links.clone(),
        }
    }

    /// Links with counters read now; where that fails, as of their last change.
    pub(crate) async fn now(&self) -> Vec<Link> {
        if let Self::Kernel(links) = self {
            match links.snapshot().await {
                Ok(links) => return links,
                Err(error) => tracing::warn!(error = chain(&error), "the links could not be read"),
            }
        }
        self.watch().borrow().to_vec()
    }
}

/// What control is made of.
#[derive(Debug)]
pub struct Parts {
    /// What was set over REST.
    pub store: Store,
    /// The data plane, or why there is none, to follow "there is no data plane: ".
    pub datapath: Result<Box<dyn Datapath>, String>,
    /// Events of the data plane.
    pub events: mpsc::Receiver<RawEvent>,
    /// Links of the machine.
    pub links: LinkSource,
    /// Where the flow table reads its time-outs.
    pub flow_timeouts: watch::Sender<FlowTimeouts>,
    /// Where the flow table tells what it counted.
    pub flow_summary: watch::Receiver<FlowSummary>,
    /// Limits and times.
    pub config: Config,
}
