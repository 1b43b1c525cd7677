//! The lists of the cases, the same for everybody: 10,000 entries, and the sources that are on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use ravelin_compile::AddressSource;

/// Entries of every address list.
pub const ENTRIES: u32 = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    pub const BOTH: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }

    /// Where the frames of the cases go; on no list.
    pub fn destination(self) -> IpAddr {
        match self {
            Self::Ipv4 => Ipv4Addr::new(10, 0, 0, 1).into(),
            Self::Ipv6 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
        }
    }

    /// Address number `index`, no two alike: spread over the whole of unicast space, or in sixteen networks.
    fn address(self, index: u32, clustered: bool) -> IpAddr {
        let mixed = index.wrapping_mul(0x9e37_79b1);
        let network = index % 16;
        match (self, clustered) {
            (Self::Ipv4, false) => Ipv4Addr::from(0x0100_0000 | (mixed % 0xdf00_0000)).into(),
            (Self::Ipv4, true) => Ipv4Addr::from(0x5000_0000 | network << 16 | mixed >> 16).into(),
            (Self::Ipv6, false) => {
                Ipv6Addr::from(1 << 125 | u128::from(mixed) << 93 | u128::from(index)).into()
            }
            (Self::Ipv6, true) => {
                Ipv6Addr::from(0x2a00 << 112 | u128::from(network) << 96 | u128::from(mixed) << 64).into()
            }
        }
    }
}

/// Which entries a list has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Single addresses: what a hash set can hold.
    Addresses,
    /// One in ten is a prefix, as in published block lists.
    Prefixes,
    /// Single addresses of sixteen networks: hard on an index by leading bits.
    Clustered,
}

/// The entries of a list. Prefixes do not overlap: the peer refuses a set in which they do.
pub fn entries(family: Family, shape: Shape) -> Vec<IpNet> {
    let host = if family == Family::Ipv4 { 32 } else { 128 };
    let mut entries: Vec<IpNet> = (0..ENTRIES)
        .map(|index| {
            let wide = shape == Shape::Prefixes && index % 10 == 0;
            let length = if wide { host - 8 } else { host };
            IpNet::new(family.address(index, shape == Shape::Clustered), length)
                .expect("a length the family has")
                .trunc()
        })
        .collect();
    entries.sort();
    entries.dedup_by(|next, kept| kept.contains(&*next));
    entries
}

/// A source in each entry, in an order that jumps about in the list.
pub fn listed_sources(entries: &[IpNet]) -> Vec<[u8; 16]> {
    let step = 7919; // prime, so every entry is visited
    (0..entries.len())
        .map(|index| octets(entries[index * step % entries.len()].network()))
        .collect()
}

/// The list as the compiler of our index takes it.
pub fn address_sources(entries: &[IpNet]) -> Vec<AddressSource> {
    (0..)
        .zip(entries)
        .map(|(counter, network)| AddressSource {
            network: *network,
            expires_ns: 0,
            counter,
            list: 1,
        })
        .collect()
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
        IpAddr::V6(address) => address.octets(),
    }
}
