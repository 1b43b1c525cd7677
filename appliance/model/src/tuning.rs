//! Tuning: sizes and rates the engine sets itself by what it measures.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

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

    /// Bounds there may be.
    pub fn range(self) -> RangeInclusive<u64> {
        match self {
            Self::FlowCacheConnections => 64..=2_000_000,
            Self::EventBuffers => 2..=4096,
            Self::EventBatch => 1..=4096,
            Self::EventWorkers => 1..=64,
            Self::EventRate => 1..=1_000_000,
            Self::ReceiveQueues => 1..=1024,
        }
    }

    /// Bounds as long as nobody sets others.
    pub fn default_bounds(self) -> Bounds {
        let (min, max) = match self {
            Self::FlowCacheConnections => (1024, 1_048_576),
            Self::EventBuffers => (4, 256),
            Self::EventBatch => (16, 256),
            Self::EventWorkers => (1, 4),
            Self::EventRate => (25, 200),
            Self::ReceiveQueues => (1, 64),
        };
        Bounds { min, max }
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Advise, Self::Off];

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

impl Default for TuningLimits {
    fn default() -> Self {
        Self {
            mode: TuningMode::default(),
            window_seconds: 10,
            memory_ceiling_bytes: 512 << 20,
            bounds: Tunable::ALL
                .map(|tunable| (tunable, tunable.default_bounds()))
                .into(),
        }
    }
}

impl TuningLimits {
    /// Seconds a window may have.
    pub const WINDOW_SECONDS: RangeInclusive<u32> = 1..=3600;
    /// Bytes the ceiling may be at.
    pub const MEMORY_CEILING_BYTES: RangeInclusive<u64> = 1 << 20..=64 << 30;

    /// Bounds of something.
    pub fn bounds_of(&self, tunable: Tunable) -> Bounds {
        let given = self.bounds.get(&tunable).copied();
        given.unwrap_or_else(|| tunable.default_bounds())
    }
}

/// What tuning keeps to, and since which change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TuningSettings {
    /// What.
    pub limits: TuningLimits,
    /// Of the last change; 0: they are as they came.
    pub revision: crate::Revision,
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
    /// The memory ceiling has no room for it, and what it would take; the object is as it was. Told once.
    Withheld(String),
    /// It could not be made, and why; the object is as it was.
    Failed(String),
}

impl TuningOutcome {
    /// Its name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Advised => "advised",
            Self::Withheld(_) => "withheld",
            Self::Failed(_) => "failed",
        }
    }

    /// Every name.
    pub const NAMES: [&str; 4] = ["applied", "advised", "withheld", "failed"];
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
