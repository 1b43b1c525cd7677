//! The address index against a naive reading of the same ranges.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use ravelin_compile::{AddressIndex, AddressIndexReader, Image};

type Range4 = (u32, u32, u32);
type Range6 = (u128, u128, u32);

fn naive<A: Ord + Copy>(ranges: &[(A, A, u32)], address: A) -> u32 {
    let holds = |range: &&(A, A, u32)| range.0 <= address && address <= range.1;
    ranges.iter().find(holds).map_or(0, |range| range.2)
}

/// By search, for sets a linear one takes too long over.
fn sought<A: Ord + Copy>(ranges: &[(A, A, u32)], address: A) -> u32 {
    let at = ranges.partition_point(|range| range.1 < address);
    ranges
        .get(at)
        .map_or(0, |range| if range.0 <= address { range.2 } else { 0 })
}

fn edges4(ranges: &[Range4]) -> impl Iterator<Item = u32> {
    ranges
        .iter()
        .flat_map(|&(start, end, _)| {
            [
                start.wrapping_sub(1),
                start,
                start / 2 + end / 2,
                end,
                end.wrapping_add(1),
            ]
        })
        .chain([0, 1, u32::MAX - 1, u32::MAX])
}

fn edges6(ranges: &[Range6]) -> impl Iterator<Item = u128> {
    ranges
        .iter()
        .flat_map(|&(start, end, _)| {
            [
                start.wrapping_sub(1),
                start,
                start / 2 + end / 2,
                end,
                end.wrapping_add(1),
            ]
        })
        .chain([0, 1, u128::MAX - 1, u128::MAX])
}

/// Every edge of every range and the addresses beside it read as they should.
fn check(v4: &[Range4], v6: &[Range6]) -> Image {
    let image = AddressIndex::build(v4, v6);
    let reader = AddressIndexReader::new(&image);
    for address in edges4(v4) {
        assert_eq!(
            reader.find4(address),
            sought(v4, address),
            "{}",
            Ipv4Addr::from(address)
        );
    }
    for address in edges6(v6) {
        assert_eq!(
            reader.find6(address),
            sought(v6, address),
            "{}",
            Ipv6Addr::from(address)
        );
    }
    image
}

/// Numbers that jump about, the same in every run.
fn mixed(index: u32) -> u32 {
    index.wrapping_mul(0x9e37_79b1) ^ index.rotate_left(13)
}

/// Ranges between sorted distinct ends, every `gap`th left out.
fn between<A: Ord + Copy>(mut ends: Vec<A>, before: impl Fn(A) -> A, gap: usize) -> Vec<(A, A, u32)> {
    ends.sort_unstable();
    ends.dedup();
    (1u32..)
        .zip(ends.windows(2))
        .filter(|(number, _)| !(*number as usize).is_multiple_of(gap))
        .map(|(number, pair)| (pair[0], before(pair[1]), number))
        .collect()
}

#[test]
fn an_empty_index_knows_no_address() {
    assert_eq!(check(&[], &[]).pages(), 1);
}

#[test]
fn a_whole_family_is_one_range() {
    check(&[(0, u32::MAX, 7)], &[(0, u128::MAX, 8)]);
}

#[test]
fn first_and_last_addresses_have_values_of_their_own() {
    check(
        &[
            (0, 0, 1),
            (1, 1, 2),
            (u32::MAX - 1, u32::MAX - 1, 3),
            (u32::MAX, u32::MAX, 4),
        ],
        &[
            (0, 0, 1),
            (1, 1, 2),
            (u128::MAX - 1, u128::MAX - 1, 3),
            (u128::MAX, u128::MAX, 4),
        ],
    );
}

#[test]
fn ranges_that_touch_stay_apart() {
    let v4: Vec<_> = (0..5000).map(|n| (n * 3, n * 3 + 2, n + 1)).collect();
    let v6: Vec<_> = (0..5000u32)
        .map(|n| (u128::from(n) << 63, (u128::from(n + 1) << 63) - 1, n + 1))
        .collect();
    check(&v4, &v6);
}

