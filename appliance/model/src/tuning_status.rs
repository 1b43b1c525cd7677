//! What tuning saw and did.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use crate::{Bounds, Tunable, TunedObject, TuningDecision, TuningSettings};

/// What happened between two readings, and levels at its end. What could not be read is None and never 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TuningWindow {
    /// Real time between the readings.
    pub elapsed: Duration,
    /// The flow cache.
    pub cache: Option<CacheWindow>,
    /// Events on their way from the data plane.
    pub events: Option<EventWindow>,
    /// Tasks that work on them.
    pub workers: WorkerWindow,
    /// Batches of verdicts and flow records written to the store.
    pub store: StoreWindow,
    /// Packets of all CPUs.
    pub softnet: Option<SoftnetWindow>,
    /// CPU time of all threads of the engine.
    pub engine_cpu: Option<Duration>,
    /// Interfaces whose card spreads packets over queues.
    pub receive: Vec<ReceiveWindow>,
}

/// The flow cache in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheWindow {
    /// Connections of each family that fit, at the end.
    pub capacity: u64,
    /// IPv4 connections in it, at the end.
    pub entries4: u64,
    /// IPv6 connections in it, at the end.
    pub entries6: u64,
    /// Connections more than at the begin, of the family that grew more; 0 where none did.
    pub growth: u64,
    /// Connections put in.
    pub inserted: u64,
    /// Connections there was no room for.
    pub refused: u64,
    /// Packets forwarded from it.
    pub hits: u64,
    /// Packets that could have been, had their connection been there.
    pub misses: u64,
}

impl CacheWindow {
    /// Share of packets that were forwarded; None without traffic.
    pub fn hit_rate(&self) -> Option<f64> {
        let all = self.hits.saturating_add(self.misses);
        (all > 0).then(|| ratio(self.hits, all))
    }

    /// Connections of the fuller family.
    pub fn entries(&self) -> u64 {
        self.entries4.max(self.entries6)
    }

    /// How full the fuller family is, of 1.
    pub fn occupancy(&self) -> f64 {
        ratio(self.entries(), self.capacity)
    }
}

/// Events in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventWindow {
    /// Events read from the programs.
    pub read: u64,
    /// Events over the rate.
    pub suppressed: u64,
    /// Events lost.
    pub lost: u64,
    /// Buffers that were there when one was needed.
    pub buffer_hits: u64,
    /// Times there was none.
    pub buffer_misses: u64,
    /// Batches handed on.
    pub batches: u64,
    /// Batches that wait, at the end.
    pub waiting: u64,
    /// Buffers there are, at the end.
    pub buffers: u64,
    /// Events a buffer holds at most, at the end.
    pub batch: u64,
    /// Events each CPU may send in a second, at the end.
    pub rate: u64,
}

impl EventWindow {
    /// How full batches were, of 1; None without one.
    pub fn batch_fill(&self) -> Option<f64> {
        let room = self.batches.saturating_mul(self.batch);
        (room > 0).then(|| ratio(self.read, room))
    }

    /// Events the programs had to tell.
    pub fn offered(&self) -> u64 {
        self.read
            .saturating_add(self.suppressed)
            .saturating_add(self.lost)
    }
}

/// Tasks that work on events, in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerWindow {
    /// How many there are, at the end.
    pub count: u64,
    /// How long all of them together worked.
    pub busy: Duration,
    /// Batches they worked on.
    pub batches: u64,
}

/// Batches written to the store in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreWindow {
    /// Batches.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Time they took together.
    pub total: Duration,
}

impl StoreWindow {
    /// Time a batch took on average; None without one.
    pub fn latency(&self) -> Option<Duration> {
        let batches = u32::try_from(self.batches).unwrap_or(u32::MAX);
        self.total.checked_div(batches)
    }
}

/// What the CPUs did with received packets in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoftnetWindow {
    /// Packets they took.
    pub processed: u64,
    /// Packets they dropped.
    pub dropped: u64,
    /// Times they stopped with packets left.
    pub squeezed: u64,
}

/// Queues of an interface in a window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiveWindow {
    /// Kernel name.
    pub interface: String,
    /// Packets of each queue.
    pub packets: Vec<u64>,
    /// Queues of the indirection table in use.
    pub in_use: u64,
}

/// `part` of `whole`, of 1; 0 of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a share is no count")]
    let share = part as f64 / whole.max(1) as f64;
    share
}

/// Something tuned, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunedValue {
    /// What.
    pub object: TunedObject,
    /// Read back from it.
    pub value: u64,
    /// What it keeps to.
    pub bounds: Bounds,
    /// Bytes it takes.
    pub memory_bytes: u64,
    /// When tuning last changed it; None: not in this process.
    pub last_changed_at: Option<OffsetDateTime>,
}

/// Everything there is to say of tuning.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TuningStatus {
    /// What it keeps to.
    pub settings: TuningSettings,
    /// What is tuned; what cannot be read is missing.
    pub objects: Vec<TunedValue>,
    /// The last window and when it ended; None before the first.
    pub window: Option<(OffsetDateTime, TuningWindow)>,
    /// The last decisions, newest first.
    pub decisions: Vec<TuningDecision>,
    /// Decisions of this process, by what they were about, whether it was to become more, and the name of what became
    /// of them.
    pub counts: BTreeMap<(Tunable, bool, &'static str), u64>,
}
