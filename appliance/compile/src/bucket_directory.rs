//! The directory in front of the ranges: 16 address bits -> the few ranges a search must look at.

use std::ops::RangeInclusive;

use ravelin_abi::{rv_blocklist_limit::RV_BLOCKLIST_BUCKETS, rv_bucket};

/// Most leading bits the IPv6 directory skips: 16 of the high word must be left to index it.
const SKIP6_MAX: u32 = 48;

/// Bucket of an IPv4 address.
pub(crate) fn bucket4(address: u32) -> u16 {
    (address >> 16) as u16
}

/// Bucket of an IPv6 address, `skip` leading bits being the same for all.
pub(crate) fn bucket6(address: u128, skip: u8) -> u16 {
    let high = (address >> 64) as u64;
    ((high << skip) >> 48) as u16
}

/// Leading bits every address from `first` to `last` has in common, as far as the directory can skip them.
pub(crate) fn common_bits(first: u128, last: u128) -> u8 {
    u8::try_from((first ^ last).leading_zeros().min(SKIP6_MAX)).expect("at most 48")
}

/// The directory of sorted disjoint ranges, each given by the buckets it reaches into. Takes a step for
/// each range and each bucket.
pub(crate) fn directory(ranges: impl Iterator<Item = RangeInclusive<u16>>) -> Vec<rv_bucket> {
    let mut buckets = vec![rv_bucket::default(); RV_BLOCKLIST_BUCKETS as usize];
    for (index, reach) in (0u32..).zip(ranges) {
        for bucket in &mut buckets[usize::from(*reach.start())..=usize::from(*reach.end())] {
            if bucket.count == 0 {
                bucket.first = index;
            }
            bucket.count += 1;
        }
    }
    buckets
}
