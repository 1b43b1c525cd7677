//! Replacing every entry of a list: the difference is found in SQLite, so that a list of a million names of
//! which a hundred changed costs a hundred writes.

use ravelin_model::{EntryValue, ListId, ListKind};

use crate::entries::{check_kind, expiry};
use crate::lists::{self, ListKey};
use crate::{Change, StoreError, convert};

/// What a replacement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replaced {
    /// Values that were not there before.
    pub added: u64,
    /// Values that are there no more.
    pub removed: u64,
    /// Values that stayed, with id, counter and time.
    pub kept: u64,
}

/// Values handed to SQLite in one statement.
const BATCH: usize = 8192;

impl Change {
    /// Makes `values` the entries of the list. Values that stay keep id, counter and time and take the new
    /// expiry; of equal values the last decides. New address entries take `counters`, and when these run out
    /// the counters of the entries that go.
    pub async fn replace_entries(
        &mut self,
        list: &ListId,
        values: &[EntryValue],
        counters: &mut (dyn Iterator<Item = u32> + Send),
    ) -> Result<Replaced, StoreError> {
        let ListKey { number, kind } = lists::list_key(self.connection(), list).await?;
        check_kind(list, kind, values)?;
        self.stage(values).await?;
        let freed = self.delete_unstaged(number).await?;
        let kept = self.refresh_staged(number).await?;
        let added = match kind {
            ListKind::Domain => self.insert_staged_domains(number).await?,
            ListKind::Address => {
                let freed_counters: Vec<u32> = freed.iter().flatten().copied().collect();
                self.insert_staged_addresses(number, &mut counters.chain(freed_counters))
                    .await?
            }
        };
        self.unstage().await?;
        let removed = u64::try_from(freed.len()).unwrap_or(u64::MAX);
        self.touch_list(number, convert::signed(added) - convert::signed(removed))
            .await?;
        Ok(Replaced { added, removed, kept })
    }

    async fn stage(&mut self, values: &[EntryValue]) -> Result<(), StoreError> {
        sqlx::query(
            "CREATE TEMP TABLE staged (position INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE, expires_at INTEGER)",
        )
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteEntries)?;
        for batch in values.chunks(BATCH) {
            let rows: Vec<_> = batch.iter().map(|value| (value.text(), expiry(value))).collect();
            sqlx::query(
                "INSERT INTO temp.staged (value, expires_at)
                 SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true
                 ON CONFLICT (value) DO UPDATE SET expires_at = excluded.expires_at",
            )
            .bind(json(&rows)?)
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteEntries)?;
        }
        Ok(())
    }

    async fn unstage(&mut self) -> Result<(), StoreError> {
        sqlx::query("DROP TABLE temp.staged")
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteEntries)?;
        Ok(())
    }

    /// Answers the counter of each entry that went.
    async fn delete_unstaged(&mut self, list: u32) -> Result<Vec<Option<u32>>, StoreError> {
        sqlx::query_scalar(
            "DELETE FROM entry WHERE list = ? AND value NOT IN (SELECT value FROM temp.staged) RETURNING counter",
        )
        .bind(list)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::WriteEntries)
    }

    /// Gives the entries that stay their new expiry; answers how many stay.
    async fn refresh_staged(&mut self, list: u32) -> Result<u64, StoreError> {
        sqlx::query(
            "UPDATE entry SET expires_at = staged.expires_at FROM temp.staged
             WHERE entry.list = ? AND entry.value = staged.value AND entry.expires_at IS NOT staged.expires_at",
        )
        .bind(list)
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteEntries)?;
        let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM entry WHERE list = ?")
            .bind(list)
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::ReadEntries)?;
        convert::unsigned("entry.id", kept)
    }

    async fn insert_staged_domains(&mut self, list: u32) -> Result<u64, StoreError> {
        let at = self.at;
        let inserted = sqlx::query(
            "INSERT INTO entry (list, value, added_at)
             SELECT ?1, value, ?2 FROM temp.staged
             WHERE value NOT IN (SELECT value FROM entry WHERE list = ?1) ORDER BY position",
        )
        .bind(list)
        .bind(convert::microseconds(at))
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteEntries)?;
        Ok(inserted.rows_affected())
    }

    async fn insert_staged_addresses(
        &mut self,
        list: u32,
        counters: &mut (dyn Iterator<Item = u32> + Send),
    ) -> Result<u64, StoreError> {
        let fresh: Vec<(String, Option<i64>)> = sqlx::query_as(
            "SELECT value, expires_at FROM temp.staged
             WHERE value NOT IN (SELECT value FROM entry WHERE list = ?) ORDER BY position",
        )
        .bind(list)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::ReadEntries)?;
        let at = self.at;
        for batch in fresh.chunks(BATCH) {
            let mut rows = Vec::with_capacity(batch.len());
            for (value, expires_at) in batch {
                rows.push((
                    value,
                    expires_at,
                    counters.next().ok_or(StoreError::NoCounterLeft)?,
                ));
            }
            sqlx::query(
                "INSERT INTO entry (list, value, expires_at, added_at, counter)
                 SELECT ?, value ->> 0, value ->> 1, ?, value ->> 2 FROM json_each(?)",
            )
            .bind(list)
            .bind(convert::microseconds(at))
            .bind(json(&rows)?)
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteEntries)?;
        }
        Ok(u64::try_from(fresh.len()).unwrap_or(u64::MAX))
    }
}

/// Rows for `json_each`: one statement for thousands of rows instead of one for each.
fn json<T: serde::Serialize>(rows: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|source| convert::column("entry.value", Some(source.into())))
}
