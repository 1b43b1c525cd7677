//! The maps of the address index.

use std::path::Path;

use ravelin_abi::{
    rv_blocklist_entry, rv_blocklist_limit::RV_BLOCKLIST_ROWS, rv_bucket, rv_counter, rv_range4, rv_range6,
};
use ravelin_compile::{AddressImage, ImageTooLarge};

use super::control::{Control, Halved};
use super::memory::Memory;
use super::table::PerCpuArray;
use crate::{DatapathError, HitCounter};

/// Directories, ranges, entries and their hits.
#[derive(Debug)]
pub(super) struct AddressTables {
    directory4: Memory<rv_bucket>,
    directory6: Memory<rv_bucket>,
    ranges4: Memory<rv_range4>,
    ranges6: Memory<rv_range6>,
    entries: Memory<rv_blocklist_entry>,
    hits: PerCpuArray<rv_counter>,
    /// Rows of the live half; None: an earlier process filled it.
    pub(super) rows: Option<AddressRows>,
}

/// Rows in use.
#[derive(Debug, Clone, Copy)]
pub(super) struct AddressRows {
    pub(super) ranges4: usize,
    pub(super) ranges6: usize,
    pub(super) entries: usize,
}

impl AddressTables {
    pub(super) fn open(directory: &Path) -> Result<Self, DatapathError> {
        Ok(Self {
            directory4: Memory::open(directory, "blocklist_dir4")?,
            directory6: Memory::open(directory, "blocklist_dir6")?,
            ranges4: Memory::open(directory, "xdp_blocklist4")?,
            ranges6: Memory::open(directory, "xdp_blocklist6")?,
            entries: Memory::open(directory, "blocklist_entry")?,
            hits: PerCpuArray::open(directory, "blocklist_hits")?,
            rows: None,
        })
    }

    /// Entries that fit, which is the number of hit counters.
    pub(super) fn capacity(&self) -> usize {
        self.hits.max_entries() as usize
    }

    /// Fills the free half and makes it the live one.
    pub(super) fn load(&mut self, control: &mut Control, image: &AddressImage) -> Result<(), DatapathError> {
        let rows = AddressRows {
            ranges4: image.ranges4.len(),
            ranges6: image.ranges6.len(),
            entries: image.entries.len(),
        };
        for (what, needed, capacity) in [
            ("addresses", rows.entries, self.capacity()),
            ("IPv4 address ranges", rows.ranges4, self.ranges4.len() / 2),
            ("IPv6 address ranges", rows.ranges6, self.ranges6.len() / 2),
        ] {
            if needed > capacity {
                return Err(DatapathError::TooLarge(ImageTooLarge {
                    what,
                    needed,
                    capacity,
                }));
            }
        }
        let half = control.free_half(Halved::Addresses)?;
        let rows_of_half = half * RV_BLOCKLIST_ROWS as usize;
        self.directory4.write(rows_of_half, &image.directory4);
        self.directory6.write(rows_of_half, &image.directory6);
        self.ranges4
            .write(half * (self.ranges4.len() / 2), &image.ranges4);
        self.ranges6
            .write(half * (self.ranges6.len() / 2), &image.ranges6);
        self.entries
            .write(half * (self.entries.len() / 2), &image.entries);
        control.set_address6_skip(half, image.skip6);
        self.rows = Some(rows);
        control.flip(Halved::Addresses)
    }

    pub(super) fn hits(&self, counters: &[u32]) -> Result<Vec<HitCounter>, DatapathError> {
        for counter in counters {
            self.check(*counter)?;
        }
        // A page of entries is read one by one; a whole list costs less read with everything else.
        if counters.len() < self.capacity() / 8 {
            let mut buffer = self.hits.buffer(rv_counter::default());
            let read = |counter: &u32| {
                self.hits.read(*counter, &mut buffer)?;
                Ok(HitCounter::sum(&buffer))
            };
            return counters.iter().map(read).collect();
        }
        let mut all = Vec::with_capacity(self.capacity());
        self.hits
            .read_all(rv_counter::default(), |cpus| all.push(HitCounter::sum(cpus)))?;
        let known = |counter: &u32| all.get(*counter as usize).copied().unwrap_or_default();
        Ok(counters.iter().map(known).collect())
    }

    pub(super) fn reset_hits(&mut self, counters: &[u32]) -> Result<(), DatapathError> {
        let zero = self.hits.buffer(Default::default());
        for counter in counters {
            self.check(*counter)?;
            self.hits.write(*counter, &zero)?;
        }
        Ok(())
    }

    fn check(&self, counter: u32) -> Result<(), DatapathError> {
        if counter as usize >= self.capacity() {
            return Err(DatapathError::UnknownCounter {
                counter,
                capacity: self.capacity(),
            });
        }
        Ok(())
    }
}
