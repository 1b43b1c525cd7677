//! The directory in front of the ranges: 16 address bits, and 8 more where many ranges share those -> the few
//! ranges a search must look at.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

use ravelin_abi::rv_blocklist_limit::{RV_BLOCKLIST_BUCKETS, RV_BLOCKLIST_DIVIDED_MAX, RV_BLOCKLIST_PARTS};
use ravelin_abi::rv_bucket;
use ravelin_abi::rv_bucket_count::RV_BUCKET_DIVIDED;

/// Most leading bits the IPv6 directory skips: 24 of the high word must be left to index it.
const SKIP6_MAX: u32 = 40;

/// A bucket with more ranges than this is divided: a search takes more steps than the parts cost to look up.
const CROWDED: u32 = 8;

/// Place of an IPv4 address: the 24 bits the directory goes by.
pub(crate) fn place4(address: u32) -> u32 {
    address >> 8
}

/// Place of an IPv6 address, `skip` leading bits being the same for all.
pub(crate) fn place6(address: u128, skip: u8) -> u32 {
    let high = (address >> 64) as u64;
    ((high << skip) >> 40) as u32
}

/// Leading bits every address from `first` to `last` has in common, as far as the directory can skip them.
pub(crate) fn common_bits(first: u128, last: u128) -> u8 {
    u8::try_from((first ^ last).leading_zeros().min(SKIP6_MAX)).expect("at most 40")
}

/// The directory of sorted disjoint ranges, each given by the places it reaches over: the buckets, then the parts
/// of the divided ones. Takes a step for each range and each bucket or part.
pub(crate) fn directory(ranges: &[RangeInclusive<u32>]) -> Vec<rv_bucket> {
    let mut rows = vec![rv_bucket::default(); RV_BLOCKLIST_BUCKETS as usize];
    for (index, places) in (0u32..).zip(ranges) {
        enter(&mut rows, places.start() >> 8, places.end() >> 8, index);
    }
    for bucket in crowded(&rows) {
        let rv_bucket { first, count } = rows[bucket as usize];
        let inside = (bucket << 8, bucket << 8 | (RV_BLOCKLIST_PARTS - 1));
        let mut parts = vec![rv_bucket::default(); RV_BLOCKLIST_PARTS as usize];
        for index in first..first + count {
            let places = &ranges[index as usize];
            let start = places.start().max(&inside.0) - inside.0;
            let end = places.end().min(&inside.1) - inside.0;
            enter(&mut parts, start, end, index);
        }
        let row = u32::try_from(rows.len()).expect("at most RV_BLOCKLIST_ROWS");
        rows[bucket as usize] = rv_bucket {
            first: row,
            count: RV_BUCKET_DIVIDED,
        };
        rows.append(&mut parts);
    }
    rows
}

/// The ranges a search for an address at `place` must look at: the first, and how many.
pub(crate) fn find(directory: &[rv_bucket], place: u32) -> Option<rv_bucket> {
    let bucket = directory.get((place >> 8) as usize)?;
    if bucket.count & RV_BUCKET_DIVIDED == 0 {
        return Some(*bucket);
    }
    let part = bucket.first + (place & (RV_BLOCKLIST_PARTS - 1));
    directory.get(part as usize).copied()
}

fn enter(buckets: &mut [rv_bucket], start: u32, end: u32, range: u32) {
    for bucket in &mut buckets[start as usize..=end as usize] {
        if bucket.count == 0 {
            bucket.first = range;
        }
        bucket.count += 1;
    }
}

/// Buckets to be divided: the fullest, as many as there is room for.
fn crowded(buckets: &[rv_bucket]) -> Vec<u32> {
    let mut crowded: Vec<(u32, u32)> = (0u32..)
        .zip(buckets)
        .filter(|(_, bucket)| bucket.count > CROWDED)
        .map(|(index, bucket)| (bucket.count, index))
        .collect();
    crowded.sort_by_key(|(count, _)| Reverse(*count));
    crowded.truncate(RV_BLOCKLIST_DIVIDED_MAX as usize);
    crowded.into_iter().map(|(_, index)| index).collect()
}
