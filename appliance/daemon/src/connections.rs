//! What control asks of live connections and of the flow cache, answered by whoever follows connections.

use std::sync::Arc;

use ravelin_control::{FlowCacheKeeper, Judge, Judging, LiveConnections, MovedFlows, Moving, UseCache};
use ravelin_datapath::FlowCache;
use ravelin_flows::{FlowsHandle, MovedCache};
use ravelin_model::chain;

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

impl FlowCacheKeeper for Followed {
    fn move_to(&self, cache: Box<dyn FlowCache>, use_it: UseCache) -> Moving<'_> {
        Box::pin(async move {
            let moved = self.0.move_cache(cache, use_it).await;
            let MovedCache { moved, refused, .. } = moved.map_err(|error| chain(&error))?;
            Ok(MovedFlows { moved, refused })
        })
    }
}
