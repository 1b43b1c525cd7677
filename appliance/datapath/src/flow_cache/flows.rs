//! The slots of a map of flows.

use std::marker::PhantomData;
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use bytemuck::Zeroable as _;
use ravelin_abi::rv_fast_limit::RV_FAST_LEARNING;
use ravelin_abi::{rv_fast_counts, rv_fast_rest};

use super::family::{Family, Head, Parts};
use super::words::Words;

/// Words of `rv_fast_counts` and `rv_fast_rest`.
const REFRESHED: usize = offset_of!(rv_fast_counts, refreshed_ns) / 8;
const INSERTED: usize = offset_of!(rv_fast_rest, inserted_ns) / 8;

/// The map `fast_flow4` or `fast_flow6`. Cheap to clone: it is the same memory.
#[derive(Debug)]
pub(super) struct Flows<F> {
    memory: Arc<dyn Words<AtomicU64>>,
    _family: PhantomData<fn() -> F>,
}

impl<F> Clone for Flows<F> {
    fn clone(&self) -> Self {
        Self {
            memory: Arc::clone(&self.memory),
            _family: PhantomData,
        }
    }
}

impl<F: Family> Flows<F> {
    pub(super) fn new(memory: Arc<dyn Words<AtomicU64>>) -> Self {
        Self {
            memory,
            _family: PhantomData,
        }
    }

    /// Slots, those never used included.
    pub(super) fn len(&self) -> usize {
        self.memory.words().len() / F::WORDS
    }

    fn slot(&self, slot: u32) -> &[AtomicU64] {
        let start = slot as usize * F::WORDS;
        &self.memory.words()[start..start + F::WORDS]
    }

    /// Fills a slot no program reads.
    pub(super) fn write(&mut self, slot: u32, parts: Parts<F::Tuple>) {
        let words = self.slot(slot);
        let [version, _] = split(words[F::REST].load(Relaxed));
        let connection = parts.rest.connection;
        // Odd, whatever it was: a process may have been killed in here.
        let writing = version | 1;
        words[F::REST].store(join([writing, connection]), Relaxed);
        fence(Release);
        let flow = [F::flow(parts)];
        let new: &[u64] = bytemuck::cast_slice(&flow);
        for (at, (word, new)) in words.iter().zip(new).enumerate() {
            if at != F::REST {
                word.store(*new, Relaxed);
            }
        }
        words[F::REST].store(join([writing.wrapping_add(1), connection]), Release);
    }

    /// What a slot holds; for the one writer, who knows that nobody else writes but programs.
    pub(super) fn read(&self, slot: u32) -> Parts<F::Tuple> {
        load::<F>(self.slot(slot))
    }

    /// What two slots hold, for everybody else; None while one of them is written.
    pub(super) fn read_whole(&self, slots: [u32; 2]) -> Option<[Parts<F::Tuple>; 2]> {
        let slots = slots.map(|slot| self.slot(slot));
        let before = slots.map(|words| words[F::REST].load(Acquire));
        let parts = slots.map(load::<F>);
        fence(Acquire);
        let after = slots.map(|words| words[F::REST].load(Relaxed));
        let written = before.iter().any(|word| is_written(*word));
        (before == after && !written).then_some(parts)
    }

    /// What matters to whoever looks for a tuple.
    pub(super) fn is(&self, slot: u32, key: &F::Tuple, protocol: u8) -> bool {
        let parts = self.read(slot);
        parts.key == *key && parts.head.protocol == protocol
    }

    pub(super) fn head(&self, slot: u32) -> Head {
        Head::of_word(self.slot(slot)[F::HEAD].load(Relaxed))
    }

    /// Changes the head while programs may change the state; returns what it was. None from `change`: stay so.
    pub(super) fn change_head(&mut self, slot: u32, change: impl Fn(Head) -> Option<Head>) -> Head {
        let word = &self.slot(slot)[F::HEAD];
        let changed = word.fetch_update(AcqRel, Acquire, |word| {
            change(Head::of_word(word)).map(Head::word)
        });
        Head::of_word(changed.unwrap_or_else(|unchanged| unchanged))
    }

    /// Has an idle flow count as new. Its next packet goes up and renews what the kernel knows of it.
    pub(super) fn renew(&mut self, slot: u32, now_ns: u64) {
        let words = self.slot(slot);
        words[F::COUNTS + REFRESHED].store(0, Relaxed);
        words[F::REST + INSERTED].store(now_ns, Relaxed);
    }
}

fn load<F: Family>(words: &[AtomicU64]) -> Parts<F::Tuple> {
    let mut flow = [F::Flow::zeroed()];
    let into: &mut [u64] = bytemuck::cast_slice_mut(&mut flow);
    for (into, word) in into.iter_mut().zip(words) {
        *into = word.load(Acquire);
    }
    let mut parts = F::parts(&flow[0]);
    // Programs take this number away before they change the path, and set another afterwards.
    fence(Acquire);
    let [generation, _] = split(words[F::PATH].load(Relaxed));
    if generation != parts.path.generation {
        parts.path.generation = RV_FAST_LEARNING;
    }
    parts
}

/// Whether the process that wrote this is, or was killed, in the middle of writing.
fn is_written(version_and_connection: u64) -> bool {
    let [version, _] = split(version_and_connection);
    !version.is_multiple_of(2)
}

/// Two fields of four bytes as they lie in a word.
fn join(fields: [u32; 2]) -> u64 {
    bytemuck::cast(fields)
}

fn split(word: u64) -> [u32; 2] {
    bytemuck::cast(word)
}
