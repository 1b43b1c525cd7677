//! An index: buckets of words that name slots.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use ravelin_abi::rv_fast_limit::{RV_FAST_BUCKET_WORDS, RV_FAST_SLOT};

use super::hash::FlowHash;
use super::words::Words;

/// Words of a bucket.
pub(crate) const BUCKET_WORDS: usize = RV_FAST_BUCKET_WORDS as usize;
/// Slots that a bucket of a full map holds on average, at most.
const AVERAGE: u32 = 4;

/// Buckets for so many connections of two slots each.
pub(crate) fn bucket_count(connections: u32) -> u32 {
    connections.div_ceil(AVERAGE / 2).next_power_of_two()
}

/// What a hash is cut to for an index of so many words, a power of two of buckets.
pub(super) fn mask(words: usize) -> u32 {
    let buckets = u32::try_from(words / BUCKET_WORDS).unwrap_or(0);
    debug_assert!(buckets.is_power_of_two(), "{buckets} buckets");
    buckets.wrapping_sub(1)
}

/// The map `fast_index4` or `fast_index6`. Cheap to clone: it is the same memory.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    memory: Arc<dyn Words<AtomicU32>>,
    mask: u32,
}

/// Where a word is, among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

impl Buckets {
    pub(super) fn new(memory: Arc<dyn Words<AtomicU32>>) -> Self {
        Self {
            mask: mask(memory.words().len()),
            memory,
        }
    }

    fn bucket(&self, hash: FlowHash) -> (usize, &[AtomicU32]) {
        let start = hash.bucket(self.mask) * BUCKET_WORDS;
        (start, &self.memory.words()[start..start + BUCKET_WORDS])
    }

    /// The slots that may be those of a hash.
    pub(super) fn candidates(&self, hash: FlowHash) -> impl Iterator<Item = u32> {
        let (_, bucket) = self.bucket(hash);
        bucket.iter().filter_map(move |word| {
            let word = word.load(Acquire);
            let slot = word & RV_FAST_SLOT;
            (slot != 0 && word == hash.word(slot)).then_some(slot)
        })
    }

    /// A free word for each of two hashes.
    pub(super) fn room(&self, hashes: [FlowHash; 2]) -> Option<[Place; 2]> {
        let free = |hash| {
            let (start, bucket) = self.bucket(hash);
            let free = bucket
                .iter()
                .enumerate()
                .filter(|(_, word)| word.load(Relaxed) == 0);
            free.map(move |(at, _)| Place(start + at))
        };
        let [first, second] = hashes;
        let first = free(first).next()?;
        // Both may be of the same bucket.
        let second = free(second).find(|place| *place != first)?;
        Some([first, second])
    }

    /// Names a slot. Everything written before is seen by who finds it.
    pub(super) fn set(&mut self, place: Place, hash: FlowHash, slot: u32) {
        self.memory.words()[place.0].store(hash.word(slot), Release);
    }

    /// Has nobody find a slot any more.
    pub(super) fn clear(&mut self, hash: FlowHash, slot: u32) {
        let (_, bucket) = self.bucket(hash);
        if let Some(word) = bucket.iter().find(|word| word.load(Relaxed) == hash.word(slot)) {
            word.store(0, Release);
        }
    }

    /// Every word that is not free, with the slot it names.
    pub(super) fn named(&self) -> impl Iterator<Item = (Place, u32)> {
        let words = self.memory.words().iter().enumerate();
        words.filter_map(|(at, word)| {
            let word = word.load(Acquire);
            (word != 0).then_some((Place(at), word & RV_FAST_SLOT))
        })
    }

    /// Whether a word is where a hash belongs and names the slot by it.
    pub(super) fn belongs(&self, place: Place, hash: FlowHash, slot: u32) -> bool {
        place.0 / BUCKET_WORDS == hash.bucket(self.mask)
            && self.memory.words()[place.0].load(Relaxed) == hash.word(slot)
    }

    /// Frees a word.
    pub(super) fn free(&mut self, place: Place) {
        self.memory.words()[place.0].store(0, Release);
    }
}
