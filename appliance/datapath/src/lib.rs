//! The data plane: loads and attaches the programs, pins what must outlive the process, and is the only writer
//! of every map. The only crate that imports aya.
//!
//! Loading returns its parts as one struct, which the daemon takes apart: whoever owns a part is the one writer
//! of its maps, and a second one does not compile.

mod clock;
mod datapath;
mod error;
mod events;
mod flow_cache;
#[cfg(feature = "kernel")]
mod flow_class;
#[cfg(feature = "kernel")]
pub mod kernel;
mod sim;
mod slots;
mod switches;

pub use datapath::{
    AttachTarget, Attached, CacheLookups, Classification, Datapath, EventFigures, EventTuning, FlowSummary,
    FlowSweep, FlowTable, FlowTimeouts, HitCounter, Loaded, Probe, RawEvent, Switches,
};
pub use error::{DatapathError, LoaderError, Unavailable};
pub use events::{EventBatch, EventBatches};
pub use flow_cache::{
    CacheOccupancy, CachePort, CacheTiming, CachedDirection, CachedFlow, CachedState, CachedWays, FlowCache,
    FlowCacheReader, Inserted, Path, PathRefusal, RemovedFlow, Way,
};
#[cfg(feature = "kernel")]
pub use kernel::{KernelConfig, load, remove_all, serve_run_time};
pub use sim::{simulate, simulate_cache, simulate_with_events};
