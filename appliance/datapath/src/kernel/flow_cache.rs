//! The flow cache in the maps the programs read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ravelin_abi::{rv_fast_bucket, rv_fast_control, rv_fast_flow4, rv_fast_flow6};

use super::grace_period::GracePeriod;
use super::memory::Memory;
use super::ports::Ports;
use super::sys;
use crate::flow_cache::{CacheFigures, CacheMemory, Platform, TableCache};
use crate::{CachePort, DatapathError};

/// What the maps of the flow cache hold, for whoever describes them.
#[derive(Debug, Default)]
pub(super) struct CacheOccupancy {
    flows: Arc<CacheFigures>,
    /// Of the maps `ports`, `vlans` and `devmap`.
    ports: [AtomicU64; 3],
}

impl CacheOccupancy {
    /// Entries of a map in use; None: it is not of the cache, or nobody counts them.
    pub(super) fn of(&self, map: &str) -> Option<u64> {
        let entries = match map {
            // One for each direction.
            "fast_flow4" => self.flows.connections4.load(Relaxed) * 2,
            "fast_flow6" => self.flows.connections6.load(Relaxed) * 2,
            "ports" => self.ports[0].load(Relaxed),
            "vlans" => self.ports[1].load(Relaxed),
            "devmap" => self.ports[2].load(Relaxed),
            _ => return None,
        };
        Some(entries)
    }
}

/// Opens the cache with what an earlier process left in it.
pub(super) fn open(
    maps: &Path,
    occupancy: Arc<CacheOccupancy>,
) -> Result<TableCache<Programs>, DatapathError> {
    let memory = CacheMemory {
        control: Arc::new(Memory::<rv_fast_control>::open(maps, "fast_control")?),
        index4: Arc::new(Memory::<rv_fast_bucket>::open(maps, "fast_index4")?),
        index6: Arc::new(Memory::<rv_fast_bucket>::open(maps, "fast_index6")?),
        flows4: Arc::new(Memory::<rv_fast_flow4>::open(maps, "fast_flow4")?),
        flows6: Arc::new(Memory::<rv_fast_flow6>::open(maps, "fast_flow6")?),
    };
    let mut seed = [0];
    sys::random(&mut seed).map_err(DatapathError::Random)?;
    let [seed] = seed;
    let programs = Programs {
        grace_period: GracePeriod::new()?,
        ports: Ports::open(maps)?,
        occupancy: Arc::clone(&occupancy),
    };
    let cache = TableCache::open(memory, programs, seed, Arc::clone(&occupancy.flows));
    cache.wait()?;
    Ok(cache)
}

/// The programs that share the maps.
#[derive(Debug)]
pub(super) struct Programs {
    grace_period: GracePeriod,
    ports: Ports,
    occupancy: Arc<CacheOccupancy>,
}

impl Platform for Programs {
    fn wait(&self) -> Result<(), DatapathError> {
        self.grace_period.wait()
    }

    fn set_ports(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        let refused = self.ports.set(ports);
        for (entries, now) in self.occupancy.ports.iter().zip(self.ports.occupancy()) {
            entries.store(now as u64, Relaxed);
        }
        refused
    }
}
