//! What becomes of a batch of events.

use std::sync::Arc;

use ravelin_datapath::RawEvent;
use ravelin_model::Event;
use tokio::sync::watch;

use crate::events;
use crate::snapshot::Snapshot;
use crate::stream::Hub;
use crate::verdicts::VerdictLog;

/// Makes events of a batch, and tells them.
pub(crate) trait Sinks: Send + Sync + 'static {
    /// In the order they came; what is of an unknown kind is left out.
    fn in_words(&self, batch: &[RawEvent]) -> Vec<Event>;

    /// In that order.
    fn publish(&self, events: Vec<Event>);
}

/// Verdicts go into their log, everything else straight to subscribers.
#[derive(Debug)]
pub(crate) struct EventSinks {
    /// What names of interfaces and lists are looked up in.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Everything but verdicts.
    pub(crate) hub: Hub,
    /// Verdicts.
    pub(crate) log: VerdictLog,
}

impl Sinks for EventSinks {
    fn in_words(&self, batch: &[RawEvent]) -> Vec<Event> {
        let now = Arc::clone(&self.snapshots.borrow());
        let told = batch.iter().filter_map(|RawEvent(raw)| {
            let event = events::event(raw, &now);
            if event.is_none() {
                tracing::debug!(
                    kind = raw.kind,
                    version = raw.version,
                    "unknown event of the data plane"
                );
            }
            event
        });
        told.collect()
    }

    fn publish(&self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::PolicyVerdict(verdict) => self.log.add(verdict),
                event => self.hub.publish(event),
            }
        }
    }
}
