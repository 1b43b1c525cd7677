//! The network of this box and the daemons of others that serve it, or what stands for them in tests.

mod daemons;
mod kernel;
mod plan;
mod simulated;

use std::fmt;

pub(crate) use daemons::{DaemonStatus, tell as tell_daemons};
pub(crate) use plan::{hold_back, pinned, plan, services, strangers};
use ravelin_model::{NetworkFault, NetworkPlan, NetworkServices};

pub use kernel::KernelNetwork;
pub use simulated::SimulatedNetwork;

/// Who changes links, addresses and routes. Calls block for milliseconds, for seconds where drivers do: call from a
/// thread that may.
pub trait Network: Send + Sync + fmt::Debug {
    /// Brings the kernel to the plan and reads back what came of it. Nothing is done twice: what is right already is
    /// left alone. What could not be brought about comes back, part by part; the rest is in force. The text says why
    /// nothing could be done at all.
    fn apply(&self, plan: &NetworkPlan) -> Result<Vec<NetworkFault>, String>;

    /// Has the box forward packets between its links. The text says why it does not.
    fn forward(&self) -> Result<(), String>;
}

/// Who tells the daemons of others: the agent of the appliance.
pub trait NetworkDaemons: Send + Sync + fmt::Debug {
    /// Has exactly these services served. Done when this returns; the text says why not.
    fn apply(&self, services: &NetworkServices) -> Result<(), String>;
}
