//! The data plane: loads and attaches the programs, pins what must outlive the process, and is the only writer
//! of every map. The only crate that imports aya.
//!
//! [`load`] returns its parts as one struct, which the daemon takes apart: whoever owns a part is the one writer
//! of its maps, and a second one does not compile.

mod datapath;
mod error;
#[cfg(feature = "kernel")]
mod kernel;
mod sim;

pub use datapath::{
    AttachTarget, Attached, Datapath, FlowSweep, FlowTable, FlowTimeouts, HitCounter, Loaded, RawEvent,
    Switches,
};
pub use error::DatapathError;
#[cfg(feature = "kernel")]
pub use kernel::{KernelConfig, load};
