//! The flow cache in use, and those who read it.

use std::sync::{Arc, PoisonError, RwLock};

use ravelin_datapath::{CachedState, CachedWays, FlowCache, FlowCacheReader};
use ravelin_model::FlowTuple;

/// The cache in use. What holds its reader reads whichever that is.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(super) map: Box<dyn FlowCache>,
    pub(super) reader: Arc<CurrentReader>,
}

impl Cache {
    pub(crate) fn new(map: Box<dyn FlowCache>) -> Self {
        Self {
            reader: Arc::new(CurrentReader(RwLock::new(map.reader()))),
            map,
        }
    }

    /// Reads the cache in use, also after it was replaced.
    pub(crate) fn reader(&self) -> Arc<dyn FlowCacheReader> {
        Arc::<CurrentReader>::clone(&self.reader)
    }

    /// Uses another one; gives the one before.
    pub(super) fn replace(&mut self, map: Box<dyn FlowCache>) -> Box<dyn FlowCache> {
        let reader = map.reader();
        *self.reader.0.write().unwrap_or_else(PoisonError::into_inner) = reader;
        std::mem::replace(&mut self.map, map)
    }
}

/// Reads the cache in use.
#[derive(Debug)]
pub(super) struct CurrentReader(RwLock<Arc<dyn FlowCacheReader>>);

impl CurrentReader {
    /// Of its own, so that nobody waits for a reading.
    fn now(&self) -> Arc<dyn FlowCacheReader> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FlowCacheReader for CurrentReader {
    fn get(&self, tuple: &FlowTuple) -> Option<CachedState> {
        self.now().get(tuple)
    }

    fn ways(&self, tuple: &FlowTuple) -> Option<CachedWays> {
        self.now().ways(tuple)
    }

    fn for_each(&self, each: &mut dyn FnMut(&CachedState)) {
        self.now().for_each(each);
    }
}
