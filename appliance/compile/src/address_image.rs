//! The block list as an address index: prefixes -> sorted disjoint ranges -> the image of map `xdp_blocklist`.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_abi::rv_blocklist_entry;
use ravelin_abi::rv_blocklist_value::{RV_LISTED, RV_LISTED_COUNTER, RV_LISTED_EXPIRES};

use crate::address_ranges::{Address, Prefix, partition};
use crate::{AddressIndex, AddressIndexReader, Image, ImageTooLarge};

/// One listed prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressSource {
    /// Host bits are zero.
    pub network: IpNet,
    /// `CLOCK_MONOTONIC` nanoseconds; 0: never.
    pub expires_ns: u64,
    /// Row of `blocklist_hits`, of this source alone; stays with the entry.
    pub counter: u32,
    /// Number of the list.
    pub list: u32,
}

/// A generation of the map `xdp_blocklist`.
///
/// Where prefixes overlap, the range goes to the one that expires last (never beats any time), then to the
/// longest, then to the first given: an entry that has expired can thus never hide one that has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressImage {
    image: Image,
    entries: usize,
}

/// The entry an address falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedAddress {
    /// [`AddressSource::counter`].
    pub counter: u32,
    /// [`AddressSource::list`].
    pub list: u32,
    /// [`AddressSource::expires_ns`].
    pub expires_ns: u64,
}

impl AddressImage {
    /// Builds the index of `sources`, of which `capacity` fit, both families together; as many counters there are.
    ///
    /// # Errors
    /// More sources, or a counter beyond, than `capacity` or than `RV_LISTED_COUNTER` reaches.
    pub fn build(sources: &[AddressSource], capacity: usize) -> Result<Self, ImageTooLarge> {
        let capacity = capacity.min(RV_LISTED_COUNTER as usize);
        let rows = sources.iter().map(|source| source.counter as usize + 1).max();
        let needed = sources.len().max(rows.unwrap_or(0));
        if needed > capacity {
            return Err(ImageTooLarge {
                what: "addresses",
                needed,
                capacity,
            });
        }
        let mut prefixes4 = Vec::new();
        let mut prefixes6 = Vec::new();
        let mut details = vec![rv_blocklist_entry::default(); rows.unwrap_or(0)];
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
            details[source.counter as usize] = rv_blocklist_entry {
                expires_ns: source.expires_ns,
                list: source.list,
                pad: 0,
            };
        }
        Ok(Self {
            image: AddressIndex::build_with(
                &valued(prefixes4, sources),
                &valued(prefixes6, sources),
                &details,
            ),
            entries: sources.len(),
        })
    }

    /// The bytes for the data plane.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Sources it was built of.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// The entry `address` falls under at `now_ns` of `CLOCK_MONOTONIC`, found the way the programs do.
    pub fn lookup(&self, address: IpAddr, now_ns: u64) -> Option<ListedAddress> {
        let reader = AddressIndexReader::new(&self.image);
        let value = reader.find(address);
        let counter = value & RV_LISTED_COUNTER;
        let entry: rv_blocklist_entry = (value != 0).then(|| reader.detail(counter))?;
        let live = value & RV_LISTED_EXPIRES == 0 || now_ns < entry.expires_ns;
        live.then_some(ListedAddress {
            counter,
            list: entry.list,
            expires_ns: entry.expires_ns,
        })
    }
}

/// The ranges of the prefixes, each with the value of its source.
fn valued<A: Address>(prefixes: Vec<Prefix<A>>, sources: &[AddressSource]) -> Vec<(A, A, u32)> {
    let value = |entry: u32| {
        let source = &sources[entry as usize];
        let expires = if source.expires_ns == 0 {
            0
        } else {
            RV_LISTED_EXPIRES
        };
        RV_LISTED | expires | source.counter
    };
    partition(prefixes)
        .into_iter()
        .map(|range| (range.start, range.end, value(range.entry)))
        .collect()
}
