//! What is left of connections when they end: records in the store, and at a collector of IPFIX.
//!
//! ```text
//! whoever follows conntrack ── Ended, bounded, never waits ──► task ──► store, ≤ 1 s a transaction
//!                                                               └─────► collector, over UDP
//! ```

mod ended;
mod export;
mod lines;
mod make;
mod query;
mod sink;
mod task;

pub use ended::Ended;
pub use query::FlowRecordPage;
pub use ravelin_store::{FlowRecordFilter, StoredFlowRecord};
pub use sink::{RecordCounters, RecordSink};
pub use task::{RecordParts, spawn};
