use ravelin_model::{EntryId, ListKind};
use ravelin_store::{PageQuery, Store, StoreError};

use crate::support::{
    add, at, blocklist, change, check, dns_blocklist, new_list, shown, store, value, values,
};

#[tokio::test]
async fn a_value_added_again_takes_the_new_expiry_only() {
    let store = store().await;
    add(
        &store,
        &blocklist(),
        &["192.0.2.1/32 until 60", "2001:db8::/32"],
        7,
    )
    .await;
    check(
        &store,
        &blocklist(),
        &["1 192.0.2.1/32 until 60 #7", "2 2001:db8::/32 #8"],
    )
    .await;
    let first = store.entries(&blocklist()).await.expect("entries");

    let again = add(
        &store,
        &blocklist(),
        &["2001:db8::/32 until 5", "203.0.113.0/24", "192.0.2.1/32"],
        20,
    )
    .await;
    assert_eq!(
        shown(&again),
        [
            "2 2001:db8::/32 until 5 #8",
            "3 203.0.113.0/24 #20",
            "1 192.0.2.1/32 #7"
        ]
    );
    check(
        &store,
        &blocklist(),
        &[
            "1 192.0.2.1/32 #7",
            "2 2001:db8::/32 until 5 #8",
            "3 203.0.113.0/24 #20",
        ],
    )
    .await;
    let now = store.entries(&blocklist()).await.expect("entries");
    assert_eq!(now[0].entry.added_at, first[0].entry.added_at);
}

#[tokio::test]
async fn a_value_twice_in_one_call_is_one_entry() {
    let store = store().await;
    let added = add(&store, &blocklist(), &["192.0.2.1/32", "192.0.2.1/32 until 9"], 0).await;
    assert_eq!(shown(&added), ["1 192.0.2.1/32 #0", "1 192.0.2.1/32 until 9 #0"]);
    check(&store, &blocklist(), &["1 192.0.2.1/32 until 9 #0"]).await;
}

#[tokio::test]
async fn only_address_entries_take_a_counter_and_none_has_anothers() {
    let store = store().await;
    add(
        &store,
        &dns_blocklist(),
        &["a.example", "=a.example", "*.a.example"],
        3,
    )
    .await;
    check(
        &store,
        &dns_blocklist(),
        &["1 a.example", "2 =a.example", "3 *.a.example"],
    )
    .await;
    let other = new_list(&store, "other", ListKind::Address).await;
    add(&store, &blocklist(), &["192.0.2.1/32"], 0).await;

    let mut clashing = change(&store, 0).await;
    let refused = clashing
        .add_entries(&other, &[value("192.0.2.2/32")], &mut (0..))
        .await;
    assert!(matches!(refused, Err(StoreError::WriteEntries(_))), "{refused:?}");
    drop(clashing);
    let mut exhausted = change(&store, 0).await;
    let refused = exhausted
        .add_entries(&other, &values(&["192.0.2.2/32", "192.0.2.3/32"]), &mut (1..2))
        .await;
    assert!(matches!(refused, Err(StoreError::NoCounterLeft)), "{refused:?}");
    drop(exhausted);
    check(&store, &other, &[]).await;
}

#[tokio::test]
async fn the_kinds_do_not_mix() {
    let store = store().await;
    let mut change = change(&store, 0).await;
    for (list, text) in [(blocklist(), "a.example"), (dns_blocklist(), "192.0.2.1/32")] {
        let added = change.add_entries(&list, &[value(text)], &mut (0..)).await;
        assert!(matches!(added, Err(StoreError::WrongKind { .. })), "{added:?}");
        let replaced = change.replace_entries(&list, &[value(text)], &mut (0..)).await;
        assert!(
            matches!(replaced, Err(StoreError::WrongKind { .. })),
            "{replaced:?}"
        );
    }
    drop(change);
    assert!(matches!(
        store.patterns(&blocklist()).await,
        Err(StoreError::WrongKind { .. })
    ));
}

