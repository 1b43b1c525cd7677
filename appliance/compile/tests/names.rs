//! The name table against a naive reading of the same patterns.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ravelin_compile::{ImageTooLarge, NameImage, NameSource};
use ravelin_model::{DomainName, DomainPattern, DomainScope, ListId};

type Listed = (DomainPattern, ListId);

fn listed(patterns: &[(&str, &str)]) -> Vec<Listed> {
    patterns
        .iter()
        .map(|(pattern, list)| (pattern.parse().expect("pattern"), list.parse().expect("list")))
        .collect()
}

fn build(listed: &[Listed], key: u64, max_buckets: usize) -> Result<NameImage, ImageTooLarge> {
    let sources: Vec<_> = listed
        .iter()
        .map(|(pattern, list)| NameSource { pattern, list })
        .collect();
    NameImage::build(&sources, key, max_buckets)
}

/// Lists that match through the listed name with the fewest labels, and whether that is the name itself.
fn naive(listed: &[Listed], name: &DomainName) -> Option<(BTreeSet<ListId>, bool)> {
    let covering = || listed.iter().filter(|(pattern, _)| pattern.covers(name));
    let shortest = covering()
        .map(|(pattern, _)| pattern.name.labels().count())
        .min()?;
    let lists = covering()
        .filter(|(pattern, _)| pattern.name.labels().count() == shortest)
        .map(|(_, list)| list.clone())
        .collect();
    Some((lists, shortest == name.labels().count()))
}

fn found(image: &NameImage, name: &DomainName) -> Option<(BTreeSet<ListId>, bool)> {
    let (set, itself) = image.lookup(name)?;
    let members = &image.sets[set];
    let lists = if itself {
        &members.matching_self
    } else {
        &members.matching_below
    };
    Some((lists.iter().cloned().collect(), itself))
}

/// The table agrees with the naive reading for every listed name, its parents, names below and beside it.
fn check(listed: &[Listed], key: u64, more: &[&str]) {
    let image = build(listed, key, 1 << 16).expect("fits");
    assert!(image.buckets.len().is_power_of_two() && image.buckets.len() >= 2);
    let mut asked: BTreeSet<DomainName> = more.iter().map(|name| name.parse().expect("name")).collect();
    for (pattern, _) in listed {
        let name = pattern.name.as_str();
        let around = [
            name.to_owned(),
            format!("x.{name}"),
            format!("y.x.{name}"),
            format!("x{name}"),
        ];
        asked.extend(around.iter().filter_map(|name| name.parse().ok()));
        asked.extend(name.split_once('.').and_then(|(_, parent)| parent.parse().ok()));
    }
    for name in asked {
        assert_eq!(found(&image, &name), naive(listed, &name), "{name}, key {key:#x}");
    }
}

#[test]
fn an_empty_table_lists_nothing() {
    check(&[], 0, &["com", "example.com"]);
}

#[test]
fn scopes_match_the_name_and_what_is_below_it() {
    check(
        &listed(&[
            ("blocked.example", "dns-blocklist"),
            ("=exact.example", "dns-blocklist"),
            ("*.below.example", "dns-blocklist"),
            ("test", "dns-blocklist"),
        ]),
        42,
        &["notblocked.example", "example", "a.b.c.d.test", "test"],
    );
}

#[test]
fn lists_of_one_name_are_told_together() {
    check(
        &listed(&[
            ("both.example", "lst_a"),
            ("both.example", "lst_b"),
            ("both.example", "lst_a"),
            ("=mixed.example", "lst_a"),
            ("*.mixed.example", "lst_b"),
        ]),
        42,
        &[],
    );
}

#[test]
fn the_shortest_listed_name_decides() {
    check(
        &listed(&[
            ("example", "lst_a"),
            ("a.example", "lst_b"),
            ("=test", "lst_a"),
            ("a.test", "lst_b"),
        ]),
        42,
        &["a.example", "a.test", "b.a.test", "b.test"],
    );
}

#[test]
fn a_name_of_127_labels_is_found_by_its_last_and_by_all() {
    let long = vec!["a"; 127].join(".");
    check(&listed(&[(&long, "lst_a")]), 42, &[]);
    check(&listed(&[("*.a", "lst_a")]), 42, &[&long]);
}

#[test]
fn equal_combinations_of_lists_share_a_number() {
    let names: Vec<String> = (0..100).map(|n| format!("n{n}.example")).collect();
    let listed: Vec<Listed> = names
        .iter()
        .flat_map(|name| listed(&[(name, "lst_b"), (name, "lst_a")]))
        .collect();
    assert_eq!(build(&listed, 1, 1024).expect("fits").sets.len(), 1);
}

#[test]
fn full_tables_lose_no_name() {
    for buckets in [2usize, 4, 64, 1024] {
        let capacity = NameImage::capacity(buckets);
        let names: Vec<Listed> = (0..capacity)
            .flat_map(|n| listed(&[(&format!("n{n}.example"), "lst_a")]))
            .collect();
        for key in 0..20 {
            let image = build(&names, key, buckets).expect("fits");
            assert_eq!((image.buckets.len(), image.names), (buckets, capacity));
            let missing = names
                .iter()
                .find(|(pattern, _)| image.lookup(&pattern.name) != Some((0, true)));
            assert_eq!(missing, None, "key {key}");
        }
    }
}

#[test]
fn more_than_fits_is_refused_with_the_numbers() {
    let capacity = NameImage::capacity(2);
    let names: Vec<Listed> = (0..=capacity)
        .flat_map(|n| listed(&[(&format!("n{n}.example"), "lst_a")]))
        .collect();
    assert_eq!(
        build(&names, 1, 2).err(),
        Some(ImageTooLarge {
            what: "names",
            needed: capacity + 1,
            capacity
        })
    );
    assert!(build(&names, 1, 0).is_err());
}

#[test]
fn more_combinations_of_lists_than_numbers_are_refused() {
    // 14 lists make 2^14 - 1 combinations, one a name.
    let names: Vec<Listed> = (1u32..1 << 14)
        .flat_map(|n| {
            (0..14)
                .filter(move |bit| n >> bit & 1 == 1)
                .map(move |bit| (n, bit))
        })
        .flat_map(|(n, bit)| listed(&[(&format!("n{n}.example"), &format!("lst_{bit}"))]))
        .collect();
    let error = build(&names, 1, 1 << 16).expect_err("too many");
    assert_eq!((error.what, error.capacity), ("combinations of lists", 8192));
}

fn name() -> impl Strategy<Value = DomainName> {
    prop::collection::vec("[a-c]{1,2}", 1..5).prop_map(|labels| labels.join(".").parse().expect("name"))
}

fn pattern() -> impl Strategy<Value = Listed> {
    let scope = prop_oneof![
        Just(DomainScope::Exact),
        Just(DomainScope::Suffix),
        Just(DomainScope::Below)
    ];
    (name(), scope, 0u8..4).prop_map(|(name, scope, list)| {
        (
            DomainPattern { name, scope },
            format!("lst_{list}").parse().expect("list"),
        )
    })
}

proptest! {
    #[test]
    fn random_lists_read_like_the_naive_matcher(
        listed in prop::collection::vec(pattern(), 0..80),
        asked in prop::collection::vec(name(), 0..40),
        key in any::<u64>(),
    ) {
        let asked: Vec<&str> = asked.iter().map(DomainName::as_str).collect();
        check(&listed, key, &asked);
    }
}
