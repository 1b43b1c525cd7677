//! Opening the file: ours, sound, not newer than this program, brought up to date.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ravelin_model::Revision;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};

use crate::batch_times::BatchTimes;
use crate::{StoreError, convert, digest};

/// `PRAGMA application_id` of our files: `RVLN`.
const APPLICATION_ID: i64 = 0x5256_4c4e;

/// Marks a file as ours; a pragma takes no bound value.
pub(crate) const MARK: &str = "PRAGMA application_id = 1381387342"; // 0x52564c4e

/// Readers beside the one writer.
const READERS: u32 = 4;

/// How long one statement waits for a lock another process holds (a backup, an inspecting `sqlite3`).
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a change or a reader waits for its turn: longer than the largest import takes on a slow machine.
const TURN_TIMEOUT: Duration = Duration::from_secs(120);

/// SQLite's code for a file whose structure makes no sense.
const SQLITE_CORRUPT: i32 = 11;

/// SQLite's code for a file that is no database.
const SQLITE_NOTADB: i32 = 26;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
    pub(crate) verdict_times: BatchTimes,
    pub(crate) flow_record_times: BatchTimes,
}

impl Store {
    /// Opens the file, or makes it readable by its owner only; brings its schema up to date.
    /// A file another program made, a newer or a damaged one is refused and left as it is.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
        {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(StoreError::Create {
                    path: path.to_owned(),
                    source,
                });
            }
        }
        Self::open_file(path).await
    }

    /// Opens a file that must be there and hold a store: an empty one is damaged, not new.
    pub async fn open_existing(path: &Path) -> Result<Self, StoreError> {
        let damaged = |detail: &str| StoreError::Damaged {
            path: path.to_owned(),
            detail: detail.to_owned(),
        };
        let length = std::fs::metadata(path)
            .map_err(|source| StoreError::Create {
                path: path.to_owned(),
                source,
            })?
            .len();
        if length == 0 {
            return Err(damaged("the file is empty"));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT);
        let failed = |source| refused(path, source);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        let marked = sqlx::query_scalar::<_, i64>("PRAGMA application_id")
            .fetch_one(&mut connection)
            .await;
        let migrated = migrated(&mut connection).await;
        let closed = connection.close().await;
        if marked.map_err(failed)? == APPLICATION_ID && !migrated.map_err(failed)? {
            return Err(damaged("it has no tables"));
        }
        closed.map_err(failed)?;
        let store = Self::open_file(path).await?;
        match store.verify().await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    async fn open_file(path: &Path) -> Result<Self, StoreError> {
        // The pragmas of `options` would already write to a foreign file, so it is inspected without them.
        inspect(path).await?;
        let options = options()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("journal_size_limit", "67108864");
        let open = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(open)?;
        migrate(&writer).await?;
        let reader = pool(READERS)
            .connect_with(options.read_only(true))
            .await
            .map_err(open)?;
        Ok(Self {
            writer,
            reader,
            verdict_times: BatchTimes::default(),
            flow_record_times: BatchTimes::default(),
        })
    }

    /// A store that is gone with its last handle. Reads wait for a change under way, because both share the one
    /// connection: whoever holds a [`crate::Change`] must read through it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let open = |source| StoreError::Open {
            path: PathBuf::from(":memory:"),
            source,
        };
        let writer = pool(1)
            .connect_with(options().in_memory(true))
            .await
            .map_err(open)?;
        migrate(&writer).await?;
        Ok(Self {
            reader: writer.clone(),
            writer,
            verdict_times: BatchTimes::default(),
            flow_record_times: BatchTimes::default(),
        })
    }

    /// Waits for what is under way and closes the file. Later calls fail.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A number of its own, which its copies share.
    pub async fn identity(&self) -> Result<u32, StoreError> {
        let number: i64 = sqlx::query_scalar("SELECT user_version FROM pragma_user_version")
            .fetch_one(&self.reader)
            .await
            .map_err(StoreError::ReadRevision)?;
        convert::unsigned("user_version", number)
    }

    /// Number of the last change; 0 before the first.
    pub async fn revision(&self) -> Result<Revision, StoreError> {
        let number: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM revision")
            .fetch_one(&self.reader)
            .await
            .map_err(StoreError::ReadRevision)?;
        number.map_or(Ok(Revision::default()), |number| {
            convert::revision("revision.number", number)
        })
    }
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        // Staging a large import must not depend on a writable directory for temporary files.
        .pragma("temp_store", "memory")
}

pub(crate) fn pool(connections: u32) -> SqlitePoolOptions {
    // A connection of an in-memory store must live as long as the store.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(TURN_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let latest = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
    let before: i64 = sqlx::query_scalar(latest).fetch_one(writer).await.unwrap_or(0);
    MIGRATIONS.run(writer).await.map_err(StoreError::Migrate)?;
    let mut connection = writer.acquire().await.map_err(StoreError::Begin)?;
    let after: i64 = sqlx::query_scalar(latest)
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::ReadRevision)?;
    if after == before {
        return Ok(());
    }
    // A migration may say the same in other rows.
    let mut transaction = connection.begin().await.map_err(StoreError::Begin)?;
    digest::write(&mut transaction, true)
        .await
        .map_err(StoreError::WriteDigest)?;
    transaction.commit().await.map_err(StoreError::Commit)
}

/// Refuses what we must not write to; marks an empty file as ours.
async fn inspect(path: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT);
    let failed = |source| refused(path, source);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
    let checked = inspect_connection(&mut connection, path).await;
    let closed = connection.close().await;
    match checked {
        Ok(verdict) => verdict?,
        Err(source) => return Err(failed(source)),
    }
    closed.map_err(failed)
}

