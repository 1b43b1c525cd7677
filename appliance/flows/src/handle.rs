//! Asking for what the sweeps saw.

use ravelin_datapath::FlowSummary;
use tokio::sync::watch;

/// What is known of the flows. Cheap to clone; keeps nothing alive.
#[derive(Debug, Clone)]
pub struct FlowsHandle {
    pub(crate) summary: watch::Receiver<FlowSummary>,
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
}
