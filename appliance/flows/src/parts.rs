//! What the crate is made of.

use std::sync::Arc;

use ravelin_compile::Judge;
use ravelin_datapath::{FlowCache, FlowTable, FlowTimeouts};
use ravelin_kernel::Link;
use ravelin_model::FlowSettings;
use ravelin_store::Store;
use tokio::sync::watch;

/// What flows are followed with. The tasks end when the sender of `timeouts` or of `settings` is dropped.
#[derive(Debug)]
pub struct Parts {
    /// The flow maps; None: nothing counts flows.
    pub table: Option<Box<dyn FlowTable>>,
    /// How long entries of the flow maps may be idle.
    pub timeouts: watch::Receiver<FlowTimeouts>,
    /// The flow cache; None: nothing forwards but the kernel.
    pub cache: Option<Box<dyn FlowCache>>,
    /// Links of the machine.
    pub links: watch::Receiver<Arc<Vec<Link>>>,
    /// What is to be done.
    pub settings: watch::Receiver<FlowSettings>,
    /// The policy in force; None: there is none.
    pub judge: watch::Receiver<Option<Arc<Judge>>>,
    /// Where records go.
    pub store: Store,
    /// Whether there is a kernel to ask; not with a simulated data plane.
    pub conntrack: bool,
    /// Bytes of news of connections the kernel keeps until they are read; some 64 MiB are a second of a flood.
    pub event_buffer_bytes: usize,
}
