//! Keeping the flow cache in step with conntrack.
//!
//! ```text
//! conntrack ──news──► ┌───────────────────┐ ◄── settings, links (watch)
//!           ──dump──► │ thread            │ ◄── commands, 16; forget_paths (flag); both wake it
//!           ◄─liberal─│ "conntrack"       │ ──► flow cache
//! routes, … ──hints─► └───────────────────┘ ──► records (bounded, never waits), SyncStatus (watch)
//! ```
//! Everything that decides is pure: [`machine`] says where the cache stands, [`keeper`] what a connection means for
//! it, [`eligible`] which may be in it. The thread asks the kernel and does what they say.

mod cache;
mod carried;
mod command;
mod copying;
mod eligible;
mod ending;
mod follower;
mod keeper;
mod locals;
mod machine;
mod ports;
mod reading;
mod simulated;
mod sources;
mod status;
mod timing;

pub(crate) use cache::Cache;
pub(crate) use carried::{Carried, Identity};
pub(crate) use command::{Command, CommandReceiver, Commands, Move};
pub use eligible::NotCached;
pub(crate) use eligible::eligible;
pub use ending::Ending;
pub(crate) use follower::{Follower, Inputs};
pub(crate) use locals::Locals;
pub(crate) use simulated::simulated;
