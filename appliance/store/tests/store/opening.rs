use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ravelin_model::{ListKind, Revision};
use ravelin_store::{Store, StoreError};
use sqlx::{Connection, SqliteConnection};

use crate::support::{at, blocklist, change, check, new_list, replace, revision};

/// Opens the file behind the store's back.
async fn edit(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("connect");
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .expect("edit");
    connection.close().await.expect("close");
}

/// The file must be refused, and be the same afterwards.
async fn check_refused(path: &Path, expected: impl Fn(&StoreError) -> bool) {
    let before = fs::read(path).expect("read");
    let error = Store::open(path).await.expect_err("must be refused");
    assert!(expected(&error), "{error:?}");
    assert_eq!(
        fs::read(path).expect("read"),
        before,
        "the refused file was written to"
    );
}

#[tokio::test]
async fn a_store_holds_what_it_held_and_only_its_owner_reads_it() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("create");
    let list = new_list(&store, "ants", ListKind::Address).await;
    replace(&store, &list, &["192.0.2.1/32"], &[9]).await;
    for file in fs::read_dir(directory.path()).expect("files") {
        let mode = file
            .expect("file")
            .metadata()
            .expect("metadata")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    store.close().await;
    assert!(store.revision().await.is_err(), "closed");

    let store = Store::open(&path).await.expect("open again");
    assert_eq!(revision(&store).await, Revision(2));
    check(&store, &list, &["1 192.0.2.1/32 #9"]).await;
    assert_eq!(store.lists(at(0)).await.expect("lists").len(), 3);
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_untouched() {
    let directory = tempfile::tempdir().expect("directory");
    let text = directory.path().join("text");
    fs::write(
        &text,
        "not a database, and longer than the sixteen bytes of a header",
    )
    .expect("write");
    check_refused(&text, |error| matches!(error, StoreError::NotOurs { .. })).await;

    let unmarked = directory.path().join("unmarked.db");
    edit(&unmarked, "CREATE TABLE theirs (a)").await;
    check_refused(&unmarked, |error| matches!(error, StoreError::NotOurs { .. })).await;

    let marked = directory.path().join("marked.db");
    edit(&marked, "PRAGMA application_id = 7").await;
    check_refused(&marked, |error| matches!(error, StoreError::NotOurs { .. })).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    Store::open(&path).await.expect("create").close().await;
    edit(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', true, x'00', 0)",
    )
    .await;
    check_refused(&path, |error| {
        matches!(
            error,
            StoreError::NewerSchema {
                found: 9999,
                known: 1..,
                ..
            }
        )
    })
    .await;
}

#[tokio::test]
async fn a_damaged_file_is_refused_untouched() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("create");
    let texts: Vec<String> = (0..2000).map(|number| format!("host{number}.example")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    replace(&store, &crate::support::dns_blocklist(), &texts, &[]).await;
    store.close().await;
    let sound = fs::read(&path).expect("read");
    // Pages of a table; the schema, right after the header.
    for damaged in [sound.len() / 2..sound.len() / 2 + 8192, 100..600] {
        let mut bytes = sound.clone();
        bytes[damaged].fill(0xa5);
        fs::write(&path, bytes).expect("write");
        check_refused(&path, |error| matches!(error, StoreError::Damaged { .. })).await;
    }
}

#[tokio::test]
async fn a_start_cut_off_before_the_schema_was_made_is_finished() {
    let directory = tempfile::tempdir().expect("directory");
    for (name, statement) in [
        ("empty.db", ""),
        ("marked.db", "PRAGMA application_id = 1381387342"),
    ] {
        let path = directory.path().join(name);
        edit(&path, statement).await;
        let store = Store::open(&path).await.expect("open");
        check(&store, &blocklist(), &[]).await;
        drop(change(&store, 0).await);
    }
}

#[tokio::test]
async fn a_place_without_a_directory_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("missing/store.db");
    let error = Store::open(&path).await.expect_err("no directory");
    assert!(matches!(&error, StoreError::Create { .. }), "{error:?}");
    assert!(error.to_string().contains("missing/store.db"), "{error}");
}
