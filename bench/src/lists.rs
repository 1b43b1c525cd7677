//! The lists of the cases, the same for everybody, and the sources that are on them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use ravelin_compile::AddressSource;

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

    /// Where the frames of the cases go.
    pub fn destination(self) -> IpAddr {
        match self {
            Self::Ipv4 => Ipv4Addr::new(10, 0, 0, 1).into(),
            Self::Ipv6 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
        }
    }

    /// Anywhere in unicast space.
    fn spread(self, random: &mut Random) -> IpAddr {
        let number = random.number();
        match self {
            Self::Ipv4 => Ipv4Addr::from(0x0100_0000 + low32(number) % 0xde00_0000).into(),
            Self::Ipv6 => {
                Ipv6Addr::from(1 << 125 | u128::from(number) << 61 | u128::from(random.number() >> 3)).into()
            }
        }
    }

    /// In one of the networks of the list: an IPv4 /16; a host of one of 256 IPv6 /64 of a site, numbered by hand or
    /// by itself.
    fn clustered(self, network: u64, random: &mut Random) -> IpAddr {
        let network = Random(network).number();
        let number = random.number();
        match self {
            Self::Ipv4 => {
                Ipv4Addr::from((0x0100_0000 + low32(network) % 0xde00_0000) & !0xffff | low32(number) >> 16)
                    .into()
            }
            Self::Ipv6 => {
                let site = 0x2a00_u128 << 112 | u128::from(network >> 44) << 96;
                let host = if number >> 63 == 0 {
                    random.number()
                } else {
                    random.number() % 1000
                };
                Ipv6Addr::from(site | u128::from(number & 0xff) << 64 | u128::from(host)).into()
            }
        }
    }
}

/// Which entries a list has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Many of one network, as in published block lists, and not anywhere.
    pub clustered: bool,
    /// One in ten is a prefix, which no hash set can hold.
    pub prefixes: bool,
}

impl Shape {
    pub const ALL: [Self; 4] = [
        Self {
            clustered: false,
            prefixes: false,
        },
        Self {
            clustered: false,
            prefixes: true,
        },
        Self {
            clustered: true,
            prefixes: false,
        },
        Self {
            clustered: true,
            prefixes: true,
        },
    ];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = if self.clustered { "clustered" } else { "random" };
        let kind = if self.prefixes {
            "addresses and prefixes"
        } else {
            "addresses"
        };
        write!(f, "{spread} {kind}")
    }
}

/// Entries of each network of a clustered list.
const NETWORK_ENTRIES: u64 = 625;

/// About `count` entries, sorted and disjoint: peers refuse sets in which prefixes overlap.
pub fn entries(family: Family, shape: Shape, count: u32) -> Vec<IpNet> {
    let (host, wide) = if family == Family::Ipv4 {
        (32, 24)
    } else {
        (128, 64)
    };
    let random = &mut Random(u64::from(count));
    let networks = u64::from(count).div_ceil(NETWORK_ENTRIES);
    let mut entries: Vec<IpNet> = (0..u64::from(count))
        .map(|index| {
            let address = if shape.clustered {
                family.clustered(index % networks, random)
            } else {
                family.spread(random)
            };
            let length = if shape.prefixes && index % 10 == 0 {
                wide
            } else {
                host
            };
            IpNet::new(address, length)
                .expect("a length the family has")
                .trunc()
        })
        .collect();
    entries.sort();
    entries.dedup_by(|next, kept| kept.contains(&*next));
    entries
}

/// A source in each entry, in random order.
pub fn listed_sources(entries: &[IpNet]) -> Vec<[u8; 16]> {
    let mut sources: Vec<[u8; 16]> = entries.iter().map(|entry| octets(entry.network())).collect();
    let random = &mut Random(0);
    for last in (1..sources.len()).rev() {
        let other = random.number() % (last as u64 + 1);
        sources.swap(last, usize::try_from(other).expect("an index"));
    }
    sources
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

/// The same numbers in every run (splitmix64).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn low32(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).expect("32 bits")
}
