//! The programs against the plainest matchers there are, on random lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ravelin_abi::rv_switch;
use ravelin_compile::{AddressImage, AddressSource, NameImage, NameSource};
use ravelin_model::{DomainName, DomainPattern, DomainScope, ListId};
use ravelin_test_harness::packet::{Packet, Query};

use crate::clock::monotonic_ns;
use crate::isolated::isolated;
use crate::plane::{Hook, Plane, Verdict};
use crate::random::Random;

const HOUR_NS: u64 = 3_600_000_000_000;
/// More than the coarse clock of the programs can lag behind.
const SECOND_NS: u64 = 1_000_000_000;

/// Prefixes crowd here, so that they overlap and share buckets.
const CROWDED4: [u32; 3] = [0x0a00_0000, 0xc0a8_0100, 0xffff_ff00];
const CROWDED6: [u128; 3] = [
    0x2001_0db8 << 96,
    0x2001_0db8_0001_0000 << 64,
    0x2001_0db8_0001_0002 << 64,
];

fn address4(random: &mut Random) -> Ipv4Addr {
    let bits = u32::try_from(random.number() >> 32).unwrap();
    if random.once_in(8) {
        return Ipv4Addr::from_bits(bits);
    }
    let free = random.below(20);
    Ipv4Addr::from_bits(*random.of(&CROWDED4) ^ (bits & ((1 << free) - 1)))
}

fn address6(random: &mut Random) -> Ipv6Addr {
    let bits = (u128::from(random.number()) << 64) | u128::from(random.number());
    let free = random.below(90);
    Ipv6Addr::from_bits(*random.of(&CROWDED6) ^ (bits & ((1 << free) - 1)))
}

fn network(random: &mut Random) -> IpNet {
    let length = |shortest: usize, longest: usize, random: &mut Random| {
        u8::try_from(shortest + random.below(longest - shortest + 1)).unwrap()
    };
    if random.once_in(2) {
        let shortest = if random.once_in(20) { 0 } else { 10 };
        let length = length(shortest, 32, random);
        Ipv4Net::new(address4(random), length).unwrap().trunc().into()
    } else {
        let length = length(24, 128, random);
        Ipv6Net::new(address6(random), length).unwrap().trunc().into()
    }
}

fn sources(random: &mut Random, now: u64) -> Vec<AddressSource> {
    let count = 1 + random.below(300);
    (0..count)
        .map(|counter| AddressSource {
            network: network(random),
            expires_ns: *random.of(&[0, 1, now - SECOND_NS, now + HOUR_NS, now + 2 * HOUR_NS]),
            counter: u32::try_from(counter).unwrap(),
            list: 1,
        })
        .collect()
}

/// Addresses worth asking for: the ends of a prefix, those beside it, some inside, and anything.
fn probe(random: &mut Random, sources: &[AddressSource]) -> IpAddr {
    let step = i128::try_from(random.below(3)).unwrap() - 1;
    match random.of(sources).network {
        _ if random.once_in(4) => address4(random).into(),
        _ if random.once_in(4) => address6(random).into(),
        IpNet::V4(net) => {
            let end = *random.of(&[net.network(), net.broadcast()]);
            let moved = i128::from(end.to_bits()) + step;
            Ipv4Addr::from_bits(u32::try_from(moved.clamp(0, u32::MAX.into())).unwrap()).into()
        }
        IpNet::V6(net) => {
            let end = random.of(&[net.network(), net.broadcast()]).to_bits();
            Ipv6Addr::from_bits(end.saturating_add_signed(step)).into()
        }
    }
}

/// The listed entry a source falls under: of those in force the one that lasts longest, then the longest prefix,
/// then the first.
fn naive(sources: &[AddressSource], address: IpAddr, now: u64) -> Option<&AddressSource> {
    let lasts = |source: &AddressSource| source.expires_ns.wrapping_sub(1);
    sources
        .iter()
        .filter(|source| source.network.contains(&address))
        .filter(|source| source.expires_ns == 0 || source.expires_ns > now)
        .min_by_key(|source| {
            (
                u64::MAX - lasts(source),
                u8::MAX - source.network.prefix_len(),
                source.counter,
            )
        })
}

