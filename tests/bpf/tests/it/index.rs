//! The address index in the kernel against its reader in Rust, on sets too large to be searched one by one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ravelin_abi::rv_switch;
use ravelin_compile::{AddressImage, AddressSource};
use ravelin_test_harness::packet::Packet;

use crate::isolated::isolated;
use crate::plane::{Hook, Plane, Verdict};
use crate::random::Random;

fn image(networks: &[IpNet]) -> AddressImage {
    let sources: Vec<AddressSource> = (0..)
        .zip(networks)
        .map(|(counter, network)| AddressSource {
            network: *network,
            expires_ns: 0,
            counter,
            list: 1,
        })
        .collect();
    AddressImage::build(&sources, sources.len()).unwrap()
}

/// The ends of a network and the addresses beside it.
fn around(network: IpNet) -> [IpAddr; 4] {
    match network {
        IpNet::V4(net) => {
            let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|bits| Ipv4Addr::from_bits(bits).into())
        }
        IpNet::V6(net) => {
            let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|bits| Ipv6Addr::from_bits(bits).into())
        }
    }
}

/// The program drops what the reader finds, by the same entry, and nothing else.
fn compare(plane: &mut Plane, networks: &[IpNet], asked: impl IntoIterator<Item = IpAddr>) {
    let image = image(networks);
    plane.load_addresses(&image);
    for address in asked {
        let family = if address.is_ipv4() { 4 } else { 6 };
        let packet = Packet {
            source: address,
            ..Packet::udp(family, 1, 2, b"x".as_slice())
        };
        let verdict = plane.run(&packet.build()).verdict;
        let dropped = plane.take_events().first().map(|event| event.object);
        let expected = image.lookup(address, 0).map(|listed| listed.counter);
        assert_eq!(dropped, expected, "{address}");
        assert_eq!(verdict == Verdict::Drop, expected.is_some(), "{address}");
    }
}

fn within(test: impl FnOnce(&mut Plane) + Send) {
    isolated(|pins| {
        let mut plane = Plane::load(Hook::Xdp, pins);
        plane.set_switches(rv_switch::RV_SWITCH_DDOS_PROTECTION);
        test(&mut plane);
    });
}

fn v4(bits: u32, length: u8) -> IpNet {
    Ipv4Net::new(bits.into(), length).unwrap().trunc().into()
}

fn v6(bits: u128, length: u8) -> IpNet {
    Ipv6Net::new(bits.into(), length).unwrap().trunc().into()
}

fn number(random: &mut Random) -> u32 {
    u32::try_from(random.number() >> 32).unwrap()
}

#[test]
fn edges_of_the_address_space_and_of_its_buckets_are_found() {
    within(|plane| {
        let bits32 = [0, 1, 2, u32::MAX / 2, u32::MAX / 2 + 1, u32::MAX - 1, u32::MAX];
        let bits128 = [
            0,
            1,
            u128::MAX >> 64,
            1 << 64,
            u128::MAX / 2 + 1,
            u128::MAX - 1,
            u128::MAX,
        ];
        let mut sets: Vec<Vec<IpNet>> = vec![
            Vec::new(),
            vec![v4(0, 0), v6(0, 0)],
            vec![v4(0, 0), v6(0, 0), v4(u32::MAX, 32), v6(u128::MAX, 128)],
        ];
        sets.push(
            bits32
                .map(|bits| v4(bits, 32))
                .into_iter()
                .chain(bits128.map(|bits| v6(bits, 128)))
                .collect(),
        );
        // Networks side by side, and one that spans every bucket between them.
        sets.push(
            (0..400)
                .map(|n| v4(0x0a00_0000 + (n << 8), 24))
                .chain((0..400).map(|n| v6((0x2001_0db8 << 96) + (n << 64), 64)))
                .chain([v4(0x8000_0000, 1), v6(1 << 127, 1)])
                .collect(),
        );
        // Ever closer to one address: the deepest directories there can be, and rows in numbers behind them.
        sets.push(
            (0..32)
                .map(|bit| v4(1 << bit, 32))
                .chain((0..128).flat_map(|bit| [v6(1 << bit, 128), v6((1 << bit) + 1, 128)]))
                .collect(),
        );
        for networks in sets {
            let ends = bits32
                .map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)))
                .into_iter();
            let ends = ends.chain(bits128.map(|bits| Ipv6Addr::from_bits(bits).into()));
            let asked = networks.iter().flat_map(|network| around(*network)).chain(ends);
            compare(plane, &networks, asked);
        }
    });
}

#[test]
fn a_million_networks_are_found_random_and_clustered() {
    within(|plane| {
        let random = &mut Random::new();
        let spread: Vec<IpNet> = (0..1_000_000)
            .map(|n| match n % 4 {
                0 => v4(number(random), 24),
                1 => v4(number(random), 32),
                2 => v6(1 << 125 | u128::from(random.number()) << 61, 64),
                _ => v6(
                    1 << 125 | u128::from(random.number()) << 61 | u128::from(number(random)),
                    128,
                ),
            })
            .collect();
        ask_about(plane, random, &spread);
        // Some sites, of each some networks, of each some hosts: what published lists look like.
        let clustered: Vec<IpNet> = (0..100_000)
            .map(|n| {
                let site = random.below(300) as u128;
                let host = number(random);
                match n % 2 {
                    0 => v4(0x5000_0000 | (host % 13) << 20 | host >> 15, 32),
                    _ => v6(
                        0x2a00 << 112 | site << 90 | (site % 7) << 64 | u128::from(host % 5000),
                        128,
                    ),
                }
            })
            .collect();
        ask_about(plane, random, &clustered);
    });
}

/// Asks about some of the networks, what is beside them, and what may lie anywhere.
fn ask_about(plane: &mut Plane, random: &mut Random, networks: &[IpNet]) {
    let mut asked = Vec::new();
    for _ in 0..1500 {
        asked.extend(around(*random.of(networks)));
        asked.push(Ipv4Addr::from_bits(number(random)).into());
        let near = 1u128 << 125 | u128::from(random.number()) << 61;
        asked.push(Ipv6Addr::from_bits(near).into());
    }
    compare(plane, networks, asked);
}