#[test]
fn ranges_over_words_and_whole_buckets_are_found_from_end_to_end() {
    let net = 0x2001_0db8_u128 << 96;
    // From the middle of one /64 to the middle of another; from and to a border.
    let wide = [
        (net + 5, net + (3 << 64) + 5, 1),
        (net + (4 << 64), net + (5 << 64) + 5, 2),
        (net + (6 << 64) + 1, net + (8 << 64) - 1, 3),
        (net + (9 << 64) + 7, net + (10 << 64) + 7, 4),
        (net + (11 << 64), net + (12 << 64) - 1, 5),
        (net + (1 << 80), net + (1 << 90), 6),
    ];
    let mut v4 = vec![(0, 0x0aff_ffff, 1), (0x0c00_0000, 0xbfff_ffff, 2)];
    v4.extend((0..1000).map(|n| (0xc000_0000 + n * 2, 0xc000_0000 + n * 2, n + 3)));
    v4.push((0xd000_0000, 0xffff_ffff, 5000));
    check(&v4, &wide);
    for middle in [net + (1 << 64), net + (2 << 64) + 77, net + (1 << 85)] {
        let image = AddressIndex::build(&v4, &wide);
        assert_eq!(
            AddressIndexReader::new(&image).find6(middle),
            naive(&wide, middle)
        );
    }
}

/// Each step halves what is left: the deepest directories there can be, and then rows in numbers.
#[test]
fn sets_that_crowd_towards_one_address_are_searched_all_the_same() {
    let mut ends: Vec<u128> = (0..128).flat_map(|bit| [1 << bit, (1 << bit) + 1]).collect();
    ends.extend((0..64).map(|bit| (1 << bit) - 1));
    let v6 = between(ends, |end| end - 1, usize::MAX);
    let ends: Vec<u32> = (0..32)
        .flat_map(|bit| [1 << bit, (1u32 << bit).wrapping_sub(2)])
        .collect();
    check(&between(ends, |end| end - 1, usize::MAX), &v6);
    // Single addresses, and one range that reaches over every bucket behind them.
    let mut crowd: Vec<_> = (0..1000u32)
        .map(|n| (u128::from(n) * 2, u128::from(n) * 2, n + 1))
        .collect();
    crowd.push((4000, u128::MAX, 5000));
    check(&[], &crowd);
}

#[test]
fn many_ranges_are_found_random_and_clustered() {
    let is_full = std::env::var_os("RAVELIN_FULL").is_some();
    let count = if is_full { 1_000_000 } else { 100_000 };
    let v4: Vec<u32> = (0..count).map(mixed).collect();
    let random: Vec<u128> = (0..count)
        .map(|n| 1 << 125 | u128::from(mixed(n)) << 93 | u128::from(mixed(!n)))
        .collect();
    check(&between(v4, |end| end - 1, 3), &between(random, |end| end - 1, 2));
    // Some networks, of each some /64, of each some hosts: what published IPv6 lists look like.
    let v4 = (0..count)
        .map(|n| 0x5000_0000 | (n % 13) << 20 | mixed(n) >> 14)
        .collect();
    let clustered: Vec<u128> = (0..count)
        .map(|n| {
            let site = u128::from(n % 1000);
            let subnet = u128::from(mixed(n) % 50);
            0x2a00 << 112 | site << 90 | subnet << 64 | u128::from(mixed(n) >> 12)
        })
        .collect();
    check(
        &between(v4, |end| end - 1, 4),
        &between(clustered, |end| end - 1, 4),
    );
}

proptest! {
    #[test]
    fn random_sets_read_like_the_naive_matcher(
        ends4 in prop::collection::vec((any::<u32>(), 0u32..32), 0..60),
        ends6 in prop::collection::vec((any::<u128>(), 0u32..128), 0..60),
        gap in 2usize..5,
        more4 in prop::collection::vec(any::<u32>(), 0..20),
        more6 in prop::collection::vec(any::<u128>(), 0..20),
    ) {
        let v4 = between(ends4.iter().map(|(bits, shift)| bits >> shift).collect(), |end| end - 1, gap);
        let v6 = between(ends6.iter().map(|(bits, shift)| bits >> shift).collect(), |end| end - 1, gap);
        let image = check(&v4, &v6);
        let reader = AddressIndexReader::new(&image);
        for address in edges4(&v4).chain(more4) {
            prop_assert_eq!(reader.find4(address), naive(&v4, address));
        }
        for address in edges6(&v6).chain(more6) {
            prop_assert_eq!(reader.find6(address), naive(&v6, address));
        }
    }
}
