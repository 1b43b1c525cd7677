//! The maps of the block list.

use std::path::Path;

use ravelin_abi::rv_counter;
use ravelin_compile::{AddressImage, ImageTooLarge};

use super::control::{Control, Halved};
use super::image_maps::ImageMap;
use super::table::PerCpuArray;
use crate::{DatapathError, HitCounter};

/// The index and the hits of its entries.
#[derive(Debug)]
pub(super) struct AddressTables {
    pub(super) index: ImageMap,
    hits: PerCpuArray<rv_counter>,
}

impl AddressTables {
    pub(super) fn open(directory: &Path) -> Result<Self, DatapathError> {
        Ok(Self {
            index: ImageMap::open(directory, "xdp_blocklist")?,
            hits: PerCpuArray::open(directory, "blocklist_hits")?,
        })
    }

    /// Entries that fit, which is the number of hit counters.
    pub(super) fn capacity(&self) -> usize {
        self.hits.max_entries() as usize
    }

    /// Fills the free row and makes it the live one.
    pub(super) fn load(&mut self, control: &mut Control, image: &AddressImage) -> Result<(), DatapathError> {
        if image.entries() > self.capacity() {
            return Err(DatapathError::TooLarge(ImageTooLarge {
                what: "addresses",
                needed: image.entries(),
                capacity: self.capacity(),
            }));
        }
        let row = control.free_half(Halved::Addresses)?;
        self.index.fill(row, image.image())?;
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
