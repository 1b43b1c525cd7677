use ravelin_model::{Feature, Revision};

use crate::support::{author, blocklist, change, check, revision, store, value};

#[tokio::test]
async fn revisions_count_committed_changes_only() {
    let store = store().await;
    assert_eq!(revision(&store).await, Revision(0));
    for expected in 1..=3 {
        assert_eq!(
            change(&store, 0).await.commit().await.expect("commit"),
            Revision(expected)
        );
        assert_eq!(revision(&store).await, Revision(expected));
    }
    let dropped = change(&store, 0).await;
    assert_eq!(dropped.revision(), Revision(4));
    drop(dropped);
    assert_eq!(revision(&store).await, Revision(3));
    assert_eq!(
        change(&store, 0).await.commit().await.expect("commit"),
        Revision(4)
    );
}

#[tokio::test]
async fn a_dropped_change_leaves_nothing_behind() {
    let store = store().await;
    let mut dropped = change(&store, 0).await;
    dropped
        .set_feature_enabled(Feature::DnsBlocklist, true)
        .await
        .expect("switch");
    dropped.set_interface_external("wan0", true).await.expect("flag");
    dropped
        .add_entries(&blocklist(), &[value("192.0.2.1/32")], &mut (0..))
        .await
        .expect("add");
    drop(dropped);
    check(&store, &blocklist(), &[]).await;
    assert!(store.external_interfaces().await.expect("interfaces").is_empty());
    assert!(
        store
            .features()
            .await
            .expect("features")
            .iter()
            .all(|stored| stored.revision == Revision(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_wait_for_each_other_and_readers_do_not() {
    let directory = tempfile::tempdir().expect("directory");
    let store = ravelin_store::Store::open(&directory.path().join("store.db"))
        .await
        .expect("open");
    let mut first = change(&store, 0).await;
    first
        .add_entries(&blocklist(), &[value("192.0.2.1/32")], &mut (0..))
        .await
        .expect("add");

    let (author, list) = (author(), blocklist());
    let second = store.change(&author, "wait for the first", crate::support::at(1));
    tokio::pin!(second);
    // A reader is served while the first change is open; the second change is not.
    tokio::select! {
        biased;
        _ = &mut second => panic!("two changes at a time"),
        entries = store.entries(&list) => assert!(entries.expect("entries").is_empty()),
    }
    first.commit().await.expect("commit");
    let second = second.await.expect("begin");
    assert_eq!(second.revision(), Revision(2));
    check(&store, &blocklist(), &["1 192.0.2.1/32 #0"]).await;
}
