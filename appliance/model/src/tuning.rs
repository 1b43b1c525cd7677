//! Tuning: sizes and rates the engine sets itself by what it measures.

use std::collections::BTreeMap;

use time::OffsetDateTime;

/// What is tuned. Every one is an object that is really there and is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tunable {
    /// Connections of each family that fit into the flow cache.
    FlowCacheConnections,
    /// Buffers for events on their way from the data plane.
    EventBuffers,
    /// Events a buffer holds.
    EventBatch,
    /// Tasks that work on events.
    EventWorkers,
    /// Events each CPU may send in a second; what is over is counted, not told.
    EventRate,
    /// How evenly an interface's packets are spread over its queues, in queues of the indirection table in use.
    ReceiveQueues,
}

impl Tunable {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 6] = [
        Self::FlowCacheConnections,
        Self::EventBuffers,
        Self::EventBatch,
        Self::EventWorkers,
        Self::EventRate,
        Self::ReceiveQueues,
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::FlowCacheConnections => "flow_cache_connections",
            Self::EventBuffers => "event_buffers",
            Self::EventBatch => "event_batch",
            Self::EventWorkers => "event_workers",
            Self::EventRate => "event_rate",
            Self::ReceiveQueues => "receive_queues",
        }
    }
}

/// Who acts on what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TuningMode {
    /// The engine.
    #[default]
    Auto,
    /// Nobody: decisions are only told.
    Advise,
    /// Nothing is decided.
    Off,
}

impl TuningMode {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Advise => "advise",
            Self::Off => "off",
        }
    }
}

/// Least and most of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Least.
    pub min: u64,
    /// Most.
    pub max: u64,
}

/// What tuning keeps to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuningLimits {
    /// Who acts.
    pub mode: TuningMode,
    /// Seconds measured between two decisions.
    pub window_seconds: u32,
    /// Bytes all tuned objects may take together.
    pub memory_ceiling_bytes: u64,
    /// Of each.
    pub bounds: BTreeMap<Tunable, Bounds>,
}

/// What is tuned, and of which interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunedObject {
    /// What.
    pub tunable: Tunable,
    /// Of [`Tunable::ReceiveQueues`]: the interface.
    pub interface: Option<String>,
}

/// A change tuning decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Of what.
    pub object: TunedObject,
    /// From.
    pub from: u64,
    /// To.
    pub to: u64,
    /// Why, in a sentence with the figures.
    pub reason: String,
}

/// What became of an adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TuningOutcome {
    /// It was made; the object was read back and says so.
    Applied(u64),
    /// It was only told: the mode is `advise`.
    Advised,
    /// It could not be made, and why; the object is as it was.
    Failed(String),
}

/// A decision of the tuner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuningDecision {
    /// Grows by one with every decision of this process.
    pub sequence: u64,
    /// When.
    pub at: OffsetDateTime,
    /// What.
    pub adjustment: Adjustment,
    /// What became of it.
    pub outcome: TuningOutcome,
}
