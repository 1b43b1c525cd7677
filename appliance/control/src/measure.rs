//! What tuning and metrics go by, read at one time.

mod sources;

use std::collections::BTreeMap;
use std::time::Instant;

use ravelin_datapath::{CacheLookups, EventFigures};
use ravelin_model::{BatchFigures, ProcessUsage, QueuePackets, SoftnetCpu, SyncStatus, Told, WorkerFigures};

pub(crate) use sources::{Measured, Sources};

/// The flow cache, as the data plane tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheReading {
    /// What was found in it and what was not.
    pub lookups: CacheLookups,
    /// Connections of each family that fit.
    pub capacity: u32,
    /// Bytes it takes.
    pub bytes: u64,
}

/// Counts since whatever began them, and levels of now. What could not be read says so and is never a 0.
#[derive(Debug, Clone)]
pub struct Reading {
    /// When.
    pub at: Instant,
    /// The flow cache as the data plane tells it.
    pub cache: Told<CacheReading>,
    /// The flow cache as whoever keeps it tells it: occupancy, and what found no room.
    pub sync: SyncStatus,
    /// Events on their way from the data plane.
    pub events: Told<EventFigures>,
    /// Tasks that work on them.
    pub workers: WorkerFigures,
    /// Every CPU.
    pub softnet: Told<Vec<SoftnetCpu>>,
    /// This process.
    pub process: Told<ProcessUsage>,
    /// Queues of every interface the data plane is attached to, by its name.
    pub queues: BTreeMap<String, Told<Vec<QueuePackets>>>,
    /// Verdicts written to the store.
    pub verdict_batches: BatchFigures,
    /// Flow records written to the store.
    pub flow_record_batches: BatchFigures,
}
