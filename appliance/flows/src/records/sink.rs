//! The way into the records: bounded, and without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ravelin_model::FlowSettings;
use tokio::sync::{mpsc, watch};

use super::Ended;

/// Connections whose record is not written yet; about 20 MB when it is full.
const QUEUE: usize = 65_536;

/// What became of records since the start of the engine.
#[derive(Debug, Default)]
pub struct RecordCounters {
    stored: AtomicU64,
    lost: AtomicU64,
    exported: AtomicU64,
}

impl RecordCounters {
    /// Written to the store.
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Not written, because the store was too slow or failed.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Sent to the collector.
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    pub(super) fn add_stored(&self, records: u64) {
        self.stored.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn add_lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn add_exported(&self, records: u64) {
        self.exported.fetch_add(records, Ordering::Relaxed);
    }
}

/// Where connections go when they end. Cheap to clone; the records end when the last one is dropped.
#[derive(Debug, Clone)]
pub struct RecordSink {
    queue: mpsc::Sender<Ended>,
    settings: watch::Receiver<FlowSettings>,
    counters: Arc<RecordCounters>,
}

impl RecordSink {
    /// A sink, and what comes out of it.
    pub(super) fn new(settings: watch::Receiver<FlowSettings>) -> (Self, mpsc::Receiver<Ended>) {
        let (queue, ended) = mpsc::channel(QUEUE);
        let sink = Self {
            queue,
            settings,
            counters: Arc::default(),
        };
        (sink, ended)
    }

    /// Writes a record, if records are asked for. Never waits: what does not fit is counted as lost.
    pub fn add(&self, ended: Ended) {
        if self.settings.borrow().records.is_some() && self.queue.try_send(ended).is_err() {
            self.counters.add_lost(1);
        }
    }

    /// What became of records so far.
    pub fn counters(&self) -> &Arc<RecordCounters> {
        &self.counters
    }
}
