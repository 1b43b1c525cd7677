//! A copy of the configuration, to go on with where the store itself is of no use any more.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ravelin_model::Revision;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, SqlitePool};

use crate::open::{self, MIGRATIONS};
use crate::{Store, StoreError, convert};

/// What is left out: what only grows, and what begins anew. SQLite's own tables and sqlx's go their own way.
const LEFT_OUT: &str = "SELECT name FROM source.sqlite_schema WHERE type = 'table' AND name NOT IN
    ('_sqlx_migrations', 'sqlite_sequence', 'audit', 'flow_record', 'policy_counter', 'policy_counter_epoch', 'verdict')
    AND name IN (SELECT name FROM main.sqlite_schema WHERE type = 'table')";

impl Store {
    /// Writes the configuration with its history, as of one moment, into a new file, row by row: of the pages of the
    /// store nothing is taken over. On disk when this returns; answers the revision it holds. Changes go on beside it.
    /// Left out: flow records, verdicts, the audit trail and hit counters.
    pub async fn copy_configuration(&self, to: &Path) -> Result<Revision, StoreError> {
        let create = |source| StoreError::Create {
            path: to.to_owned(),
            source,
        };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(create)?;
        let source: String = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
            .fetch_one(&self.reader)
            .await
            .map_err(StoreError::Copy)?;
        // Nobody reads the file until it is whole: no journal, and one sync at the end.
        let options = SqliteConnectOptions::new()
            .filename(to)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(open::BUSY_TIMEOUT)
            .foreign_keys(false);
        let pool = open::pool(1)
            .connect_with(options)
            .await
            .map_err(StoreError::Copy)?;
        let copied = copy_to(&pool, &source).await;
        pool.close().await;
        let number = copied?;
        let synced = File::open(to).and_then(|file| file.sync_all());
        synced.map_err(create)?;
        convert::revision("revision.number", number.unwrap_or_default())
    }

    /// Where the store is; None: in memory.
    pub async fn path(&self) -> Result<Option<PathBuf>, StoreError> {
        let path: String = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
            .fetch_one(&self.reader)
            .await
            .map_err(StoreError::ReadRevision)?;
        Ok((!path.is_empty()).then(|| path.into()))
    }
}

async fn copy_to(pool: &SqlitePool, source: &str) -> Result<Option<i64>, StoreError> {
    MIGRATIONS.run(pool).await.map_err(StoreError::Migrate)?;
    let mut connection = pool.acquire().await.map_err(StoreError::Copy)?;
    copy(&mut connection, source).await.map_err(StoreError::Copy)
}

async fn copy(connection: &mut SqliteConnection, source: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query(open::MARK).execute(&mut *connection).await?;
    sqlx::query("ATTACH DATABASE ? AS source")
        .bind(source)
        .execute(&mut *connection)
        .await?;
    let identity: i64 = sqlx::query_scalar("PRAGMA source.user_version")
        .fetch_one(&mut *connection)
        .await?;
    open::set_identity(connection, identity).await?;
    let mut transaction = connection.begin().await?;
    let tables: Vec<String> = sqlx::query_scalar(LEFT_OUT).fetch_all(&mut *transaction).await?;
    for table in tables {
        let columns: String =
            sqlx::query_scalar("SELECT group_concat('\"' || name || '\"') FROM pragma_table_info(?, 'main')")
                .bind(&table)
                .fetch_one(&mut *transaction)
                .await?;
        // Names of our own schema.
        for statement in [
            format!("DELETE FROM main.\"{table}\""),
            format!("INSERT INTO main.\"{table}\" ({columns}) SELECT {columns} FROM source.\"{table}\""),
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await?;
        }
    }
    for statement in [
        "DELETE FROM main.sqlite_sequence",
        "INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM source.sqlite_sequence",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    let number = sqlx::query_scalar("SELECT MAX(number) FROM main.revision")
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    sqlx::query("DETACH DATABASE source")
        .execute(&mut *connection)
        .await?;
    Ok(number)
}
