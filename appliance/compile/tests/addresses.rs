//! The address index against a naive reading of the same prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use ravelin_compile::{AddressImage, AddressSource, ImageTooLarge, ListedAddress};

fn source(network: IpNet, expires_ns: u64, counter: usize) -> AddressSource {
    AddressSource {
        network: network.trunc(),
        expires_ns,
        counter: u32::try_from(counter).expect("few"),
        list: 7,
    }
}

fn sources(listed: &[(&str, u64)]) -> Vec<AddressSource> {
    let parsed = |text: &str| text.parse::<IpNet>().expect("prefix");
    listed
        .iter()
        .enumerate()
        .map(|(n, (net, expires_ns))| source(parsed(net), *expires_ns, n))
        .collect()
}

/// The winner by the words of [`AddressImage`].
fn naive(sources: &[AddressSource], address: IpAddr, now_ns: u64) -> Option<ListedAddress> {
    let never_last = |expires_ns: u64| if expires_ns == 0 { u64::MAX } else { expires_ns };
    sources
        .iter()
        .rev()
        .filter(|s| s.network.contains(&address))
        .max_by_key(|s| (never_last(s.expires_ns), s.network.prefix_len()))
        .filter(|s| s.expires_ns == 0 || now_ns < s.expires_ns)
        .map(|s| ListedAddress {
            expires_ns: s.expires_ns,
            counter: s.counter,
            list: s.list,
        })
}

/// The image agrees with the naive reading at every edge of every prefix and the addresses beside it.
fn check(sources: &[AddressSource], more: &[IpAddr]) {
    let image = AddressImage::build(sources, sources.len()).expect("fits");
    assert_eq!(image.entries(), sources.len());
    let edges = sources.iter().flat_map(|s| around(s.network));
    for address in edges.chain(more.iter().copied()) {
        for now_ns in [0, 1, 2, 3, 1000] {
            assert_eq!(
                image.lookup(address, now_ns),
                naive(sources, address, now_ns),
                "{address} at {now_ns}"
            );
        }
    }
}

fn around(network: IpNet) -> Vec<IpAddr> {
    match network {
        IpNet::V4(net) => {
            let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|a| Ipv4Addr::from(a).into())
                .to_vec()
        }
        IpNet::V6(net) => {
            let (first, last) = (u128::from(net.network()), u128::from(net.broadcast()));
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|a| Ipv6Addr::from(a).into())
                .to_vec()
        }
    }
}

