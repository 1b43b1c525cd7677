//! The flow cache over memory, whoever shares it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ravelin_model::{FlowTuple, protocol};

use super::control::Control;
use super::family::{Four, Six};
use super::table::Table;
use super::view::View;
use super::words::Words;
use crate::{
    CacheOccupancy, CachePort, CacheTiming, CachedFlow, CachedState, CachedWays, DatapathError, FlowCache,
    FlowCacheReader, Inserted, RemovedFlow,
};

/// Memory of the maps.
#[derive(Debug, Clone)]
pub(crate) struct CacheMemory {
    pub(crate) control: Arc<dyn Words<AtomicU64>>,
    pub(crate) index4: Arc<dyn Words<AtomicU32>>,
    pub(crate) index6: Arc<dyn Words<AtomicU32>>,
    pub(crate) flows4: Arc<dyn Words<AtomicU64>>,
    pub(crate) flows6: Arc<dyn Words<AtomicU64>>,
}

/// Where the programs are that share the memory.
pub(crate) trait Platform: Send + fmt::Debug {
    /// Returns when no program uses what it found before the call.
    fn wait(&self) -> Result<(), DatapathError>;

    /// As [`FlowCache::set_ports`].
    fn set_ports(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError>;
}

/// How full it is, for whoever describes the maps.
#[derive(Debug, Default)]
pub(crate) struct CacheFigures {
    pub(crate) connections4: AtomicU64,
    pub(crate) connections6: AtomicU64,
}

/// The flow cache.
#[derive(Debug)]
pub(crate) struct TableCache<P> {
    control: Control,
    table4: Table<Four>,
    table6: Table<Six>,
    platform: P,
    figures: Arc<CacheFigures>,
}

impl<P: Platform> TableCache<P> {
    /// Adopts what an earlier process left; a grace period has to pass before anything is inserted, for that process
    /// may just have taken connections out. `seed` is for memory nobody has set up yet.
    pub(crate) fn open(memory: CacheMemory, platform: P, seed: u64, figures: Arc<CacheFigures>) -> Self {
        let CacheMemory {
            control,
            index4,
            index6,
            flows4,
            flows6,
        } = memory;
        let mut control = Control::new(control);
        let masks = [&index4, &index6].map(|index| super::buckets::mask(index.words().len()));
        let is_new = control.is_new();
        if !control.is_set_up(masks) {
            control.set_up(seed, masks);
        }
        let mut cache = Self {
            table4: Table::new(index4, flows4, control.seed()),
            table6: Table::new(index6, flows6, control.seed()),
            control,
            platform,
            figures,
        };
        if !is_new {
            cache.table4.adopt();
            cache.table6.adopt();
        }
        cache.tell();
        cache
    }

    /// Returns when no program uses what it found before the call.
    #[cfg(feature = "kernel")]
    pub(crate) fn wait(&self) -> Result<(), DatapathError> {
        self.platform.wait()
    }

    fn tell(&self) {
        let number = |live: usize| live as u64;
        self.figures
            .connections4
            .store(number(self.table4.live()), Relaxed);
        self.figures
            .connections6
            .store(number(self.table6.live()), Relaxed);
    }
}

impl<P: Platform> FlowCache for TableCache<P> {
    fn insert(&mut self, flow: &CachedFlow) -> Inserted {
        if !matches!(flow.original.protocol, protocol::TCP | protocol::UDP) {
            return Inserted::Unsuited;
        }
        let moment = self.control.moment();
        let inserted = if flow.original.is_ipv6() {
            self.table6.insert(flow, moment)
        } else {
            self.table4.insert(flow, moment)
        };
        self.tell();
        inserted
    }

    fn restore(&mut self, state: &CachedState) -> Inserted {
        if !matches!(state.flow.original.protocol, protocol::TCP | protocol::UDP) {
            return Inserted::Unsuited;
        }
        let moment = self.control.moment();
        let restored = if state.flow.original.is_ipv6() {
            self.table6.restore(state, moment)
        } else {
            self.table4.restore(state, moment)
        };
        self.tell();
        restored
    }

    fn remove(&mut self, tuple: &FlowTuple) -> bool {
        let removed = if tuple.is_ipv6() {
            self.table6.remove(tuple)
        } else {
            self.table4.remove(tuple)
        };
        self.tell();
        removed
    }

    fn collect(&mut self) -> Result<Vec<RemovedFlow>, DatapathError> {
        if !self.table4.has_quarantined() && !self.table6.has_quarantined() {
            return Ok(Vec::new());
        }
        self.platform.wait()?;
        let mut removed = self.table4.release();
        removed.extend(self.table6.release());
        Ok(removed)
    }

    fn for_each(&self, each: &mut dyn FnMut(&CachedState)) {
        let moment = self.control.moment();
        self.table4.for_each(moment, each);
        self.table6.for_each(moment, each);
    }

    fn occupancy(&self) -> CacheOccupancy {
        CacheOccupancy {
            ipv4: self.table4.live() as u64,
            ipv6: self.table6.live() as u64,
            capacity: self.table4.capacity() as u64,
        }
    }

    fn keep_alive(&mut self, time: Duration) {
        self.control.keep_alive(time);
    }

    fn halt(&mut self) -> Result<(), DatapathError> {
        self.control.keep_alive(Duration::ZERO);
        self.platform.wait()
    }

    fn forget_paths(&mut self) {
        self.control.next_generation();
    }

    fn set_timing(&mut self, timing: &CacheTiming) {
        self.control.set_timing(timing);
    }

    fn set_ports(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        self.platform.set_ports(ports)
    }

    fn reader(&self) -> Arc<dyn FlowCacheReader> {
        Arc::new(TableReader {
            control: self.control.clone(),
            view4: self.table4.view().clone(),
            view6: self.table6.view().clone(),
        })
    }
}

/// Reads the memory while the cache writes.
#[derive(Debug)]
struct TableReader {
    control: Control,
    view4: View<Four>,
    view6: View<Six>,
}

impl FlowCacheReader for TableReader {
    fn get(&self, tuple: &FlowTuple) -> Option<CachedState> {
        let moment = self.control.moment();
        if tuple.is_ipv6() {
            self.view6.get(tuple, moment)
        } else {
            self.view4.get(tuple, moment)
        }
    }

    fn ways(&self, tuple: &FlowTuple) -> Option<CachedWays> {
        let moment = self.control.moment();
        if tuple.is_ipv6() {
            self.view6.ways(tuple, moment)
        } else {
            self.view4.ways(tuple, moment)
        }
    }

    fn for_each(&self, each: &mut dyn FnMut(&CachedState)) {
        let moment = self.control.moment();
        self.view4.for_each(moment, each);
        self.view6.for_each(moment, each);
    }
}
