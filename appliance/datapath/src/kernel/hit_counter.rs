//! Counters of the programs as one number.

use std::path::Path;

use ravelin_abi::rv_counter;

use super::table::PerCpuArray;
use crate::{DatapathError, HitCounter};

impl HitCounter {
    /// Sums the counters of all CPUs.
    pub(super) fn sum<'a>(cpus: impl IntoIterator<Item = &'a rv_counter>) -> Self {
        cpus.into_iter().fold(Self::default(), |sum, cpu| Self {
            packets: sum.packets.wrapping_add(cpu.packets),
            bytes: sum.bytes.wrapping_add(cpu.bytes),
        })
    }
}

/// A map of counters that whoever they belong to knows by their index.
#[derive(Debug)]
pub(super) struct HitCounters(PerCpuArray<rv_counter>);

impl HitCounters {
    pub(super) fn open(directory: &Path, name: &'static str) -> Result<Self, DatapathError> {
        PerCpuArray::open(directory, name).map(Self)
    }

    /// Counters there are.
    pub(super) fn capacity(&self) -> usize {
        self.0.max_entries() as usize
    }

    pub(super) fn get(&self, counters: &[u32]) -> Result<Vec<HitCounter>, DatapathError> {
        for counter in counters {
            self.check(*counter)?;
        }
        // A page of them is read one by one; many cost less read with everything else.
        if counters.len() < self.capacity() / 8 {
            let mut buffer = self.0.buffer(rv_counter::default());
            let read = |counter: &u32| {
                self.0.read(*counter, &mut buffer)?;
                Ok(HitCounter::sum(&buffer))
            };
            return counters.iter().map(read).collect();
        }
        let mut all = Vec::with_capacity(self.capacity());
        self.0
            .read_all(rv_counter::default(), |cpus| all.push(HitCounter::sum(cpus)))?;
        let known = |counter: &u32| all.get(*counter as usize).copied().unwrap_or_default();
        Ok(counters.iter().map(known).collect())
    }

    pub(super) fn reset(&mut self, counters: &[u32]) -> Result<(), DatapathError> {
        let zero = self.0.buffer(rv_counter::default());
        for counter in counters {
            self.check(*counter)?;
            self.0.write(*counter, &zero)?;
        }
        Ok(())
    }

    /// Whether there is such a counter.
    pub(super) fn check(&self, counter: u32) -> Result<(), DatapathError> {
        if counter as usize >= self.capacity() {
            return Err(DatapathError::UnknownCounter {
                counter,
                capacity: self.capacity(),
            });
        }
        Ok(())
    }
}