#[test]
fn an_empty_image_lists_nothing() {
    check(&[], &[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
}

#[test]
fn whole_families_are_one_range_each() {
    let all = sources(&[("0.0.0.0/0", 0), ("::/0", 0)]);
    check(&all, &[Ipv4Addr::BROADCAST.into(), Ipv6Addr::LOCALHOST.into()]);
}

#[test]
fn the_longest_prefix_wins_between_equal_expiries() {
    check(
        &sources(&[
            ("10.0.0.0/8", 0),
            ("10.1.0.0/16", 0),
            ("10.1.2.0/24", 0),
            ("10.1.2.3/32", 0),
            ("2001:db8::/32", 0),
            ("2001:db8::/64", 0),
            ("2001:db8::1/128", 0),
        ]),
        &[],
    );
}

#[test]
fn an_expired_prefix_never_hides_one_that_is_not() {
    check(
        &sources(&[
            ("10.0.0.0/8", 3),
            ("10.1.0.0/16", 2),
            ("10.1.2.0/24", 0),
            ("10.1.2.3/32", 1),
            ("10.255.255.255/32", 0),
            ("10.0.0.0/8", 3),
        ]),
        &[],
    );
}

#[test]
fn neighbours_stay_separate_and_the_last_address_is_reached() {
    let neighbours = sources(&[
        ("192.0.2.0/25", 0),
        ("192.0.2.128/25", 0),
        ("255.255.255.255/32", 0),
        ("128.0.0.0/1", 1),
        ("ffff::/16", 1),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 0),
    ]);
    check(&neighbours, &[]);
}

/// Single addresses 100 apart in `networks` networks of 16 bits, and prefixes that end inside of one and span some.
fn crowd(networks: u32) -> Vec<AddressSource> {
    let mut listed = vec![
        "10.0.255.0/24".parse().expect("prefix"),
        "10.2.0.0/15".parse().expect("prefix"),
    ];
    for network in 0..networks {
        for host in 0..12 {
            let address = 0x0a00_0000 + (network << 16) + host * 100;
            listed.push(Ipv4Net::new(address.into(), 32).expect("length").into());
            let address = 0x2a00_u128 << 112 | u128::from(address) << 80;
            listed.push(Ipv6Net::new(address.into(), 64).expect("length").into());
        }
    }
    (0..)
        .zip(listed)
        .map(|(n, network)| source(network, 0, n))
        .collect()
}

#[test]
fn crowded_networks_are_read_like_any_other() {
    for networks in [20, 1100] {
        let listed = crowd(networks);
        let image = AddressImage::build(&listed, listed.len()).expect("fits");
        assert!(
            listed
                .iter()
                .all(|s| image.lookup(s.network.network(), 0).is_some())
        );
    }
    check(&crowd(20), &[]);
}

#[test]
fn what_all_ipv6_entries_share_does_not_list_what_lies_beside_them() {
    for listed in [
        &[("2001:db8::1/128", 0)][..],
        &[("2001:db8::/32", 0)],
        &[("2001:db8:1::/48", 0), ("2001:db8:8000::/48", 0)],
        &[("2001:db8::/40", 0), ("2001:db8:100::/40", 0)],
        &[("2000::/3", 0), ("2001:db8::1/128", 0)],
        &[("::1/128", 0), ("8000::/128", 0)],
    ] {
        let beside = ["2001:db8:7fff::1", "3001:db8:1::1", "::", "8000::1"];
        check(
            &sources(listed),
            &beside.map(|text| text.parse().expect("address")),
        );
    }
}

#[test]
fn more_than_fits_is_refused_with_the_numbers() {
    let listed = sources(&[("192.0.2.1/32", 0), ("192.0.2.2/32", 0), ("2001:db8::/32", 0)]);
    assert_eq!(
        AddressImage::build(&listed, 2).err(),
        Some(ImageTooLarge {
            what: "addresses",
            needed: 3,
            capacity: 2
        })
    );
    let beyond = [source("192.0.2.1/32".parse().expect("prefix"), 0, 2)];
    let error = AddressImage::build(&beyond, 2).expect_err("there are counters 0 and 1");
    assert_eq!((error.needed, error.capacity), (3, 2));
}

/// Prefixes from a small space, so that most overlap.
fn crowded_prefix() -> impl Strategy<Value = IpNet> {
    let v4 = (0u32..64, 0u8..=32).prop_map(|(low, length)| {
        let address = Ipv4Addr::from(0xc000_0000 | (low << 13) | low);
        IpNet::V4(Ipv4Net::new(address, length).expect("length"))
    });
    let v6 = (0u128..64, 0u8..=128).prop_map(|(low, length)| {
        let address = Ipv6Addr::from((0x2001_0db8 << 96) | (low << 75) | low);
        IpNet::V6(Ipv6Net::new(address, length).expect("length"))
    });
    prop_oneof![v4, v6]
}

proptest! {
    #[test]
    fn random_lists_read_like_the_naive_matcher(
        listed in prop::collection::vec((crowded_prefix(), 0u64..4), 0..60),
        more in prop::collection::vec(any::<IpAddr>(), 0..20),
    ) {
        let listed: Vec<_> =
            listed.iter().enumerate().map(|(n, (net, expires))| source(*net, *expires, n)).collect();
        check(&listed, &more);
    }
}
