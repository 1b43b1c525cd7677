//! Keyed hash of a flow: the same numbers as `ebpf/include/ravelin/fast.h`, held together by tests/bpf.

use ravelin_abi::rv_fast_limit::{RV_FAST_SLOT_BITS, RV_FAST_TAG_SHIFT};

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const END: u64 = 0xbf58_476d_1ce4_e5b9;

/// Where a flow lies in an index, but for the number of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowHash(pub(crate) u64);

impl FlowHash {
    /// Of the addresses in words of eight bytes, and the ports in one of four, as they lie in memory.
    pub(crate) fn new<const N: usize>(seed: u64, addresses: [u64; N], ports: u32, protocol: u8) -> Self {
        let hash = addresses.into_iter().fold(seed, step);
        let hash = step(hash, u64::from(protocol) << 32 | u64::from(ports)).wrapping_mul(END);
        Self(hash ^ hash >> 29)
    }

    /// The bucket it belongs into.
    pub(crate) fn bucket(self, mask: u32) -> usize {
        let [low, _] = halves(self.0);
        (low & mask) as usize
    }

    /// The word that names a slot under this hash.
    pub(crate) fn word(self, slot: u32) -> u32 {
        let [tag, _] = halves(self.0 >> RV_FAST_TAG_SHIFT);
        tag << RV_FAST_SLOT_BITS | slot
    }
}

fn step(hash: u64, word: u64) -> u64 {
    let hash = (hash ^ word).wrapping_mul(STEP);
    hash ^ hash >> 32
}

/// Low and high half.
#[allow(clippy::cast_possible_truncation, reason = "the halves are taken")]
fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}
