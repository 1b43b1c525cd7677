use ravelin_model::ListKind;
use ravelin_store::{Replaced, StoreError};

use crate::support::{add, at, blocklist, change, check, dns_blocklist, new_list, replace, store, values};

#[tokio::test]
async fn values_that_stay_keep_id_counter_and_time() {
    let store = store().await;
    add(
        &store,
        &blocklist(),
        &["192.0.2.3/32", "192.0.2.2/32", "192.0.2.1/32 until 60"],
        0,
    )
    .await;
    let replaced = replace(
        &store,
        &blocklist(),
        &["192.0.2.4/32", "192.0.2.2/32 until 90", "192.0.2.1/32"],
        &[8, 9],
    )
    .await;
    assert_eq!(
        replaced,
        Replaced {
            added: 1,
            removed: 1,
            kept: 2
        }
    );
    check(
        &store,
        &blocklist(),
        &[
            "2 192.0.2.2/32 until 90 #1",
            "3 192.0.2.1/32 #2",
            "4 192.0.2.4/32 #8",
        ],
    )
    .await;
    let entries = store.entries(&blocklist()).await.expect("entries");
    let added_at: Vec<_> = entries.iter().map(|stored| stored.entry.added_at).collect();
    assert_eq!(added_at, [at(0), at(0), at(10)]);
}

#[tokio::test]
async fn counters_of_what_goes_serve_when_the_free_ones_run_out() {
    let store = store().await;
    add(&store, &blocklist(), &["192.0.2.1/32", "192.0.2.2/32"], 0).await;
    replace(
        &store,
        &blocklist(),
        &["192.0.2.3/32", "192.0.2.4/32", "192.0.2.5/32"],
        &[2],
    )
    .await;
    check(
        &store,
        &blocklist(),
        &["3 192.0.2.3/32 #2", "4 192.0.2.4/32 #0", "5 192.0.2.5/32 #1"],
    )
    .await;

    let mut exhausted = change(&store, 0).await;
    let four = values(&["192.0.2.6/32", "192.0.2.7/32", "192.0.2.8/32", "192.0.2.9/32"]);
    let refused = exhausted
        .replace_entries(&blocklist(), &four, &mut std::iter::empty())
        .await;
    assert!(matches!(refused, Err(StoreError::NoCounterLeft)), "{refused:?}");
    drop(exhausted);
    check(
        &store,
        &blocklist(),
        &["3 192.0.2.3/32 #2", "4 192.0.2.4/32 #0", "5 192.0.2.5/32 #1"],
    )
    .await;
}

#[tokio::test]
async fn other_lists_are_left_alone() {
    let store = store().await;
    let other = new_list(&store, "other", ListKind::Domain).await;
    add(&store, &other, &["a.example", "b.example"], 0).await;
    replace(
        &store,
        &dns_blocklist(),
        &["b.example", "c.example", "=b.example", "b.example"],
        &[],
    )
    .await;
    check(
        &store,
        &dns_blocklist(),
        &["3 =b.example", "4 b.example", "5 c.example"],
    )
    .await;
    replace(&store, &dns_blocklist(), &[], &[]).await;
    check(&store, &dns_blocklist(), &[]).await;
    check(&store, &other, &["1 a.example", "2 b.example"]).await;
}

#[tokio::test]
async fn batches_join_without_a_seam() {
    let store = store().await;
    let numbered = |numbers: std::ops::Range<u32>| -> Vec<String> {
        numbers.map(|number| format!("host{number}.example")).collect()
    };
    for (numbers, expected) in [
        (
            0..20_000,
            Replaced {
                added: 20_000,
                removed: 0,
                kept: 0,
            },
        ),
        (
            9_000..29_000,
            Replaced {
                added: 9_000,
                removed: 9_000,
                kept: 11_000,
            },
        ),
        (
            9_000..29_000,
            Replaced {
                added: 0,
                removed: 0,
                kept: 20_000,
            },
        ),
    ] {
        let texts = numbered(numbers);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(replace(&store, &dns_blocklist(), &texts, &[]).await, expected);
        let mut patterns: Vec<String> = store
            .patterns(&dns_blocklist())
            .await
            .expect("patterns")
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut sorted = texts.clone();
        sorted.sort_unstable();
        patterns.sort_unstable();
        assert_eq!(patterns, sorted);
    }
}
