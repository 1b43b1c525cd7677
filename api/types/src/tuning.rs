//! Tuning: what the engine sets itself by what it measures.

mod limits;
mod status;

pub use limits::{
    TuningBounds, TuningBoundsPatch, TuningLimits, TuningLimitsPatch, TuningMode, TuningPatch, TuningSettings,
};
pub use status::{
    Tunable, TunedObject, Tuning, TuningCache, TuningDecision, TuningEvents, TuningOutcome, TuningQueues,
    TuningSoftnet, TuningStore, TuningWindow, TuningWorkers,
};