fn compare_addresses(random: &mut Random, hook: Hook, pins: &Path) {
    let mut plane = Plane::load(hook, pins);
    plane.set_switches(rv_switch::RV_SWITCH_DDOS_PROTECTION);
    for _ in 0..15 {
        let now = monotonic_ns();
        let sources = sources(random, now);
        plane.load_addresses(&AddressImage::build(&sources, 4096).unwrap());
        for _ in 0..250 {
            let address = probe(random, &sources);
            let family = if address.is_ipv4() { 4 } else { 6 };
            let packet = Packet {
                source: address,
                ..Packet::udp(family, 1, 2, b"x".as_slice())
            };
            let outcome = plane.run(&packet.build());
            let expected = naive(&sources, address, now);
            let verdict = if expected.is_some() {
                Verdict::Drop
            } else {
                Verdict::Pass
            };
            assert_eq!(outcome.verdict, verdict, "{address}: {expected:?} of {sources:?}");
            if let Some(source) = expected {
                let hits = plane.take_hits("blocklist_hits", source.counter);
                assert_eq!(hits.0, 1, "{address} hits {source:?} of {sources:?}");
            }
        }
        plane.take_events();
    }
}

/// Few labels, so that names lie below each other.
const LABELS: [&str; 7] = ["a", "b", "www", "example", "com", "x-1", "_dmarc"];

fn name(random: &mut Random) -> DomainName {
    let depth = 1 + if random.once_in(10) {
        random.below(40)
    } else {
        random.below(4)
    };
    let labels: Vec<&str> = (0..depth).map(|_| *random.of(&LABELS)).collect();
    labels.join(".").parse().unwrap()
}

/// A pattern; mostly none for a top-level name, which would cover most of what is asked for.
fn pattern(random: &mut Random) -> Option<DomainPattern> {
    let name = name(random);
    let scope = *random.of(&[DomainScope::Exact, DomainScope::Suffix, DomainScope::Below]);
    (name.labels().count() > 1 + random.below(4)).then_some(DomainPattern { name, scope })
}

fn compare_names(random: &mut Random, hook: Hook, pins: &Path) {
    let mut plane = Plane::load(hook, pins);
    plane.set_switches(rv_switch::RV_SWITCH_DNS_BLOCKLIST | rv_switch::RV_SWITCH_DNS_DROP);
    let lists: Vec<ListId> = (0..5).map(|n| format!("lst_{n}").parse().unwrap()).collect();
    for _ in 0..15 {
        let count = 1 + random.below(400);
        let patterns: Vec<DomainPattern> = (0..count).filter_map(|_| pattern(random)).collect();
        let sources: Vec<NameSource<'_>> = patterns
            .iter()
            .map(|pattern| NameSource {
                pattern,
                list: random.of(&lists),
            })
            .collect();
        let image = NameImage::build(&sources, random.number(), 1024).unwrap();
        plane.load_names(&image);
        for _ in 0..250 {
            let asked = name(random);
            let mixed: String = asked
                .as_str()
                .chars()
                .map(|c| {
                    if random.once_in(2) {
                        c.to_ascii_uppercase()
                    } else {
                        c
                    }
                })
                .collect();
            let query = Query::new(&mixed).build();
            let family = *random.of(&[4, 6]);
            let outcome = plane.run(&Packet::udp(family, 40000, 53, query).build());
            let covered = patterns.iter().any(|pattern| pattern.covers(&asked));
            let verdict = if covered { Verdict::Drop } else { Verdict::Pass };
            assert_eq!(outcome.verdict, verdict, "{asked} of {patterns:?}");
        }
        plane.take_events();
    }
}

#[test]
fn addresses_match_as_a_linear_search_says() {
    isolated(|pins| {
        let mut random = Random::new();
        for hook in [Hook::Xdp, Hook::Ingress] {
            compare_addresses(&mut random, hook, pins);
        }
    });
}

#[test]
fn names_match_as_the_patterns_say() {
    isolated(|pins| {
        let mut random = Random::new();
        for hook in [Hook::Xdp, Hook::Ingress] {
            compare_names(&mut random, hook, pins);
        }
    });
}
