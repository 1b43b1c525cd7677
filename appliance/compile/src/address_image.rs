//! The address index of the block list: prefixes -> sorted disjoint ranges behind a directory.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use ravelin_abi::rv_range_entry::{RV_RANGE_ENTRY_MASK, RV_RANGE_EXPIRES};
use ravelin_abi::{rv_blocklist_entry, rv_bucket, rv_range4, rv_range6};

use crate::ImageTooLarge;
use crate::address_ranges::{Prefix, Range, partition};
use crate::bucket_directory::{common_bits, directory, find, place4, place6};

/// One listed prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressSource {
    /// Host bits are zero.
    pub network: IpNet,
    /// `CLOCK_MONOTONIC` nanoseconds; 0: never.
    pub expires_ns: u64,
    /// Row of `blocklist_hits`; stays with the entry.
    pub counter: u32,
    /// Number of the list.
    pub list: u32,
}

/// One half of the maps `blocklist_dir4/6`, `xdp_blocklist4/6` and `blocklist_entry`.
///
/// Where prefixes overlap, the range goes to the one that expires last (never beats any time), then to the
/// longest, then to the first given: an entry that has expired can thus never hide one that has not.
#[derive(Debug, Clone)]
pub struct AddressImage {
    /// `RV_BLOCKLIST_BUCKETS` buckets by the top 16 bits, then the parts of the divided ones by the next 8.
    pub directory4: Vec<rv_bucket>,
    /// Sorted, disjoint.
    pub ranges4: Vec<rv_range4>,
    /// The same by the bits after `skip6`.
    pub directory6: Vec<rv_bucket>,
    /// Sorted, disjoint.
    pub ranges6: Vec<rv_range6>,
    /// Leading bits all IPv6 entries share, 0..=40.
    pub skip6: u8,
    /// Indexed by what `RV_RANGE_ENTRY_MASK` leaves of a range's `entry`; in the order of the sources.
    pub entries: Vec<rv_blocklist_entry>,
}

impl AddressImage {
    /// Ranges a half needs so that any `prefixes` of a family fit, however they overlap: each prefix inside
    /// another adds itself and what is left of the outer one behind it.
    pub const fn ranges_for(prefixes: u32) -> u32 {
        prefixes.saturating_mul(2)
    }

    /// Builds the index of `sources`, of which `capacity` fit, both families together.
    ///
    /// # Errors
    /// More sources than `capacity`, or than `RV_RANGE_ENTRY_MASK` reaches.
    pub fn build(sources: &[AddressSource], capacity: usize) -> Result<Self, ImageTooLarge> {
        let capacity = capacity.min(RV_RANGE_ENTRY_MASK as usize);
        if sources.len() > capacity {
            return Err(ImageTooLarge {
                what: "addresses",
                needed: sources.len(),
                capacity,
            });
        }
        let mut prefixes4 = Vec::new();
        let mut prefixes6 = Vec::new();
        for (entry, source) in (0u32..).zip(sources) {
            match source.network {
                IpNet::V4(net) => prefixes4.push(Prefix {
                    start: u32::from(net.network()),
                    end: u32::from(net.broadcast()),
                    expires_ns: source.expires_ns,
                    entry,
                }),
                IpNet::V6(net) => prefixes6.push(Prefix {
                    start: u128::from(net.network()),
                    end: u128::from(net.broadcast()),
                    expires_ns: source.expires_ns,
                    entry,
                }),
            }
        }
        let ranges4 = partition(prefixes4);
        let ranges6 = partition(prefixes6);
        let skip6 = match (ranges6.first(), ranges6.last()) {
            (Some(first), Some(last)) => common_bits(first.start, last.end),
            _ => 0,
        };
        Ok(Self {
            directory4: directory(&reaches(&ranges4, place4)),
            ranges4: ranges4.iter().map(|range| range4(range, sources)).collect(),
            directory6: directory(&reaches(&ranges6, |address| place6(address, skip6))),
            ranges6: ranges6.iter().map(|range| range6(range, sources)).collect(),
            skip6,
            entries: sources.iter().map(entry).collect(),
        })
    }

    /// The entry `address` falls under at `now_ns` of `CLOCK_MONOTONIC`, found the way the programs do.
    pub fn lookup(&self, address: IpAddr, now_ns: u64) -> Option<&rv_blocklist_entry> {
        let entry = match address {
            IpAddr::V4(address) => {
                let address = u32::from(address);
                let ranges = reached(&self.ranges4, &self.directory4, place4(address))?;
                let at = ranges.partition_point(|range| range.end < address);
                ranges.get(at).filter(|range| range.start <= address)?.entry
            }
            IpAddr::V6(address) => {
                let address = u128::from(address);
                let words = words(address);
                let ranges = reached(&self.ranges6, &self.directory6, place6(address, self.skip6))?;
                let at = ranges.partition_point(|range| range.end < words);
                ranges.get(at).filter(|range| range.start <= words)?.entry
            }
        };
        self.entries
            .get((entry & RV_RANGE_ENTRY_MASK) as usize)
            .filter(|entry| entry.expires_ns == 0 || now_ns < entry.expires_ns)
    }
}

fn reaches<A: Copy>(ranges: &[Range<A>], place: impl Fn(A) -> u32) -> Vec<RangeInclusive<u32>> {
    let reach = |range: &Range<A>| place(range.start)..=place(range.end);
    ranges.iter().map(reach).collect()
}

fn reached<'a, T>(ranges: &'a [T], directory: &[rv_bucket], place: u32) -> Option<&'a [T]> {
    let bucket = find(directory, place)?;
    let first = bucket.first as usize;
    ranges.get(first..first + bucket.count as usize)
}

fn entry(source: &AddressSource) -> rv_blocklist_entry {
    rv_blocklist_entry {
        expires_ns: source.expires_ns,
        counter: source.counter,
        list: source.list,
    }
}

fn range4(range: &Range<u32>, sources: &[AddressSource]) -> rv_range4 {
    let source = &sources[range.entry as usize];
    rv_range4 {
        start: range.start,
        end: range.end,
        entry: marked(range.entry, source),
        counter: source.counter,
    }
}

fn range6(range: &Range<u128>, sources: &[AddressSource]) -> rv_range6 {
    let source = &sources[range.entry as usize];
    rv_range6 {
        start: words(range.start),
        end: words(range.end),
        entry: marked(range.entry, source),
        counter: source.counter,
    }
}

fn marked(entry: u32, source: &AddressSource) -> u32 {
    if source.expires_ns == 0 {
        entry
    } else {
        entry | RV_RANGE_EXPIRES
    }
}

/// High word first, so that comparing the arrays compares the addresses.
#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
fn words(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}
