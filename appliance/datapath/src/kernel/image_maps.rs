//! Images in the kernel: an array of maps with two rows, each a map of exactly the pages its image needs
//! (`ebpf/include/ravelin/image.h`).

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use aya::maps::MapType;
use aya_obj::generated::bpf_map_type::BPF_MAP_TYPE_ARRAY;
use aya_obj::generated::{BPF_F_INNER_MAP, BPF_F_MMAPABLE};
use bytemuck::{Pod, Zeroable as _};
use ravelin_abi::rv_image_page;
use ravelin_compile::Image;

use super::info;
use super::memory;
use super::sys::{self, NewMap};
use super::table::Table;
use crate::DatapathError;

/// Rows of an outer map: the live generation and the other one.
const ROWS: usize = 2;

/// A pinned array of maps that holds two generations of an image.
#[derive(Debug)]
pub(super) struct ImageMap {
    outer: Table<u32, u32>,
    /// What this process put into the rows. An image of an earlier process is at work in the kernel all the same;
    /// its pages cannot be counted without CAP_SYS_ADMIN.
    generations: [Option<Arc<Generation>>; ROWS],
}

/// The map in a row.
#[derive(Debug)]
struct Generation {
    map: OwnedFd,
    pages: u32,
}

/// What the rows of an image map hold of the kernel's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held {
    /// Pages of both generations.
    pub(super) pages: u32,
    /// Bytes of both generations.
    pub(super) bytes: u64,
}

impl ImageMap {
    pub(super) fn open(directory: &Path, name: &'static str) -> Result<Self, DatapathError> {
        Ok(Self {
            outer: Table::open(directory, name, MapType::ArrayOfMaps)?,
            generations: [None, None],
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.outer.name()
    }

    /// Puts what is in the other row into this one too, which no packet may be using.
    pub(super) fn share(&mut self, row: usize) -> Result<(), DatapathError> {
        match &self.generations[1 - row] {
            Some(generation) => self.put(row, Arc::clone(generation)),
            None => Ok(()),
        }
    }

    /// Puts an image into a row, which no packet may be using. The pages of what was there are freed.
    pub(super) fn fill(&mut self, row: usize, image: &Image) -> Result<(), DatapathError> {
        let name = self.name();
        let generation = Generation::new(&format!("{name}.{row}"), image)
            .map_err(|source| DatapathError::MapMemory { map: name, source })?;
        self.put(row, Arc::new(generation))
    }

    /// The header of the image this process put into a row, as the kernel has it.
    pub(super) fn header<H: Pod>(&self, row: usize) -> Result<Option<H>, DatapathError> {
        let Some(generation) = &self.generations[row] else {
            return Ok(None);
        };
        let mut page = vec![rv_image_page::zeroed()];
        // SAFETY: `Generation::new` made the map with keys of four bytes and values of one page.
        unsafe { sys::lookup(generation.map.as_fd(), &0u32, &mut page) }.map_err(|source| {
            DatapathError::MapMemory {
                map: self.name(),
                source,
            }
        })?;
        let bytes = &bytemuck::bytes_of(&page[0])[..size_of::<H>()];
        Ok(Some(bytemuck::pod_read_unaligned(bytes)))
    }

    fn put(&mut self, row: usize, generation: Arc<Generation>) -> Result<(), DatapathError> {
        let name = self.name();
        let key = u32::try_from(row).expect("one of two");
        let map = generation.map.as_raw_fd().cast_unsigned();
        // SAFETY: the layout was asserted when the map was opened.
        unsafe { sys::update(self.outer.fd(), &key, &[map]) }
            .map_err(|source| DatapathError::WriteMap { map: name, source })?;
        self.generations[row] = Some(generation);
        Ok(())
    }

    /// Pages of the image in a row; None: this process put none there.
    pub(super) fn pages(&self, row: usize) -> Option<u32> {
        self.generations[row].as_ref().map(|generation| generation.pages)
    }

    /// What the images take.
    pub(super) fn held(&self) -> Result<Held, DatapathError> {
        let mut held = Held::default();
        let [first, second] = &self.generations;
        let second = second.as_ref().filter(|second| {
            let shared = first.as_ref().is_some_and(|first| Arc::ptr_eq(first, second));
            !shared
        });
        for generation in first.iter().chain(second) {
            held.pages += generation.pages;
            held.bytes += info::memory(generation.map.as_fd()).map_err(|source| DatapathError::ReadMap {
                map: self.name(),
                source,
            })?;
        }
        Ok(held)
    }
}

impl Generation {
    fn new(name: &str, image: &Image) -> io::Result<Self> {
        let pages = u32::try_from(image.pages()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let map = sys::create_map(&NewMap {
            name,
            kind: BPF_MAP_TYPE_ARRAY as u32,
            value_size: u32::try_from(size_of::<rv_image_page>()).expect("64 KiB"),
            max_entries: pages,
            flags: BPF_F_MMAPABLE | BPF_F_INNER_MAP,
            inner: None,
        })?;
        memory::fill(map.as_fd(), image.bytes())?;
        Ok(Self { map, pages })
    }
}
