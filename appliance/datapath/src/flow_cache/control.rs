//! The map `fast_control`: times, seed and generation.

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use ravelin_abi::rv_fast_control;
use ravelin_abi::rv_fast_limit::RV_FAST_LEARNING;

use super::words::Words;
use crate::{CacheTiming, clock};

const ALIVE_UNTIL: usize = offset_of!(rv_fast_control, alive_until_ns) / 8;
const SEED: usize = offset_of!(rv_fast_control, seed) / 8;
const TCP_REFRESH: usize = offset_of!(rv_fast_control, tcp_refresh_ns) / 8;
const UDP_REFRESH: usize = offset_of!(rv_fast_control, udp_refresh_ns) / 8;
const TCP_IDLE: usize = offset_of!(rv_fast_control, tcp_idle_ns) / 8;
const UDP_IDLE: usize = offset_of!(rv_fast_control, udp_idle_ns) / 8;
/// Generation and the mask of IPv4.
const GENERATION: usize = offset_of!(rv_fast_control, generation) / 8;
/// The mask of IPv6.
const MASK6: usize = offset_of!(rv_fast_control, bucket_mask6) / 8;

/// Words of the map.
pub(crate) const CONTROL_WORDS: usize = size_of::<rv_fast_control>() / 8;

/// What times and paths are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now_ns: u64,
    pub(super) generation: u32,
}

impl Moment {
    pub(super) fn since(self, then_ns: u64) -> Duration {
        Duration::from_nanos(self.now_ns.saturating_sub(then_ns))
    }

    /// So long ago. Never 0, which says never.
    pub(super) fn before(self, time: Duration) -> u64 {
        self.now_ns.saturating_sub(nanoseconds(time)).max(1)
    }
}

/// The one entry of the map. Cheap to clone: it is the same memory.
#[derive(Debug, Clone)]
pub(super) struct Control(Arc<dyn Words<AtomicU64>>);

impl Control {
    pub(super) fn new(memory: Arc<dyn Words<AtomicU64>>) -> Self {
        Self(memory)
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.0.words()[at]
    }

    /// Whether nobody ever set it up: the maps are new, and empty.
    pub(super) fn is_new(&self) -> bool {
        self.seed() == 0
    }

    /// Whether it is set up, for so many buckets.
    pub(super) fn is_set_up(&self, masks: [u32; 2]) -> bool {
        let [generation, mask4] = split(self.word(GENERATION).load(Relaxed));
        let [mask6, _] = split(self.word(MASK6).load(Relaxed));
        !self.is_new() && [mask4, mask6] == masks && generation != 0 && generation != RV_FAST_LEARNING
    }

    /// Sets it up. Nothing is forwarded yet.
    pub(super) fn set_up(&mut self, seed: u64, [mask4, mask6]: [u32; 2]) {
        self.word(ALIVE_UNTIL).store(0, Release);
        self.word(GENERATION).store(join([1, mask4]), Release);
        self.word(MASK6).store(join([mask6, 0]), Release);
        // 0 says that it is new.
        self.word(SEED).store(seed.max(1), Release);
    }

    pub(super) fn seed(&self) -> u64 {
        self.word(SEED).load(Acquire)
    }

    pub(super) fn moment(&self) -> Moment {
        let [generation, _] = split(self.word(GENERATION).load(Acquire));
        Moment {
            now_ns: now_ns(),
            generation,
        }
    }

    /// From now on; zero: it ends at once.
    pub(super) fn keep_alive(&mut self, time: Duration) {
        let until = match time {
            Duration::ZERO => 0,
            time => now_ns().saturating_add(nanoseconds(time)),
        };
        self.word(ALIVE_UNTIL).store(until, Release);
    }

    pub(super) fn next_generation(&mut self) {
        let [generation, mask4] = split(self.word(GENERATION).load(Relaxed));
        let next = match generation.wrapping_add(1) {
            0 | RV_FAST_LEARNING => 1,
            next => next,
        };
        self.word(GENERATION).store(join([next, mask4]), Release);
    }

    pub(super) fn set_timing(&mut self, timing: &CacheTiming) {
        let CacheTiming {
            tcp_refresh,
            udp_refresh,
            tcp_idle,
            udp_idle,
        } = *timing;
        for (at, time) in [
            (TCP_REFRESH, tcp_refresh),
            (UDP_REFRESH, udp_refresh),
            (TCP_IDLE, tcp_idle),
            (UDP_IDLE, udp_idle),
        ] {
            self.word(at).store(nanoseconds(time), Relaxed);
        }
    }
}

/// By the clock of the programs. Without one everything is long ago, and nothing is forwarded.
fn now_ns() -> u64 {
    clock::now().map_or(0, nanoseconds)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Two fields of four bytes as they lie in a word.
fn join(fields: [u32; 2]) -> u64 {
    bytemuck::cast(fields)
}

fn split(word: u64) -> [u32; 2] {
    bytemuck::cast(word)
}
