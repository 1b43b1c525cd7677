//! Address -> value, as the programs look it up (`ebpf/include/ravelin/index.h`).

mod directory;
mod reader;
mod rows;

use bytemuck::Pod;
use ravelin_abi::{rv_index_header, rv_index_row4, rv_index_row6};

use self::directory::Directories;
pub use self::reader::AddressIndexReader;
use self::rows::{rows4, rows6};
use crate::image::{Image, ImageBuilder};

/// Maker of images that map addresses of both families to values.
#[derive(Debug)]
pub enum AddressIndex {}

impl AddressIndex {
    /// The image of ranges `(first, last, value)`, both ends included; sorted, disjoint, no value 0. Takes a step
    /// for each range and about two for each entry of the directories, which are about as many.
    pub fn build(v4: &[(u32, u32, u32)], v6: &[(u128, u128, u32)]) -> Image {
        Self::build_with::<u64>(v4, v6, &[])
    }

    /// The same, with what belongs to the values behind it: `details` from `rv_index_header.details` on.
    pub(crate) fn build_with<D: Pod>(
        v4: &[(u32, u32, u32)],
        v6: &[(u128, u128, u32)],
        details: &[D],
    ) -> Image {
        let mut image = ImageBuilder::new(size_of::<rv_index_header>());
        let (rows4, reach4) = rows4(v4);
        let (rows6, reach6) = rows6(v6);
        let first_row4 = image.align(size_of::<rv_index_row4>());
        image.extend(&rows4);
        let first_row6 = image.align(size_of::<rv_index_row6>());
        image.extend(&rows6);
        let first_detail = image.align(size_of::<D>().next_multiple_of(16));
        image.extend(details);
        let mut directories = Directories::behind(image.align(16));
        let root = [
            directories.root(&reach4, first_row4, 1),
            directories.root(&reach6, first_row6, 2),
        ];
        image.extend(directories.entries());
        image.finish(&rv_index_header {
            root,
            details: first_detail,
            pad: [0; 3],
        })
    }
}
