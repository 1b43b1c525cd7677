//! Counters of the programs as one number.

use ravelin_abi::rv_counter;

use crate::HitCounter;

impl HitCounter {
    /// Sums the counters of all CPUs.
    pub(super) fn sum<'a>(cpus: impl IntoIterator<Item = &'a rv_counter>) -> Self {
        cpus.into_iter().fold(Self::default(), |sum, cpu| Self {
            packets: sum.packets.wrapping_add(cpu.packets),
            bytes: sum.bytes.wrapping_add(cpu.bytes),
        })
    }
}
