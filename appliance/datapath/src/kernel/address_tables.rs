//! The maps of the block list.

use std::path::Path;

use ravelin_compile::{AddressImage, ImageTooLarge};

use super::control::{Control, Halved};
use super::hit_counter::HitCounters;
use super::image_maps::ImageMap;
use crate::DatapathError;

/// The index and the hits of its entries.
#[derive(Debug)]
pub(super) struct AddressTables {
    pub(super) index: ImageMap,
    pub(super) hits: HitCounters,
}

impl AddressTables {
    pub(super) fn open(directory: &Path) -> Result<Self, DatapathError> {
        Ok(Self {
            index: ImageMap::open(directory, "xdp_blocklist")?,
            hits: HitCounters::open(directory, "blocklist_hits")?,
        })
    }

    /// Entries that fit, which is the number of hit counters.
    pub(super) fn capacity(&self) -> usize {
        self.hits.capacity()
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
}
