//! A cache of a few connections, its memory, and connections to put in.

use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};

use ravelin_abi::rv_fast_limit::RV_FAST_SLOT;
use ravelin_abi::{rv_fast_control, rv_fast_flow4, rv_fast_flow6};
use ravelin_model::{FlowTuple, protocol};

use crate::flow_cache::cache::{CacheFigures, CacheMemory, Platform, TableCache};
use crate::flow_cache::family::{Family as _, Four};
use crate::flow_cache::{BUCKET_WORDS, CONTROL_WORDS, Heap, slot_count, words::Words};
use crate::{CachePort, CachedFlow, CachedState, DatapathError, FlowCache as _};

pub(super) const SEED: u64 = 0x0123_4567_89ab_cdef;

/// Nobody runs programs here: what is taken out is free at once.
#[derive(Debug)]
pub(super) struct Nobody;

impl Platform for Nobody {
    fn wait(&self) -> Result<(), DatapathError> {
        Ok(())
    }

    fn set_ports(&mut self, _: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        Ok(Vec::new())
    }
}

/// The memory of a cache, which outlives it.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) index: [Arc<Heap<AtomicU32>>; 2],
    pub(super) flows: [Arc<Heap<AtomicU64>>; 2],
    control: Arc<Heap<AtomicU64>>,
    pub(super) figures: Arc<CacheFigures>,
}

impl Ground {
    /// Room for so many connections of a family, and so many buckets.
    pub(super) fn new(connections: u32, buckets: usize) -> Self {
        let slots = slot_count(connections) as usize;
        Self {
            index: [(); 2].map(|()| Arc::new(Heap::new(buckets * BUCKET_WORDS))),
            flows: [size_of::<rv_fast_flow4>(), size_of::<rv_fast_flow6>()]
                .map(|bytes| Arc::new(Heap::new(slots * bytes / 8))),
            control: Arc::new(Heap::new(CONTROL_WORDS)),
            figures: Arc::default(),
        }
    }

    /// What a process does that starts with this memory.
    pub(super) fn open(&self) -> TableCache<Nobody> {
        let [index4, index6] = self.index.clone();
        let [flows4, flows6] = self.flows.clone();
        let memory = CacheMemory {
            control: self.control.clone(),
            index4,
            index6,
            flows4,
            flows6,
        };
        TableCache::open(memory, Nobody, SEED, Arc::clone(&self.figures))
    }

    /// What the map `fast_control` holds.
    pub(super) fn control(&self) -> rv_fast_control {
        let words: Vec<u64> = self
            .control
            .words()
            .iter()
            .map(|word| word.load(SeqCst))
            .collect();
        *bytemuck::from_bytes(bytemuck::cast_slice(&words))
    }

    /// Sets the generation to what only many changes would bring it to.
    pub(super) fn set_generation(&self, generation: u32) {
        let word = &self.control.words()[offset_of!(rv_fast_control, generation) / 8];
        let [_, mask]: [u32; 2] = bytemuck::cast(word.load(SeqCst));
        word.store(bytemuck::cast([generation, mask]), SeqCst);
    }

    /// Slots the index of a family names, sorted; a slot named twice is there twice.
    pub(super) fn named(&self, family: usize) -> Vec<u32> {
        let words = self.index[family].words().iter().map(|word| word.load(SeqCst));
        let mut slots: Vec<u32> = words
            .filter(|word| *word != 0)
            .map(|word| word & RV_FAST_SLOT)
            .collect();
        slots.sort_unstable();
        slots
    }

    /// The words of a slot of IPv4.
    pub(super) fn slot4(&self, slot: u32) -> &[AtomicU64] {
        const WORDS: usize = size_of::<rv_fast_flow4>() / 8;
        &self.flows[0].words()[slot as usize * WORDS..][..WORDS]
    }

    /// Does what a program does to a flow of IPv4.
    pub(super) fn change4(&self, slot: u32, change: impl FnOnce(&mut rv_fast_flow4)) {
        let words = self.slot4(slot);
        let mut flow = self.flow4(slot);
        change(&mut flow);
        let new: &[u64] = bytemuck::cast_slice(std::slice::from_ref(&flow));
        for (word, new) in words.iter().zip(new) {
            word.store(*new, SeqCst);
        }
    }

    /// A flow of IPv4.
    pub(super) fn flow4(&self, slot: u32) -> rv_fast_flow4 {
        let words: Vec<u64> = self.slot4(slot).iter().map(|word| word.load(SeqCst)).collect();
        *bytemuck::from_bytes(bytemuck::cast_slice(&words))
    }

    /// The slots of a connection of IPv4: its own direction and the other.
    pub(super) fn slots4(&self, flow: &CachedFlow) -> [u32; 2] {
        let of = |tuple: &FlowTuple| {
            let is = |there: rv_fast_flow4| Four::flow_tuple(&there.key, there.protocol) == *tuple;
            let found = self.named(0).into_iter().find(|slot| is(self.flow4(*slot)));
            found.expect("the connection is in the cache")
        };
        [of(&flow.original), of(&flow.reply)]
    }
}

/// An address of a family (4 or 6) by number.
pub(super) fn address(family: u8, number: u16) -> IpAddr {
    let [a, b] = number.to_be_bytes();
    match family {
        4 => Ipv4Addr::new(198, 51, a, b).into(),
        _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number).into(),
    }
}

/// A TCP connection from client `number` to a server, whose source is translated to a port of our own.
pub(super) fn translated(family: u8, number: u16, port: u16) -> CachedFlow {
    let original = FlowTuple {
        source: address(family, number),
        destination: address(family, 0xff00),
        protocol: protocol::TCP,
        source_port: 30_000 + number,
        destination_port: 443,
    };
    CachedFlow {
        connection: 7000 + u32::from(number),
        original,
        reply: FlowTuple {
            destination: address(family, 0xfe00),
            destination_port: port,
            ..original.inverted()
        },
        counter: 5,
    }
}

/// The same without translation.
pub(super) fn plain(family: u8, number: u16) -> CachedFlow {
    let flow = translated(family, number, 0);
    CachedFlow {
        reply: flow.original.inverted(),
        ..flow
    }
}

/// Everything in a cache, by connection.
pub(super) fn all(cache: &TableCache<Nobody>) -> Vec<CachedState> {
    let mut states = Vec::new();
    cache.for_each(&mut |state| states.push(*state));
    states.sort_by_key(|state| (state.flow.original, state.flow.reply));
    states
}
