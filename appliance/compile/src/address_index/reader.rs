//! Reading an index as the programs do (`ebpf/lib/index.h`).

use std::net::IpAddr;

use ravelin_abi::rv_index_limit::RV_INDEX_DEPTH;
use ravelin_abi::rv_index_next::{
    RV_INDEX_BITS_MASK, RV_INDEX_DIRECTORY, RV_INDEX_SKIP_MASK, RV_INDEX_SKIP_SHIFT,
};
use ravelin_abi::{rv_index_entry, rv_index_header, rv_index_row4, rv_index_row6};

use super::directory::Bits;
use crate::Image;

/// Reads the bytes of an index.
#[derive(Debug, Clone, Copy)]
pub struct AddressIndexReader<'a> {
    image: &'a Image,
    header: rv_index_header,
}

impl<'a> AddressIndexReader<'a> {
    /// Reads an image of [`super::AddressIndex`].
    pub fn new(image: &'a Image) -> Self {
        Self {
            image,
            header: image.get(0),
        }
    }

    /// The value of an address; 0: it has none.
    pub fn find(&self, address: IpAddr) -> u32 {
        match address {
            IpAddr::V4(address) => self.find4(u32::from(address)),
            IpAddr::V6(address) => self.find6(u128::from(address)),
        }
    }

    /// The same of IPv4, in host order.
    pub fn find4(&self, address: u32) -> u32 {
        let Some(rows) = self.rows(self.header.root[0], address) else {
            return 0;
        };
        let row = |number: u32| self.image.get::<rv_index_row4>(rows.first + number);
        let at = lower_bound(rows.next, |number| row(number).end < address);
        let found = (at < rows.next).then(|| row(at));
        found.map_or(0, |row| if row.start <= address { row.value } else { 0 })
    }

    /// The same of IPv6.
    pub fn find6(&self, address: u128) -> u32 {
        let Some(rows) = self.rows(self.header.root[1], address) else {
            return 0;
        };
        let row = |number: u32| self.image.get::<rv_index_row6>(rows.first + number * 2);
        let at = lower_bound(rows.next, |number| last(&row(number)) < address);
        let found = (at < rows.next).then(|| row(at));
        found.map_or(0, |row| if first(&row) <= address { row.value } else { 0 })
    }

    /// What belongs to the values, by its number; the caller knows how many there are and of which type.
    pub(crate) fn detail<D: bytemuck::Pod>(&self, number: u32) -> D {
        let slots = u32::try_from(size_of::<D>().div_ceil(16)).expect("small");
        self.image.get(self.header.details + number * slots)
    }

    /// The entry with the rows of the bucket an address is in.
    fn rows<A: Bits>(&self, mut entry: rv_index_entry, address: A) -> Option<rv_index_entry> {
        for _ in 0..RV_INDEX_DEPTH {
            if entry.next & RV_INDEX_DIRECTORY == 0 {
                break;
            }
            let skip = entry.next >> RV_INDEX_SKIP_SHIFT & RV_INDEX_SKIP_MASK;
            let number = address.window(skip, entry.next & RV_INDEX_BITS_MASK);
            let slot: [rv_index_entry; 2] = self.image.get(entry.first + number / 2);
            entry = slot[(number % 2) as usize];
        }
        (entry.next & RV_INDEX_DIRECTORY == 0).then_some(entry)
    }
}

/// The first of `count` numbers that is not `below`; those that are come first.
fn lower_bound(count: u32, below: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn first(row: &rv_index_row6) -> u128 {
    u128::from(row.start[0]) << 64 | u128::from(row.start[1])
}

fn last(row: &rv_index_row6) -> u128 {
    if row.whole == 0 {
        u128::from(row.start[0]) << 64 | u128::from(row.end)
    } else {
        u128::from(row.end) << 64 | u128::from(u64::MAX)
    }
}
