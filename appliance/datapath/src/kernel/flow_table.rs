//! The flow maps, swept in batches.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use aya::maps::MapType;
use ravelin_abi::{rv_flow, rv_flow_key4, rv_flow_key6};

use super::sys::{self, Batched};
use super::table::Table;
use crate::flow_class::FlowClass;
use crate::{DatapathError, FlowSweep, FlowTable, FlowTimeouts, clock};
use bytemuck::Pod;

/// Entries read by one system call, at first.
const BATCH: usize = 4096;

/// Entries of the flow maps as of the last sweep, for whoever describes the maps.
#[derive(Debug, Default)]
pub(super) struct FlowOccupancy {
    pub(super) entries4: AtomicU64,
    pub(super) entries6: AtomicU64,
}

/// The maps `flow_map4` and `flow_map6`.
#[derive(Debug)]
pub struct KernelFlowTable {
    flows4: FlowMap<rv_flow_key4>,
    flows6: FlowMap<rv_flow_key6>,
    occupancy: Arc<FlowOccupancy>,
}

impl KernelFlowTable {
    pub(super) fn open(maps: &Path, occupancy: Arc<FlowOccupancy>) -> Result<Self, DatapathError> {
        Ok(Self {
            flows4: FlowMap::open(maps, "flow_map4")?,
            flows6: FlowMap::open(maps, "flow_map6")?,
            occupancy,
        })
    }

    /// Every IPv4 entry.
    pub fn entries4(&mut self) -> Result<Vec<(rv_flow_key4, rv_flow)>, DatapathError> {
        self.flows4.entries()
    }

    /// Every IPv6 entry.
    pub fn entries6(&mut self) -> Result<Vec<(rv_flow_key6, rv_flow)>, DatapathError> {
        self.flows6.entries()
    }
}

impl FlowTable for KernelFlowTable {
    fn sweep(&mut self, timeouts: &FlowTimeouts) -> Result<FlowSweep, DatapathError> {
        let mut sweep = FlowSweep {
            capacity: u64::from(self.flows4.table.max_entries()),
            ..FlowSweep::default()
        };
        let now = clock::now().map_err(|source| DatapathError::ReadMap {
            map: self.flows4.table.name(),
            source,
        })?;
        sweep.entries4 = self.flows4.sweep(timeouts, now, |key| key.protocol, &mut sweep)?;
        sweep.entries6 = self.flows6.sweep(timeouts, now, |key| key.protocol, &mut sweep)?;
        self.occupancy.entries4.store(sweep.entries4, Relaxed);
        self.occupancy.entries6.store(sweep.entries6, Relaxed);
        Ok(sweep)
    }
}

#[derive(Debug)]
struct FlowMap<K> {
    table: Table<K, rv_flow>,
    keys: Vec<K>,
    flows: Vec<rv_flow>,
}

impl<K: Pod + Default> FlowMap<K> {
    fn open(maps: &Path, name: &'static str) -> Result<Self, DatapathError> {
        Ok(Self {
            table: Table::open(maps, name, MapType::LruHash)?,
            keys: vec![K::default(); BATCH],
            flows: vec![rv_flow::default(); BATCH],
        })
    }

    /// Adds the entries to the classes of `sweep`, removes the idle ones, and returns how many stay.
    fn sweep(
        &mut self,
        timeouts: &FlowTimeouts,
        now: Duration,
        protocol: impl Fn(&K) -> u8,
        sweep: &mut FlowSweep,
    ) -> Result<u64, DatapathError> {
        let mut stay = 0;
        let mut idle = Vec::new();
        self.for_each(|key, flow| {
            let class = FlowClass::of(protocol(key), flow.tcp_flags);
            let age = now.saturating_sub(Duration::from_nanos(flow.last_seen_ns));
            if age > class.timeout(timeouts) {
                idle.push(*key);
            } else {
                stay += 1;
                *class.count(sweep) += 1;
            }
        })?;
        // A flow that woke up since it was read goes too, and starts anew with its next packet.
        for key in idle {
            // SAFETY: the layout was asserted when the map was opened.
            match unsafe { sys::delete(self.table.fd(), &key) } {
                Ok(()) => sweep.expired += 1,
                // Evicted since.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                Err(source) => {
                    return Err(DatapathError::WriteMap {
                        map: self.table.name(),
                        source,
                    });
                }
            }
        }
        Ok(stay)
    }

    fn entries(&mut self) -> Result<Vec<(K, rv_flow)>, DatapathError> {
        let mut entries = Vec::new();
        self.for_each(|key, flow| entries.push((*key, *flow)))?;
        Ok(entries)
    }

    fn for_each(&mut self, mut visit: impl FnMut(&K, &rv_flow)) -> Result<(), DatapathError> {
        let mut position = None;
        loop {
            // SAFETY: the layout and type of the map were asserted when it was opened.
            let read = unsafe {
                sys::lookup_batch(self.table.fd(), &mut position, &mut self.keys, &mut self.flows, 1)
            }
            .map_err(|source| DatapathError::ReadMap {
                map: self.table.name(),
                source,
            })?;
            let (count, end) = match read {
                Batched::More(count) => (count, false),
                Batched::End(count) => (count, true),
                Batched::TooSmall => {
                    self.keys.resize(self.keys.len() * 2, K::default());
                    self.flows.resize(self.flows.len() * 2, rv_flow::default());
                    continue;
                }
            };
            for (key, flow) in self.keys.iter().zip(&self.flows).take(count) {
                visit(key, flow);
            }
            if end {
                return Ok(());
            }
        }
    }
}