/// Why SQLite does not open a file.
fn refused(path: &Path, source: sqlx::Error) -> StoreError {
    let path = path.to_owned();
    match primary_code(&source) {
        Some(SQLITE_NOTADB) => StoreError::NotOurs { path },
        Some(SQLITE_CORRUPT) => StoreError::Damaged {
            path,
            detail: source.to_string(),
        },
        _ => StoreError::Open { path, source },
    }
}

/// The file cannot be used now, whatever is in it: by SQLite's result codes for permissions, locks, memory, a failing
/// or full disk, and a disk that is not to be written to.
pub(crate) fn unusable_now(error: &sqlx::Error) -> bool {
    // PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
    let codes = [3, 5, 6, 7, 8, 10, 13, 14];
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        error => primary_code(error).is_some_and(|code| codes.contains(&code)),
    }
}

/// SQLite's result code without the extension in its upper bytes.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

async fn inspect_connection(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<Result<(), StoreError>, sqlx::Error> {
    let id: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?;
    let objects: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await?;
    if id == 0 && objects == 0 {
        let random: i64 = sqlx::query_scalar("SELECT random() & 2147483647")
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query(MARK).execute(&mut *connection).await?;
        set_identity(connection, random).await?;
        return Ok(Ok(()));
    }
    if id != APPLICATION_ID {
        return Ok(Err(StoreError::NotOurs {
            path: path.to_owned(),
        }));
    }
    let finding: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut *connection)
        .await?;
    if finding != "ok" {
        return Ok(Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: finding,
        }));
    }
    if !migrated(connection).await? {
        return Ok(Ok(()));
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await?;
    let known = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    if let Some(found) = found.filter(|found| *found > known) {
        return Ok(Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known,
        }));
    }
    Ok(match digest::differing(connection).await? {
        Some(part) => Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: format!("the rows of {part} are not what was written"),
        }),
        None => Ok(()),
    })
}

/// Says which store this is, to itself and to its copies; a pragma takes no bound value.
pub(crate) async fn set_identity(
    connection: &mut SqliteConnection,
    identity: i64,
) -> Result<(), sqlx::Error> {
    let statement = format!("PRAGMA main.user_version = {identity}");
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}

async fn migrated(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(connection)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(pool: &SqlitePool, pragma: &'static str, expected: &str) {
        let value: String = sqlx::query_scalar(pragma).fetch_one(pool).await.expect(pragma);
        assert_eq!(value, expected, "{pragma}");
    }

    /// Loss of power cannot be tested here; what keeps a commit through it can.
    #[tokio::test]
    async fn a_commit_waits_for_the_disk() {
        let directory = tempfile::tempdir().expect("directory");
        let store = Store::open(&directory.path().join("store.db"))
            .await
            .expect("open");
        check(
            &store.writer,
            "SELECT journal_mode FROM pragma_journal_mode",
            "wal",
        )
        .await;
        check(
            &store.writer,
            "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
            "2",
        )
        .await;
        for pool in [&store.writer, &store.reader] {
            check(
                pool,
                "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys",
                "1",
            )
            .await;
            check(
                pool,
                "SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout",
                "10000",
            )
            .await;
        }
    }

    /// A store as an older engine left it, brought up to date.
    async fn after_migration(first_missing: i64, written: &'static str) -> Store {
        let before = MIGRATIONS
            .iter()
            .filter(|migration| migration.version < first_missing)
            .cloned();
        let older = Migrator {
            migrations: before.collect(),
            ..Migrator::DEFAULT
        };
        let writer = pool(1)
            .connect_with(options().in_memory(true))
            .await
            .expect("open");
        older.run(&writer).await.expect("older schema");
        sqlx::query(written).execute(&writer).await.expect(written);
        migrate(&writer).await.expect("migrate");
        Store {
            reader: writer.clone(),
            writer,
            verdict_times: BatchTimes::default(),
            flow_record_times: BatchTimes::default(),
        }
    }

    /// The table is made anew to take another kind of object.
    #[tokio::test]
    async fn objects_of_an_older_schema_are_still_there_after_it_was_brought_up_to_date() {
        let store = after_migration(
            5,
            "INSERT INTO policy_object (id, kind, number, position, name, spec, updated_at, revision)
             VALUES ('rul_a', 'rule', 16, 7, 'a', '{\"action\":\"drop\"}', 5, 3)",
        )
        .await;
        let found = store.policy().await.expect("policy");
        assert_eq!(found.rule_positions, [7]);
        let rule = &found.policy.rules[0];
        assert_eq!(
            (
                rule.id.as_str(),
                rule.number,
                rule.spec.name.as_str(),
                rule.revision
            ),
            ("rul_a", 16, "a", Revision(3))
        );
        assert_eq!(found.policy.zones.len(), 1);
    }

    #[tokio::test]
    async fn settings_of_interfaces_that_know_no_network_say_nothing_of_it() {
        let store = after_migration(
            7,
            "INSERT INTO policy_object (id, kind, number, position, name, spec, updated_at, revision)
             VALUES ('ifs_a', 'interface_settings', 0, NULL, 'wan0', '{\"hardware\":{\"rx_channels\":2}}', 5, 3)",
        )
        .await;
        let found = store.policy().await.expect("policy");
        let settings: Vec<_> = found.policy.interface_settings.values().collect();
        let spec = &settings.first().expect("settings").spec;
        assert_eq!((settings.len(), spec.interface.as_str()), (1, "wan0"));
        assert_eq!(spec.hardware.rx_channels, Some(2));
        assert!(spec.network.is_empty());
    }
}
