//! What the tests share: one author, a clock that stands, and short ways to write values.

use ravelin_model::{AddressEntry, DomainEntry, EntryValue, ListId, ListKind, ListName, Revision};
use ravelin_store::{Author, Change, Replaced, Store, StoredEntry};
use time::{Duration, OffsetDateTime};

pub(crate) fn author() -> Author {
    Author {
        name: "uid:0".to_owned(),
        origin: "unix".to_owned(),
    }
}

/// Seconds after a fixed moment.
pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(seconds)
}

pub(crate) async fn store() -> Store {
    Store::in_memory().await.expect("in-memory store")
}

pub(crate) async fn change(store: &Store, seconds: i64) -> Change {
    store
        .change(&author(), "a test changes something", at(seconds))
        .await
        .expect("begin")
}

pub(crate) fn blocklist() -> ListId {
    ListId::BLOCKLIST.parse().expect("built-in id")
}

pub(crate) fn dns_blocklist() -> ListId {
    ListId::DNS_BLOCKLIST.parse().expect("built-in id")
}

pub(crate) fn name(text: &str) -> ListName {
    text.parse().expect("list name")
}

/// `192.0.2.1/32`, `192.0.2.1/32 until 60`, `*.example.com`.
pub(crate) fn value(text: &str) -> EntryValue {
    let (value, expiry) = match text.split_once(" until ") {
        Some((value, seconds)) => (value, Some(at(seconds.parse().expect("seconds")))),
        None => (text, None),
    };
    match value.parse() {
        Ok(network) => EntryValue::Address(AddressEntry {
            network,
            expires_at: expiry,
        }),
        Err(_) => EntryValue::Domain(DomainEntry {
            pattern: value.parse().expect("pattern"),
        }),
    }
}

pub(crate) fn values(texts: &[&str]) -> Vec<EntryValue> {
    texts.iter().map(|text| value(text)).collect()
}

/// Adds in a change of its own, with the counters from `first_counter` on.
pub(crate) async fn add(
    store: &Store,
    list: &ListId,
    texts: &[&str],
    first_counter: u32,
) -> Vec<StoredEntry> {
    let mut change = change(store, 0).await;
    let added = change
        .add_entries(list, &values(texts), &mut (first_counter..))
        .await
        .expect("add");
    change.commit().await.expect("commit");
    added
}

/// Replaces in a change of its own.
pub(crate) async fn replace(store: &Store, list: &ListId, texts: &[&str], counters: &[u32]) -> Replaced {
    let mut change = change(store, 10).await;
    let replaced = change
        .replace_entries(list, &values(texts), &mut counters.iter().copied())
        .await
        .expect("replace");
    change.commit().await.expect("commit");
    replaced
}

/// Entries as `id value[ until seconds] #counter`.
pub(crate) fn shown(entries: &[StoredEntry]) -> Vec<String> {
    entries
        .iter()
        .map(|stored| {
            let expiry = match &stored.entry.value {
                EntryValue::Address(AddressEntry {
                    expires_at: Some(expiry),
                    ..
                }) => {
                    format!(" until {}", (*expiry - at(0)).whole_seconds())
                }
                _ => String::new(),
            };
            let counter = stored
                .counter
                .map(|counter| format!(" #{counter}"))
                .unwrap_or_default();
            format!(
                "{} {}{expiry}{counter}",
                stored.entry.id.0,
                stored.entry.value.text()
            )
        })
        .collect()
}

/// What the list holds, as [`shown`]; its own count of entries must agree.
pub(crate) async fn check(store: &Store, list: &ListId, expected: &[&str]) {
    let entries = store.entries(list).await.expect("entries");
    assert_eq!(shown(&entries), expected);
    let counted = store
        .list(list, at(0))
        .await
        .expect("list")
        .expect("exists")
        .entries_count;
    assert_eq!(
        counted,
        u64::try_from(expected.len()).expect("few"),
        "entries_count"
    );
}

pub(crate) async fn new_list(store: &Store, text: &str, kind: ListKind) -> ListId {
    let mut change = change(store, 0).await;
    let list = change.create_list(&name(text), kind).await.expect("create");
    change.commit().await.expect("commit");
    list.id
}

pub(crate) async fn revision(store: &Store) -> Revision {
    store.revision().await.expect("revision")
}
