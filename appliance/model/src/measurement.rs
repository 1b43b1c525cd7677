//! What is measured of the box and of the engine, for tuning and metrics.

use std::time::Duration;

/// What a CPU did with received packets since the box started (/proc/net/softnet_stat, net/core/net-procfs.c). The
/// kernel counts with 32 bits and starts again at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SoftnetCpu {
    /// Number of the CPU.
    pub cpu: u32,
    /// Packets it took.
    pub processed: u32,
    /// Packets it dropped, because its backlog was full.
    pub dropped: u32,
    /// Times it stopped with packets left, because its time or its budget was over.
    pub squeezed: u32,
}

/// CPU time of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThreadTime {
    /// Kernel id.
    pub id: u32,
    /// Name, 15 bytes at most.
    pub name: String,
    /// User and system time since it began, in ticks of the clock (10 ms).
    pub cpu: Duration,
}

/// What a process uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ProcessUsage {
    /// User and system time of all its threads since it began, those that ended included.
    pub cpu: Duration,
    /// Threads there are.
    pub threads: Vec<ThreadTime>,
    /// Memory that is resident, in bytes.
    pub resident_bytes: u64,
}

/// Packets a queue of an interface received, since the queue or the device was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueuePackets {
    /// Number of the queue.
    pub queue: u32,
    /// Packets.
    pub packets: u64,
}

/// Bounds of [`BatchFigures::within`].
pub const BATCH_BOUNDS: [Duration; 8] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// How writing batches of rows to the store goes, since the start. Failed ones count too: they took their time.
/// Everything here only grows, so that any number of readers can tell what was new since they last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BatchFigures {
    /// Batches.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Time they took together, waiting for their turn to write included.
    pub total: Duration,
    /// The longest of all.
    pub longest: Duration,
    /// Batches that took no longer than each of [`BATCH_BOUNDS`]; the rest took longer than the last.
    pub within: [u64; BATCH_BOUNDS.len()],
}

/// Tasks that work on events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct WorkerFigures {
    /// How long each one there is has worked on batches, since the first of its number began.
    pub busy: Vec<Duration>,
    /// The same of all there ever were.
    pub total_busy: Duration,
    /// Batches they made events of.
    pub batches: u64,
}
