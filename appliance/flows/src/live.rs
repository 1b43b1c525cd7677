//! Live connections: a page of them without holding all, one of them, what a policy says of them, and their end.
//!
//! ```text
//! caller ── permit ──► blocking thread: conntrack's dump ─► flow cache ─► filter ─► the first of a page ─► routes
//!                                                              └─► sample, for the rates of the next reading
//! ```
//! Conntrack is read anew for every answer. What stays is a sample of 24 bytes a connection.

mod desk;
mod id;
mod judging;
mod line;
mod meant;
mod offload;
mod order;
mod reading;
mod sample;
mod seen;
mod tally;
mod view;
mod walk;
mod ways;

pub(crate) use desk::Desk;
pub use desk::{FlowKill, FlowPage, FlowQuery, Killed};
pub use id::{FlowId, InvalidFlowId};
pub(crate) use line::line;
pub use order::{FlowCursor, FlowSort, InvalidFlowCursor};
pub use sample::FlowRate;
pub use tally::FlowTally;
pub use view::{FlowEnd, FlowView};
