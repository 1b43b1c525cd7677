//! Keeping the flow cache in step with conntrack.

mod eligible;

pub use eligible::NotCached;

use ravelin_model::{EndReason, FlowTuple};

/// A connection that is to end, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending {
    /// Conntrack's number for it.
    pub id: u32,
    /// Conntrack zone.
    pub zone: u16,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// Why it ends.
    pub reason: EndReason,
}
