//! Replacing every entry of a list. The stored entries and the new values are walked side by side in the order of
//! their text and only what differs is written, so that a list of a million names of which a hundred changed
//! costs a hundred writes.

mod difference;

use futures::TryStreamExt;
use ravelin_model::{EntryValue, ListId, ListKind};
use serde::Serialize;

use self::difference::{Difference, Merge, StoredRow};
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

/// Rows handed to SQLite in one statement.
const BATCH: usize = 8192;

impl Change {
    /// Makes `values` the entries of the list. Values that stay keep id, counter and time and take the new
    /// expiry; of equal values the last decides. New entries get their ids in the order of their text; new address
    /// entries take `counters`, and when these run out the counters of the entries that went.
    pub async fn replace_entries(
        &mut self,
        list: &ListId,
        values: &[EntryValue],
        counters: &mut (dyn Iterator<Item = u32> + Send),
    ) -> Result<Replaced, StoreError> {
        let ListKey { number, kind } = lists::list_key(self.connection(), list).await?;
        check_kind(list, kind, values)?;
        let difference = self.difference(number, values).await?;
        let Difference {
            removed,
            refreshed,
            added,
            kept,
        } = difference;
        self.delete_rows(&removed).await?;
        self.refresh_rows(&refreshed).await?;
        let freed: Vec<u32> = removed.iter().filter_map(|row| row.counter).collect();
        self.insert_rows(number, kind, &added, &mut counters.chain(freed))
            .await?;
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        let replaced = Replaced {
            added: count(added.len()),
            removed: count(removed.len()),
            kept,
        };
        self.touch_list(
            number,
            convert::signed(replaced.added) - convert::signed(replaced.removed),
        )
        .await?;
        Ok(replaced)
    }

    async fn difference(&mut self, list: u32, values: &[EntryValue]) -> Result<Difference, StoreError> {
        let mut merge = Merge::new(values.iter().map(|value| (value.text(), expiry(value))).collect());
        let mut rows =
            sqlx::query_as("SELECT id, value, expires_at, counter FROM entry WHERE list = ? ORDER BY value")
                .bind(list)
                .fetch(self.connection());
        while let Some(row) = rows.try_next().await.map_err(StoreError::ReadEntries)? {
            let (id, value, expires_at, counter): (i64, String, Option<i64>, Option<u32>) = row;
            merge.stored(StoredRow { id, counter }, &value, expires_at);
        }
        Ok(merge.finish())
    }

    async fn delete_rows(&mut self, rows: &[StoredRow]) -> Result<(), StoreError> {
        for batch in rows.chunks(BATCH) {
            let ids: Vec<i64> = batch.iter().map(|row| row.id).collect();
            sqlx::query("DELETE FROM entry WHERE id IN (SELECT value FROM json_each(?))")
                .bind(json(&ids)?)
                .execute(self.connection())
                .await
                .map_err(StoreError::WriteEntries)?;
        }
        Ok(())
    }

    async fn refresh_rows(&mut self, rows: &[(i64, Option<i64>)]) -> Result<(), StoreError> {
        for batch in rows.chunks(BATCH) {
            sqlx::query(
                "UPDATE entry SET expires_at = fresh.value ->> 1 FROM json_each(?) AS fresh
                 WHERE entry.id = fresh.value ->> 0",
            )
            .bind(json(batch)?)
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteEntries)?;
        }
        Ok(())
    }

    async fn insert_rows(
        &mut self,
        list: u32,
        kind: ListKind,
        rows: &[(String, Option<i64>)],
        counters: &mut (dyn Iterator<Item = u32> + Send),
    ) -> Result<(), StoreError> {
        let at = convert::microseconds(self.at);
        for batch in rows.chunks(BATCH) {
            let mut numbered = Vec::with_capacity(batch.len());
            for (value, expires_at) in batch {
                let counter = match kind {
                    ListKind::Address => Some(counters.next().ok_or(StoreError::NoCounterLeft)?),
                    ListKind::Domain => None,
                };
                numbered.push((value, expires_at, counter));
            }
            sqlx::query(
                "INSERT INTO entry (list, value, expires_at, added_at, counter)
                 SELECT ?, value ->> 0, value ->> 1, ?, value ->> 2 FROM json_each(?)",
            )
            .bind(list)
            .bind(at)
            .bind(json(&numbered)?)
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteEntries)?;
        }
        Ok(())
    }
}

/// Rows for `json_each`: one statement for thousands of rows instead of one for each.
fn json<T: Serialize>(rows: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|source| convert::column("entry.value", Some(source.into())))
}
