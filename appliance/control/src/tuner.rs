//! Tuning: sizes and rates the engine sets itself by what it measured.
//!
//! ```text
//!  readings ──► window ──► decide (pure) ──adjustments──► objects: changed, read back ──► event, metric, log
//!                             ▲    ▲
//!                   limits ───┘    └─── state: what became of earlier ones
//! ```
//!
//! Need is answered at once, idleness with patience: an object that was made larger stays so for a while, one that was
//! made smaller too early is made smaller later the next time, and one that proved too small for a load is not made so
//! small again under it. Nothing is tuned without traffic.

mod costs;
mod decide;
mod event_batch;
mod event_buffers;
mod event_rate;
mod event_workers;
mod flow_cache;
mod memory;
mod meter;
mod objects;
mod receive_queues;
mod state;
mod task;
mod window;
mod wish;

pub use costs::Costs;
pub use decide::decide;
pub use state::TunerState;

pub(crate) use meter::Meter;
pub(crate) use objects::Objects;
pub(crate) use task::{TunerParts, run};
