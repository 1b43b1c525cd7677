//! Events on their way from the programs to whoever reads them.
//!
//! ```text
//!  ring ──► Intake ── full buffers, in order ──► EventBatches ──► EventBatch
//!             ▲                                                       │ dropped
//!             └───────────────── free buffers ◄───────────────────────┘
//! ```
//!
//! There are so many buffers and no more. Where none is free, the intake waits for one and leaves records in the ring,
//! which is what holds the most: a wait is a buffer miss, and an event is lost only when the ring is full too, which
//! the programs count.

mod batches;
mod buffers;
mod intake;
mod pool;

pub use batches::{EventBatch, EventBatches};
pub(crate) use intake::Intake;
pub(crate) use pool::Pool;

use crate::datapath::EventTuning;

impl Default for EventTuning {
    fn default() -> Self {
        Self {
            buffers: 16,
            batch: 64,
            rate: 200,
        }
    }
}

#[cfg(test)]
mod tests;
