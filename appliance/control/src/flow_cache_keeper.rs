//! Whoever keeps the flow cache: what tuning asks to have it in another size.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use ravelin_datapath::FlowCache;

/// Has the programs use the new cache; called on a thread that may block.
pub type UseCache = Box<dyn FnOnce() -> Result<(), String> + Send>;

/// A move under way; the text says why the old cache is still in use.
pub type Moving<'a> = Pin<Box<dyn Future<Output = Result<MovedFlows, String>> + Send + 'a>>;

/// What came along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MovedFlows {
    /// Connections in the new cache.
    pub moved: u64,
    /// Connections that found no room in it; the kernel forwards them.
    pub refused: u64,
}

/// Who writes the flow cache.
pub trait FlowCacheKeeper: Send + Sync + fmt::Debug {
    /// Moves every connection to a new cache with its counts, calls `use_it`, and goes on with the new cache; where
    /// that fails, with the old one. Nothing is forwarded by XDP meanwhile, the kernel forwards everything.
    fn move_to(&self, cache: Box<dyn FlowCache>, use_it: UseCache) -> Moving<'_>;
}
