//! Expires and counts the entries of the flow map. Owns the flow table, sweeps it every second, and publishes
//! what it saw. Never decides how long a flow may be idle, and never looks into a packet.

mod handle;
pub mod records;
mod task;

pub use handle::FlowsHandle;
pub use task::spawn;
