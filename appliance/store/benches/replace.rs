//! How long a list of a million names takes to replace and to read: an import has to be live within seconds.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::ops::Range;
use std::time::Instant;

use ravelin_model::{DomainEntry, EntryValue, ListId};
use ravelin_store::{Author, PageQuery, Store};
use time::OffsetDateTime;

fn names(numbers: Range<u32>) -> Vec<EntryValue> {
    numbers
        .map(|number| {
            let name = format!(
                "host{:x}.site{}.example",
                number.wrapping_mul(0x9e37_79b1),
                number % 7777
            );
            EntryValue::Domain(DomainEntry {
                pattern: name.parse().expect("name"),
            })
        })
        .collect()
}

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("open");
    let list: ListId = ListId::DNS_BLOCKLIST.parse().expect("built in");
    let author = Author {
        name: "bench".to_owned(),
        origin: "bench".to_owned(),
    };
    for (what, values) in [
        ("into an empty list", names(0..1_000_000)),
        ("the same again", names(0..1_000_000)),
        ("1 % changed", names(10_000..1_010_000)),
        ("all changed", names(2_000_000..3_000_000)),
    ] {
        let start = Instant::now();
        let mut change = store
            .change(&author, what, OffsetDateTime::now_utc())
            .await
            .expect("begin");
        let replaced = change
            .replace_entries(&list, &values, &mut std::iter::empty())
            .await
            .expect("replace");
        let written = start.elapsed();
        change.commit().await.expect("commit");
        println!(
            "1M names {what}: {written:?}, committed after {:?}, {replaced:?}",
            start.elapsed()
        );
    }
    let start = Instant::now();
    let patterns = store.patterns(&list).await.expect("patterns").len();
    println!("{patterns} patterns read: {:?}", start.elapsed());
    let start = Instant::now();
    let query = PageQuery {
        search: Some("nowhere".to_owned()),
        after: None,
        limit: 100,
    };
    store
        .page(&list, &query, OffsetDateTime::now_utc())
        .await
        .expect("page");
    println!("search that finds nothing: {:?}", start.elapsed());
    store.close().await;
    let start = Instant::now();
    Store::open(&path).await.expect("open again");
    println!(
        "open again: {:?}, {} bytes",
        start.elapsed(),
        path.metadata().expect("file").len()
    );
}
