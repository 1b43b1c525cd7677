//! Arrays written through their memory instead of a system call for each entry: `BPF_F_MMAPABLE`.

use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use aya::maps::MapType;

use super::plain::Plain;
use super::table::Table;
use crate::DatapathError;

/// The memory of an array, shared with the kernel and the programs.
#[derive(Debug)]
pub(super) struct Memory<V> {
    table: Table<u32, V>,
    start: NonNull<V>,
    bytes: usize,
}

// SAFETY: the memory belongs to the mapping, which any thread may use; `write` takes `&mut self`.
unsafe impl<V: Plain> Send for Memory<V> {}

impl<V: Plain> Memory<V> {
    /// The kernel rounds each value up to this (kernel/bpf/arraymap.c, `array_map_alloc`).
    const STRIDE_IS_SIZE: () = assert!(size_of::<V>().is_multiple_of(8));

    pub(super) fn open(directory: &Path, name: &'static str) -> Result<Self, DatapathError> {
        const { Self::STRIDE_IS_SIZE };
        let table: Table<u32, V> = Table::open(directory, name, MapType::Array)?;
        let bytes = table.max_entries() as usize * size_of::<V>();
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                table.fd().as_raw_fd(),
                0,
            )
        };
        let failed = start == libc::MAP_FAILED;
        match NonNull::new(start.cast::<V>()) {
            Some(start) if !failed => Ok(Self { table, start, bytes }),
            _ => Err(DatapathError::MapMemory {
                map: name,
                source: io::Error::last_os_error(),
            }),
        }
    }

    /// Values it holds.
    pub(super) fn len(&self) -> usize {
        self.bytes / size_of::<V>()
    }

    /// Overwrites the values from `at` on. A program that reads them meanwhile may see a mixture: write only
    /// what no program reads.
    pub(super) fn write(&mut self, at: usize, values: &[V]) {
        let end = at.checked_add(values.len());
        assert!(
            end.is_some_and(|end| end <= self.len()),
            "{} values at {at} of map '{}'",
            values.len(),
            self.table.name()
        );
        // SAFETY: the range lies within the mapping, `values` is memory of ours outside of it, and no reference
        // into the mapping exists while `self` is borrowed mutably.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.as_ptr().add(at), values.len()) };
    }
}

impl<V> Memory<V> {
    /// A word of the memory, by its byte offset.
    pub(super) fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(
            offset.is_multiple_of(8) && offset + 8 <= self.bytes,
            "the word is in the map"
        );
        // SAFETY: the word lies within the mapping and is aligned, for mappings start at a page; it lives as long
        // as `self`, and everyone else, the programs included, reads it whole.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().byte_add(offset).cast()) }
    }
}

impl<V> Drop for Memory<V> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and no reference into it outlives `self`.
        let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(result, 0, "munmap");
    }
}
