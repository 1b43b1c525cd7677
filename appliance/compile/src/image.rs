//! Images: the bytes a compiler hands to the data plane (`ebpf/include/ravelin/image.h`).

use bytemuck::Pod;
use ravelin_abi::rv_image_limit::{RV_IMAGE_PAGE_BYTES, RV_IMAGE_SLOT_BYTES};

const SLOT: usize = RV_IMAGE_SLOT_BYTES as usize;
const PAGE: usize = RV_IMAGE_PAGE_BYTES as usize;
const WORD: usize = size_of::<u64>();

/// A run of whole pages, addressed in slots of 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    // Words, so that every struct in it is aligned.
    words: Vec<u64>,
}

impl Image {
    /// The bytes, a multiple of the page size.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    /// Pages it takes.
    pub fn pages(&self) -> usize {
        self.bytes().len() / PAGE
    }

    /// The struct at a slot, as a program would read it.
    ///
    /// # Panics
    /// The image ends before the struct does.
    pub fn get<T: Pod>(&self, slot: u32) -> T {
        let at = slot as usize * SLOT;
        bytemuck::pod_read_unaligned(&self.bytes()[at..at + size_of::<T>()])
    }
}

/// Makes an image from its beginning on; slot 0 is kept for the header.
#[derive(Debug)]
pub(crate) struct ImageBuilder {
    words: Vec<u64>,
    /// Bytes in use; those behind it in the last word are 0.
    length: usize,
}

impl ImageBuilder {
    /// An image with room for a header of so many bytes.
    pub(crate) fn new(header_bytes: usize) -> Self {
        let mut image = Self {
            words: Vec::with_capacity(PAGE / WORD),
            length: 0,
        };
        image.resize(header_bytes.next_multiple_of(SLOT));
        image
    }

    /// The slot the next value goes to, after filling up to a multiple of `bytes`, a power of two of at least a slot
    /// and at most a page.
    pub(crate) fn align(&mut self, bytes: usize) -> u32 {
        debug_assert!(bytes.is_power_of_two() && (SLOT..=PAGE).contains(&bytes));
        self.resize(self.length.next_multiple_of(bytes));
        self.slot()
    }

    /// Fills up to the next page unless so many bytes still fit on this one.
    pub(crate) fn keep_together(&mut self, bytes: usize) -> u32 {
        debug_assert!(bytes <= PAGE);
        let left = PAGE - self.length % PAGE;
        if bytes > left {
            self.align(PAGE);
        }
        self.align(SLOT)
    }

    /// Appends a value.
    pub(crate) fn push<T: Pod>(&mut self, value: &T) {
        self.extend(std::slice::from_ref(value));
    }

    /// Appends values.
    pub(crate) fn extend<T: Pod>(&mut self, values: &[T]) {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let (whole, rest) = bytes.as_chunks::<WORD>();
        if self.length.is_multiple_of(WORD) && rest.is_empty() {
            self.words
                .extend(whole.iter().map(|word| u64::from_ne_bytes(*word)));
            self.length += bytes.len();
        } else {
            let at = self.length;
            self.resize(at + bytes.len());
            self.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Overwrites what is at a slot.
    pub(crate) fn set<T: Pod>(&mut self, slot: u32, value: &T) {
        let at = slot as usize * SLOT;
        self.bytes_mut()[at..at + size_of::<T>()].copy_from_slice(bytemuck::bytes_of(value));
    }

    /// Writes the header and fills the last page.
    pub(crate) fn finish<H: Pod>(mut self, header: &H) -> Image {
        self.set(0, header);
        self.align(PAGE);
        Image { words: self.words }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.words)
    }

    fn resize(&mut self, bytes: usize) {
        self.words.resize(bytes.div_ceil(WORD), 0);
        self.length = bytes;
    }

    fn slot(&self) -> u32 {
        u32::try_from(self.length / SLOT).expect("an image of less than 64 GiB")
    }
}
