//! Arrays written through their memory instead of a system call for each entry: `BPF_F_MMAPABLE`.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use aya::maps::MapType;

use super::table::Table;
use crate::DatapathError;
use crate::flow_cache::Words;
use bytemuck::Pod;

/// The memory of an array, shared with the kernel and the programs.
#[derive(Debug)]
pub(super) struct Memory<V> {
    table: Table<u32, V>,
    start: NonNull<V>,
    bytes: usize,
}

// SAFETY: the memory belongs to the mapping, which any thread may use.
unsafe impl<V: Pod> Send for Memory<V> {}
// SAFETY: what takes `&self` gives out atomics only; `write` takes `&mut self`.
unsafe impl<V: Pod> Sync for Memory<V> {}

impl<V: Pod> Memory<V> {
    /// The kernel rounds each value up to this (kernel/bpf/arraymap.c, `array_map_alloc`).
    const STRIDE_IS_SIZE: () = assert!(size_of::<V>().is_multiple_of(8));

    pub(super) fn open(directory: &Path, name: &'static str) -> Result<Self, DatapathError> {
        const { Self::STRIDE_IS_SIZE };
        let table: Table<u32, V> = Table::open(directory, name, MapType::Array)?;
        let bytes = table.max_entries() as usize * size_of::<V>();
        match map(table.fd(), bytes) {
            Ok(start) => Ok(Self {
                table,
                start: start.cast(),
                bytes,
            }),
            Err(source) => Err(DatapathError::MapMemory { map: name, source }),
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

impl<V: Pod + fmt::Debug> Words<AtomicU64> for Memory<V> {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has so many bytes and is aligned, for mappings start at a page; it lives as long as
        // `self`, and while `self` is borrowed this process reaches it by atomics only.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.bytes / size_of::<AtomicU64>()) }
    }
}

/// For values that are reached by words of four bytes only.
impl<V: Pod + fmt::Debug> Words<AtomicU32> for Memory<V> {
    fn words(&self) -> &[AtomicU32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.bytes / size_of::<AtomicU32>()) }
    }
}

impl<V> Drop for Memory<V> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and no reference into it outlives `self`.
        unsafe { unmap(self.start.cast(), self.bytes) };
    }
}

/// Fills an array that no program reads yet. The memory is mapped for the time of the call only.
pub(super) fn fill(array: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<()> {
    let start = map(array, bytes.len())?;
    // SAFETY: the new mapping has room for all the bytes and is nobody else's; nothing refers to it afterwards.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.as_ptr(), bytes.len());
        unmap(start, bytes.len());
    }
    Ok(())
}

/// A new mapping of so many bytes of an array.
fn map(array: BorrowedFd<'_>, bytes: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            array.as_raw_fd(),
            0,
        )
    };
    match NonNull::new(start.cast()) {
        Some(mapped) if start != libc::MAP_FAILED => Ok(mapped),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends a mapping.
///
/// # Safety
/// It was made by [`map`] with this length, and nothing refers to it any more.
unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: promised by the caller.
    let result = unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
    debug_assert_eq!(result, 0, "munmap");
}
