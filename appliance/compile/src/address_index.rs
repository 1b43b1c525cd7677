//! Address -> value, as the programs look it up (`ebpf/include/ravelin/index.h`).

mod directory;
mod reader;
mod row;

use bytemuck::Pod;
use ravelin_abi::rv_index_header;

use self::directory::Directories;
pub use self::reader::AddressIndexReader;
use self::row::{Row, rows4, rows6};
use crate::image::{Image, ImageBuilder};

/// Maker of images that map addresses of both families to values.
#[derive(Debug)]
pub enum AddressIndex {}

impl AddressIndex {
    /// The image of ranges `(first, last, value)`, both ends included; sorted, disjoint, no value 0. Takes a step
    /// for each range and each bucket of the directories, which are as many at most.
    pub fn build(v4: &[(u32, u32, u32)], v6: &[(u128, u128, u32)]) -> Image {
        Self::build_with::<u128>(v4, v6, &[])
    }

    /// The same, with what belongs to the values behind it: `details` from `rv_index_header.details` on, each a power
    /// of two of slots.
    pub(crate) fn build_with<D: Pod>(
        v4: &[(u32, u32, u32)],
        v6: &[(u128, u128, u32)],
        details: &[D],
    ) -> Image {
        let mut image = ImageBuilder::new(size_of::<rv_index_header>());
        let header = rv_index_header {
            details: image.align(size_of::<D>()),
            ..rv_index_header::default()
        };
        image.extend(details);
        let root4 = family(&mut image, &rows4(v4));
        let root6 = family(&mut image, &rows6(v6));
        image.finish(&rv_index_header {
            root: [root4, root6],
            ..header
        })
    }
}

/// Appends what leads to sorted rows.
fn family<R: Row>(image: &mut ImageBuilder, rows: &[R]) -> ravelin_abi::rv_index_link {
    let first = image.align(directory::bucket_slots::<R>() as usize * 16);
    let mut directories = Directories::behind(first);
    let root = directories.root(rows);
    image.extend(directories.rows());
    root
}
