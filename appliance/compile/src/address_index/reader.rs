//! Reading an index as the programs do (`ebpf/lib/index.h`).

use std::net::IpAddr;

use ravelin_abi::rv_index_limit::{RV_INDEX_BUCKET_ROWS, RV_INDEX_DEPTH};
use ravelin_abi::rv_index_next::{
    RV_INDEX_BITS_MASK, RV_INDEX_DIRECTORY, RV_INDEX_SKIP_MASK, RV_INDEX_SKIP_SHIFT,
};
use ravelin_abi::{rv_index_header, rv_index_link, rv_index_row4, rv_index_row6};

use super::row::{Bits, Row};
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
        self.search::<rv_index_row4>(self.header.root[0], address)
    }

    /// The same of IPv6.
    pub fn find6(&self, address: u128) -> u32 {
        self.search::<rv_index_row6>(self.header.root[1], address)
    }

    /// What belongs to the values, by its number; the caller knows how many there are and of which type.
    pub(crate) fn detail<D: bytemuck::Pod>(&self, number: u32) -> D {
        self.image.get(self.header.details + number * slots::<D>())
    }

    fn search<R: Row>(&self, mut link: rv_index_link, address: R::Address) -> u32 {
        let holds = |row: &R| row.value() != 0 && row.first() <= address && address <= row.last();
        for _ in 0..RV_INDEX_DEPTH {
            if link.next & RV_INDEX_DIRECTORY == 0 {
                break;
            }
            let skip = link.next >> RV_INDEX_SKIP_SHIFT & RV_INDEX_SKIP_MASK;
            let number = address.window(skip, link.next & RV_INDEX_BITS_MASK);
            let bucket = link.first + number * RV_INDEX_BUCKET_ROWS * slots::<R>();
            let row = |number| self.image.get::<R>(bucket + number * slots::<R>());
            match row(0).link() {
                Some(behind) => link = behind,
                None => {
                    let found = (0..RV_INDEX_BUCKET_ROWS).map(row).find(holds);
                    return found.map_or(0, |row| row.value());
                }
            }
        }
        let row = |number: u32| self.image.get::<R>(link.first + number * slots::<R>());
        let at = lower_bound(link.next, |number| row(number).last() < address);
        let found = (at < link.next).then(|| row(at)).filter(holds);
        found.map_or(0, |row| row.value())
    }
}

fn slots<T>() -> u32 {
    u32::try_from(size_of::<T>() / 16).expect("small")
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