#[tokio::test]
async fn a_deleted_entry_is_answered_and_its_id_never_comes_again() {
    let store = store().await;
    add(
        &store,
        &blocklist(),
        &["192.0.2.1/32", "192.0.2.2/32 until 60"],
        0,
    )
    .await;
    let mut deleting = change(&store, 3).await;
    let gone = deleting
        .delete_entry(&blocklist(), EntryId(2))
        .await
        .expect("delete")
        .expect("there");
    assert_eq!(shown(&[gone]), ["2 192.0.2.2/32 until 60 #1"]);
    assert_eq!(
        deleting
            .delete_entry(&blocklist(), EntryId(2))
            .await
            .expect("delete"),
        None
    );
    assert_eq!(
        deleting
            .delete_entry(&dns_blocklist(), EntryId(1))
            .await
            .expect("delete"),
        None
    );
    deleting.commit().await.expect("commit");
    check(&store, &blocklist(), &["1 192.0.2.1/32 #0"]).await;
    assert_eq!(store.entry(&blocklist(), EntryId(2)).await.expect("entry"), None);
    add(&store, &blocklist(), &["192.0.2.2/32"], 1).await;
    check(&store, &blocklist(), &["1 192.0.2.1/32 #0", "3 192.0.2.2/32 #1"]).await;
    let list = store
        .list(&blocklist(), at(0))
        .await
        .expect("list")
        .expect("exists");
    assert_eq!(list.revision, store.revision().await.expect("revision"));
}

#[tokio::test]
async fn expired_entries_go_when_their_time_has_come() {
    let store = store().await;
    let other = new_list(&store, "other", ListKind::Address).await;
    assert_eq!(store.next_expiry().await.expect("expiry"), None);
    add(
        &store,
        &blocklist(),
        &["192.0.2.1/32 until 60", "192.0.2.2/32", "192.0.2.3/32 until 90"],
        0,
    )
    .await;
    add(&store, &other, &["192.0.2.1/32 until 30"], 5).await;
    assert_eq!(store.next_expiry().await.expect("expiry"), Some(at(30)));

    for (seconds, expected) in [
        (29, vec![]),
        (
            60,
            vec!["1 192.0.2.1/32 until 60 #0", "4 192.0.2.1/32 until 30 #5"],
        ),
        (61, vec![]),
        (90, vec!["3 192.0.2.3/32 until 90 #2"]),
    ] {
        let mut expiring = change(&store, seconds).await;
        let gone = expiring.delete_expired().await.expect("expire");
        let mut entries: Vec<_> = gone.into_iter().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|stored| stored.entry.id);
        assert_eq!(shown(&entries), expected, "after {seconds} seconds");
        expiring.commit().await.expect("commit");
    }
    check(&store, &blocklist(), &["2 192.0.2.2/32 #1"]).await;
    check(&store, &other, &[]).await;
    assert_eq!(store.next_expiry().await.expect("expiry"), None);
}

async fn check_page(
    store: &Store,
    seconds: i64,
    search: Option<&str>,
    after: i64,
    limit: u32,
    expected: &[i64],
) {
    let query = PageQuery {
        search: search.map(str::to_owned),
        after: Some(EntryId(after)),
        limit,
    };
    let page = store.page(&blocklist(), &query, at(seconds)).await.expect("page");
    let ids: Vec<i64> = page.iter().map(|stored| stored.entry.id.0).collect();
    assert_eq!(ids, expected, "{query:?} after {seconds} seconds");
}

#[tokio::test]
async fn pages_follow_the_ids_and_leave_out_what_has_expired() {
    let store = store().await;
    add(&store, &dns_blocklist(), &["192.example"], 0).await;
    let texts = [
        "192.0.2.1/32",
        "203.0.113.0/24",
        "192.0.2.2/32 until 60",
        "2001:db8::/32",
        "198.51.100.1/32",
    ];
    add(&store, &blocklist(), &texts, 0).await;
    check_page(&store, 0, None, 0, 100, &[2, 3, 4, 5, 6]).await;
    check_page(&store, 0, None, 0, 2, &[2, 3]).await;
    check_page(&store, 0, None, 3, 2, &[4, 5]).await;
    check_page(&store, 60, None, 3, 2, &[5, 6]).await;
    check_page(&store, 0, None, 6, 2, &[]).await;
    check_page(&store, 0, Some("192.0"), 0, 100, &[2, 4]).await;
    check_page(&store, 0, Some("::"), 0, 100, &[5]).await;
    // No character of a search is special.
    check_page(&store, 0, Some("%"), 0, 100, &[]).await;
    check_page(&store, 0, Some("_"), 0, 100, &[]).await;
}
