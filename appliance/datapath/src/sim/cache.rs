//! The flow cache of a data plane without packets: the kernel's tables in memory of this process.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ravelin_abi::{rv_fast_flow4, rv_fast_flow6};

use crate::flow_cache::{
    BUCKET_WORDS, CONTROL_WORDS, CacheFigures, CacheMemory, Heap, Platform, TableCache, bucket_count,
    slot_count,
};
use crate::{CachePort, DatapathError, FlowCache};

/// Nobody chooses addresses to fill a bucket here.
const SEED: u64 = 1;

/// What the data plane knows of a flow cache.
#[derive(Debug)]
pub(super) struct SimCache {
    pub(super) connections: u32,
    figures: Arc<CacheFigures>,
}

impl SimCache {
    /// With the cache.
    pub(super) fn new(connections: u32) -> (Self, Box<dyn FlowCache>) {
        let figures = Arc::new(CacheFigures::default());
        let cache = cache(connections, Arc::clone(&figures));
        let known = Self { connections, figures };
        (known, Box::new(cache))
    }

    /// Connections in it, IPv4 and IPv6.
    pub(super) fn occupancy(&self) -> (u64, u64) {
        let CacheFigures {
            connections4,
            connections6,
        } = &*self.figures;
        (connections4.load(Relaxed), connections6.load(Relaxed))
    }
}

/// The flow cache with room for so many connections of a family.
fn cache(connections: u32, figures: Arc<CacheFigures>) -> TableCache<NoPrograms> {
    let slots = slot_count(connections) as usize;
    let index = bucket_count(connections) as usize * BUCKET_WORDS;
    let memory = CacheMemory {
        control: Arc::new(Heap::new(CONTROL_WORDS)),
        index4: Arc::new(Heap::new(index)),
        index6: Arc::new(Heap::new(index)),
        flows4: Arc::new(Heap::new(slots * size_of::<rv_fast_flow4>() / 8)),
        flows6: Arc::new(Heap::new(slots * size_of::<rv_fast_flow6>() / 8)),
    };
    TableCache::open(memory, NoPrograms, SEED, figures)
}

/// Nobody but this process sees the tables.
#[derive(Debug)]
struct NoPrograms;

impl Platform for NoPrograms {
    fn wait(&self) -> Result<(), DatapathError> {
        Ok(())
    }

    fn set_ports(&mut self, _: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        Ok(Vec::new())
    }
}
