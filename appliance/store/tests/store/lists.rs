use ravelin_model::{ListId, ListKind, Revision};
use ravelin_store::{Store, StoreError};

use crate::support::{add, at, blocklist, change, dns_blocklist, name, new_list, revision, store};

/// Lists as `number name kind count @revision`.
async fn check(store: &Store, seconds: i64, expected: &[&str]) {
    let lists = store.lists(at(seconds)).await.expect("lists");
    let shown: Vec<String> = lists
        .iter()
        .map(|list| {
            format!(
                "{} {} {:?} {} @{}",
                list.number, list.name, list.kind, list.entries_count, list.revision.0
            )
        })
        .collect();
    assert_eq!(shown, expected);
    for list in lists {
        assert_eq!(store.list(&list.id, at(seconds)).await.expect("list"), Some(list));
    }
}

#[tokio::test]
async fn the_built_in_lists_exist_from_the_start() {
    let store = store().await;
    check(
        &store,
        0,
        &["1 blocklist Address 0 @0", "2 dns-blocklist Domain 0 @0"],
    )
    .await;
    assert!(
        store
            .list(&blocklist(), at(0))
            .await
            .expect("list")
            .is_some_and(|list| list.id == blocklist())
    );
}

#[tokio::test]
async fn lists_are_made_renamed_and_deleted() {
    let store = store().await;
    let zebra = new_list(&store, "zebra", ListKind::Domain).await;
    assert!(
        zebra
            .as_str()
            .strip_prefix("lst_")
            .is_some_and(|random| random.len() == 16),
        "{zebra}"
    );
    let ants = new_list(&store, "ants", ListKind::Address).await;
    assert_ne!(zebra, ants);
    let mut renaming = change(&store, 7).await;
    let renamed = renaming.rename_list(&zebra, &name("yak")).await.expect("rename");
    renaming.commit().await.expect("commit");
    assert_eq!((renamed.name.as_str(), renamed.updated_at), ("yak", at(7)));
    check(
        &store,
        0,
        &[
            "1 blocklist Address 0 @0",
            "2 dns-blocklist Domain 0 @0",
            "4 ants Address 0 @2",
            "3 yak Domain 0 @3",
        ],
    )
    .await;

    add(&store, &ants, &["192.0.2.1/32"], 5).await;
    let mut deleting = change(&store, 8).await;
    deleting.delete_list(&ants).await.expect("delete");
    deleting.commit().await.expect("commit");
    assert_eq!(store.list(&ants, at(0)).await.expect("list"), None);
    assert!(matches!(store.entries(&ants).await, Err(StoreError::UnknownList(id)) if id == ants));

    // Neither the number nor the entry's id comes again; the counter may.
    let bees = new_list(&store, "bees", ListKind::Address).await;
    assert_eq!(
        store
            .list(&bees, at(0))
            .await
            .expect("list")
            .map(|list| list.number),
        Some(5)
    );
    assert_eq!(add(&store, &bees, &["192.0.2.1/32"], 5).await[0].entry.id.0, 2);
}

#[tokio::test]
async fn a_name_belongs_to_one_list() {
    let store = store().await;
    let list = new_list(&store, "ants", ListKind::Address).await;
    let mut creating = change(&store, 0).await;
    let refused = creating.create_list(&name("ants"), ListKind::Domain).await;
    assert!(matches!(refused, Err(StoreError::NameTaken(taken)) if taken.as_str() == "ants"));
    drop(creating);
    let mut renaming = change(&store, 0).await;
    let refused = renaming.rename_list(&list, &name("blocklist")).await;
    assert!(matches!(refused, Err(StoreError::NameTaken(taken)) if taken.as_str() == "blocklist"));
    renaming
        .rename_list(&list, &name("ants"))
        .await
        .expect("its own name");
    drop(renaming);
    assert_eq!(revision(&store).await, Revision(1));
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_unknown() {
    let store = store().await;
    let ghost: ListId = "lst_0000000000000000".parse().expect("id");
    assert_eq!(store.list(&ghost, at(0)).await.expect("list"), None);
    let mut change = change(&store, 0).await;
    let unknown = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::UnknownList(id)) if id == ghost));
    };
    unknown(change.rename_list(&ghost, &name("boo")).await.map(drop));
    unknown(change.delete_list(&ghost).await);
    unknown(change.add_entries(&ghost, &[], &mut (0..)).await.map(drop));
    unknown(change.replace_entries(&ghost, &[], &mut (0..)).await.map(drop));
    unknown(
        change
            .delete_entry(&ghost, ravelin_model::EntryId(1))
            .await
            .map(drop),
    );
    unknown(change.entries(&ghost).await.map(drop));
}

#[tokio::test]
async fn expired_entries_are_not_counted() {
    let store = store().await;
    add(
        &store,
        &blocklist(),
        &["192.0.2.1/32", "192.0.2.2/32 until 60", "192.0.2.3/32 until 90"],
        0,
    )
    .await;
    add(&store, &dns_blocklist(), &["a.example"], 0).await;
    for (seconds, count) in [(59, 3), (60, 2), (90, 1)] {
        let blocklist = format!("1 blocklist Address {count} @1");
        check(&store, seconds, &[&blocklist, "2 dns-blocklist Domain 1 @2"]).await;
    }
}
