//! Network cards, or what stands for them in tests: asked and changed by name of the interface.

mod kernel;
mod simulated;

use std::fmt;

use ravelin_model::{HardwareChange, HardwareProbe};

pub use kernel::KernelHardware;
pub use simulated::SimulatedHardware;

/// Who knows the network cards of this box. Calls block for milliseconds, changes of rings and channels for seconds:
/// call from a thread that may.
pub trait Hardware: Send + Sync + fmt::Debug {
    /// Asks everything there is to ask of an interface; nothing is tried out. The text says why it could not.
    fn probe(&self, interface: &str) -> Result<HardwareProbe, String>;

    /// Makes one change. It is in force when this returns, but for what the driver made of it: ask again. The text
    /// says why it was refused, and then nothing was changed.
    fn change(&self, interface: &str, change: &HardwareChange) -> Result<(), String>;
}
