//! What control asks of live connections, answered by whoever follows them.

use std::sync::Arc;

use ravelin_control::{Judge, Judging, LiveConnections};
use ravelin_flows::FlowsHandle;

/// The connections of this machine.
#[derive(Debug)]
pub(crate) struct Followed(pub(crate) FlowsHandle);

impl LiveConnections for Followed {
    fn judge(&self, judge: Option<Arc<Judge>>, cut: bool) -> Judging<'_> {
        Box::pin(self.0.judge(judge, cut))
    }

    fn forget_paths(&self) {
        self.0.forget_paths();
    }
}
