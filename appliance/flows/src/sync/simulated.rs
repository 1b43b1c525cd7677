//! What there is to tell without a kernel.

use std::sync::Arc;

use ravelin_datapath::FlowCache;
use ravelin_kernel::Link;
use ravelin_model::{FlowSettings, SyncStatus};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::machine::{Happening, Machine};
use super::ports::Ports;

/// A simulated data plane has no connections, and an empty cache is in step with that. Ends with the sender of the
/// settings.
pub(crate) async fn simulated(
    cache: Option<Box<dyn FlowCache>>,
    mut settings: watch::Receiver<FlowSettings>,
    mut links: watch::Receiver<Arc<Vec<Link>>>,
    status: watch::Sender<SyncStatus>,
) {
    let mut machine = Machine::default();
    let capacity = cache.as_ref().map(|cache| cache.occupancy().capacity);
    loop {
        let wanted = settings.borrow_and_update().sync.is_some();
        let happenings = if wanted {
            [Happening::Wanted, Happening::Read]
        } else {
            [Happening::Unwanted, Happening::Read]
        };
        for happening in happenings {
            machine.take(happening, OffsetDateTime::now_utc());
        }
        let ports = Ports::of(&links.borrow_and_update());
        status.send_replace(SyncStatus {
            state: machine.state.clone(),
            synced_at: machine.synced_at,
            epoch: machine.epoch,
            capacity: capacity.unwrap_or_default(),
            ports: ports.shown,
            ..SyncStatus::default()
        });
        let over = tokio::select! {
            changed = settings.changed() => changed.is_err(),
            Ok(()) = links.changed() => false,
        };
        if over {
            return;
        }
    }
}
