//! How long images take to build: a list of a million has to go live within seconds of its import.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ravelin_compile::{AddressImage, AddressIndex, AddressSource, NameImage, NameSource};
use ravelin_model::{DomainPattern, ListId};

fn addresses(count: u32) -> Vec<AddressSource> {
    (0..count)
        .map(|n| {
            let mixed = n.wrapping_mul(0x9e37_79b1);
            let network = if n % 2 == 0 {
                IpNet::V4(Ipv4Net::new(Ipv4Addr::from(mixed), 24).expect("length").trunc())
            } else {
                let address = (0x2001_0db8 << 96) | (u128::from(mixed) << 48);
                IpNet::V6(Ipv6Net::new(address.into(), 64).expect("length").trunc())
            };
            AddressSource {
                network,
                expires_ns: 0,
                counter: n,
                list: 1,
            }
        })
        .collect()
}

/// First and last address, and the value.
type Ranges<A> = Vec<(A, A, u32)>;

/// As many ranges of each family, spread over all of it.
fn ranges(count: u32) -> (Ranges<u32>, Ranges<u128>) {
    let mut starts: Vec<u32> = (0..count).map(|n| n.wrapping_mul(0x9e37_79b1) & !1).collect();
    starts.sort_unstable();
    starts.dedup();
    let wide = |start| (0x2001_0db8_u128 << 96) | (u128::from(start) << 48);
    (1u32..)
        .zip(starts)
        .map(|(value, start)| ((start, start + 1, value), (wide(start), wide(start + 1), value)))
        .unzip()
}

fn main() {
    for count in [10_000, 1_000_000] {
        let (v4, v6) = ranges(count);
        for (family, v4, v6) in [("IPv4", &v4[..], &[][..]), ("IPv6", &[], &v6)] {
            let start = Instant::now();
            let image = AddressIndex::build(v4, v6);
            let bytes = image.bytes().len();
            println!(
                "index of {count} {family} ranges: {:?}, {bytes} bytes",
                start.elapsed()
            );
        }
    }
    for count in [10_000, 1_000_000] {
        let sources = addresses(count);
        let start = Instant::now();
        let image = AddressImage::build(&sources, sources.len()).expect("fits");
        println!(
            "{count} prefixes: {:?}, {} bytes",
            start.elapsed(),
            image.image().bytes().len()
        );
    }
    let list: ListId = ListId::BLOCKLIST.parse().expect("built in");
    for count in [10_000, 1_000_000] {
        let patterns: Vec<DomainPattern> = (0..count)
            .map(|n| {
                format!("host{n}.ads{}.example", n % 977)
                    .parse()
                    .expect("pattern")
            })
            .collect();
        let sources: Vec<_> = patterns
            .iter()
            .map(|pattern| NameSource { pattern, list: &list })
            .collect();
        let start = Instant::now();
        let image = NameImage::build(&sources, 0x5eed, 1 << 20).expect("fits");
        println!(
            "{count} names: {:?}, {} buckets",
            start.elapsed(),
            image.buckets.len()
        );
    }
}
