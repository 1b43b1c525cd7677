//! The maps of the name table.

use std::path::Path;

use ravelin_abi::{rv_counter, rv_name_bucket};
use ravelin_compile::{ImageTooLarge, NameImage};

use super::control::{Control, Halved};
use super::memory::Memory;
use super::table::PerCpuArray;
use crate::{DatapathError, HitCounter};

/// Buckets and the hits of their sets.
#[derive(Debug)]
pub(super) struct NameTables {
    buckets: Memory<rv_name_bucket>,
    hits: PerCpuArray<rv_counter>,
    /// Buckets of the live half; None: an earlier process filled it.
    pub(super) rows: Option<usize>,
    /// Sets whose hits may not be 0: those of the live half, or all if an earlier process filled it.
    sets: usize,
}

impl NameTables {
    pub(super) fn open(directory: &Path) -> Result<Self, DatapathError> {
        let hits: PerCpuArray<rv_counter> = PerCpuArray::open(directory, "dns_hits")?;
        Ok(Self {
            buckets: Memory::open(directory, "dns_blocklist")?,
            sets: hits.max_entries() as usize / 2,
            hits,
            rows: None,
        })
    }

    /// Buckets that fit.
    pub(super) fn capacity(&self) -> usize {
        self.buckets.len() / 2
    }

    /// Fills the free half, makes it the live one, and has the hits start anew.
    pub(super) fn load(&mut self, control: &mut Control, image: &NameImage) -> Result<(), DatapathError> {
        let needed = image.buckets.len();
        let mask = u32::try_from(needed.saturating_sub(1)).ok();
        let mask = mask.filter(|_| needed <= self.capacity()).ok_or(ImageTooLarge {
            what: "name buckets",
            needed,
            capacity: self.capacity(),
        })?;
        let half = control.free_half(Halved::Names)?;
        self.buckets.write(half * self.capacity(), &image.buckets);
        control.set_name_table(half, image.key, mask);
        self.rows = Some(needed);
        control.flip(Halved::Names)?;
        // Only now nobody counts by the old numbers. What the new table counted in between is lost.
        let used = std::mem::replace(&mut self.sets, image.sets.len()).max(image.sets.len());
        let zero = self.hits.buffer(rv_counter::default());
        for row in 0..u32::try_from(used * 2)
            .unwrap_or(u32::MAX)
            .min(self.hits.max_entries())
        {
            self.hits.write(row, &zero)?;
        }
        Ok(())
    }

    pub(super) fn hits(&self, sets: usize) -> Result<Vec<(HitCounter, HitCounter)>, DatapathError> {
        let mut buffer = self.hits.buffer(rv_counter::default());
        let mut read = |row| {
            self.hits.read(row, &mut buffer)?;
            Ok::<_, DatapathError>(HitCounter::sum(&buffer))
        };
        let rows = self.hits.max_entries();
        (0..rows)
            .step_by(2)
            .take(sets)
            .map(|row| Ok((read(row)?, read(row + 1)?)))
            .collect()
    }
}
