//! The flow cache in the maps the programs read.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ravelin_abi::{rv_fast_bucket, rv_fast_control, rv_fast_flow4, rv_fast_flow6};

use super::grace_period::GracePeriod;
use super::memory::Memory;
use super::objects::CacheMaps;
use super::ports::Ports;
use super::schema::{MapSet, Schema};
use super::sys;
use super::table::PerCpuArray;
use crate::flow_cache::{CacheFigures, CacheMemory, Platform, TableCache};
use crate::{CachePort, DatapathError, FlowCache};

/// Interfaces as all flow caches see them: their maps stay when another cache takes the place of one.
pub(super) type SharedPorts = Arc<Mutex<Ports>>;

/// A flow cache in the kernel, as the data plane knows it.
#[derive(Debug)]
pub(super) struct KernelCache {
    /// Of each family that fit.
    pub(super) connections: u32,
    maps: MapSet,
    figures: Arc<CacheFigures>,
}

impl KernelCache {
    pub(super) fn new(schema: &Schema, connections: u32) -> Self {
        Self {
            connections,
            maps: schema.cache(connections),
            figures: Arc::default(),
        }
    }

    /// The maps, pinned in a directory.
    pub(super) fn maps<'a>(&'a self, directory: &'a Path) -> CacheMaps<'a> {
        CacheMaps {
            maps: &self.maps,
            directory,
        }
    }

    /// Opens the maps with what an earlier process left in them.
    pub(super) fn open(
        &self,
        directory: &Path,
        ports: &SharedPorts,
    ) -> Result<Box<dyn FlowCache>, DatapathError> {
        let memory = CacheMemory {
            control: Arc::new(Memory::<rv_fast_control>::open(directory, "fast_control")?),
            index4: Arc::new(Memory::<rv_fast_bucket>::open(directory, "fast_index4")?),
            index6: Arc::new(Memory::<rv_fast_bucket>::open(directory, "fast_index6")?),
            flows4: Arc::new(Memory::<rv_fast_flow4>::open(directory, "fast_flow4")?),
            flows6: Arc::new(Memory::<rv_fast_flow6>::open(directory, "fast_flow6")?),
        };
        let mut seed = [0];
        sys::random(&mut seed).map_err(DatapathError::Random)?;
        let [seed] = seed;
        let programs = Programs {
            grace_period: GracePeriod::new()?,
            ports: Arc::clone(ports),
        };
        let cache = TableCache::open(memory, programs, seed, Arc::clone(&self.figures));
        cache.wait()?;
        Ok(Box::new(cache))
    }

    /// Entries of a map in use; None: it is not of the cache, or nobody counts them.
    pub(super) fn occupancy(&self, map: &str) -> Option<u64> {
        // One for each direction.
        match map {
            "fast_flow4" => Some(self.figures.connections4.load(Relaxed) * 2),
            "fast_flow6" => Some(self.figures.connections6.load(Relaxed) * 2),
            _ => None,
        }
    }
}

/// The map `fast_misses`.
#[derive(Debug)]
pub(super) struct Misses(PerCpuArray<u64>);

impl Misses {
    pub(super) fn open(maps: &Path) -> Result<Self, DatapathError> {
        PerCpuArray::open(maps, "fast_misses").map(Self)
    }

    /// Packets whose connection was not in a cache.
    pub(super) fn read(&self) -> Result<u64, DatapathError> {
        let mut cpus = self.0.buffer(0);
        self.0.read(0, &mut cpus)?;
        Ok(cpus.into_iter().fold(0, u64::wrapping_add))
    }
}

/// The ports, whatever happened to who had them last: a change of them is whole or is made again.
pub(super) fn lock(ports: &SharedPorts) -> MutexGuard<'_, Ports> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The programs that share the maps.
#[derive(Debug)]
struct Programs {
    grace_period: GracePeriod,
    ports: SharedPorts,
}

impl Platform for Programs {
    fn wait(&self) -> Result<(), DatapathError> {
        self.grace_period.wait()
    }

    fn set_ports(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        lock(&self.ports).set(ports)
    }
}
