//! Stores that are sound to SQLite and hold something nobody wrote.

use std::path::{Path, PathBuf};

use ravelin_model::{Feature, Revision};
use ravelin_store::{PolicyWrite, Store, StoreError};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::policy::rule;
use crate::support::{add, at, blocklist, change, dns_blocklist, replace};

async fn filled() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("create");
    let mut writing = change(&store, 0).await;
    let writes: Vec<PolicyWrite> = (0..20)
        .map(|number| rule(&format!("r{number}"), 16 + number, 1, 1000 * i64::from(number)))
        .collect();
    writing.write_policy(&writes).await.expect("write");
    writing
        .set_feature_enabled(Feature::DnsBlocklist, true)
        .await
        .expect("feature");
    writing.commit().await.expect("commit");
    add(
        &store,
        &blocklist(),
        &["192.0.2.1/32", "192.0.2.2/32 until 60"],
        7,
    )
    .await;
    replace(&store, &dns_blocklist(), &["a.example", "b.example"], &[]).await;
    store.close().await;
    (directory, path)
}

async fn edit(path: &Path, statements: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("connect");
    sqlx::raw_sql(statements)
        .execute(&mut connection)
        .await
        .expect(statements);
    connection.close().await.expect("close");
}

#[tokio::test]
async fn a_value_nobody_wrote_is_damage() {
    let (_directory, path) = filled().await;
    Store::open_existing(&path).await.expect("sound").close().await;
    for statements in [
        "UPDATE policy_object SET spec = replace(spec, 'accept', 'drop') WHERE id = 'rul_r7'",
        "UPDATE policy_object SET position = 1 WHERE id = 'rul_r7'",
        "DELETE FROM policy_object WHERE id = 'rul_r7'",
        "UPDATE feature SET enabled = 0",
        "UPDATE list SET name = 'other' WHERE id = 'blocklist'",
        "UPDATE revision SET at = at + 1 WHERE number = 3",
        "INSERT INTO policy_unconfirmed (one, revision, previous, until) VALUES (1, 3, 1, 0)",
        "DELETE FROM digest WHERE part = 'feature'",
        "INSERT INTO entry (list, value, added_at) VALUES (99, '192.0.2.9/32', 0)",
        // The index has the entry, the table does not.
        "PRAGMA writable_schema = ON; CREATE TABLE kept AS SELECT * FROM entry; \
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'kept') \
         WHERE name = 'entry'; DELETE FROM kept WHERE value = '192.0.2.1/32'",
    ] {
        let (_directory, path) = filled().await;
        edit(&path, statements).await;
        let error = Store::open_existing(&path).await.expect_err(statements);
        assert!(
            matches!(error, StoreError::Damaged { .. }),
            "{statements}: {error:?}"
        );
        assert!(error.condemns());
    }
}

#[tokio::test]
async fn a_store_that_must_be_there_is_not_made() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let error = Store::open_existing(&path).await.expect_err("missing");
    assert!(!error.condemns() && !path.exists(), "{error:?}");
    std::fs::write(&path, "").expect("write");
    let error = Store::open_existing(&path).await.expect_err("empty");
    assert!(error.condemns(), "{error:?}");
}

#[tokio::test]
async fn a_copy_has_the_configuration_and_its_history_and_not_what_only_grows() {
    let (directory, path) = filled().await;
    let store = Store::open(&path).await.expect("open");
    let to = directory.path().join("copy.db");
    // Beside a change nobody has committed.
    let begun = change(&store, 1).await;
    assert_eq!(store.copy_configuration(&to).await.expect("copy"), Revision(3));
    drop(begun);
    let copy = Store::open_existing(&to).await.expect("open the copy");
    assert_eq!(
        copy.identity().await.expect("identity"),
        store.identity().await.expect("identity")
    );
    assert_eq!(
        copy.policy().await.expect("policy"),
        store.policy().await.expect("policy")
    );
    assert_eq!(
        copy.policy_at(Revision(0)).await.expect("past"),
        store.policy_at(Revision(0)).await.expect("past")
    );
    assert_eq!(
        copy.features().await.expect("features"),
        store.features().await.expect("features")
    );
    for list in [blocklist(), dns_blocklist()] {
        assert_eq!(
            copy.entries(&list).await.expect("entries"),
            store.entries(&list).await.expect("entries")
        );
    }
    assert_eq!(
        copy.revisions(None, 9).await.expect("revisions"),
        store.revisions(None, 9).await.expect("revisions")
    );
    // Ids go on where they were.
    let next = add(&copy, &blocklist(), &["192.0.2.3/32"], 9).await;
    assert_eq!(next[0].entry.id.0, 5);
    assert_eq!(copy.lists(at(0)).await.expect("lists").len(), 2);
    let again = store.copy_configuration(&to).await;
    assert!(
        matches!(again, Err(StoreError::Create { .. })),
        "nothing is written over"
    );
}
