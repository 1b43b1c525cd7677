//! Adding and deleting entries.

use ravelin_model::{AddressEntry, DomainEntry, EntryId, EntryValue, ListId, ListKind};

use super::{EntryRow, StoredEntry, from_row};
use crate::lists::{self, ListKey};
use crate::{Change, StoreError, convert};

impl Change {
    /// Adds entries; answers in the order of `values`. A value that is there already takes the new expiry and
    /// keeps its id, counter and time. Each new address entry takes one of `counters`, which no other entry
    /// may have.
    pub async fn add_entries(
        &mut self,
        list: &ListId,
        values: &[EntryValue],
        counters: &mut (dyn Iterator<Item = u32> + Send),
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let ListKey { number, kind } = lists::list_key(self.connection(), list).await?;
        check_kind(list, kind, values)?;
        let mut grown = 0;
        let mut entries = Vec::with_capacity(values.len());
        for value in values {
            let entry = match self.refresh_entry(number, kind, value).await? {
                Some(entry) => entry,
                None => {
                    grown += 1;
                    self.insert_entry(number, value, counters).await?
                }
            };
            entries.push(entry);
        }
        self.touch_list(number, grown).await?;
        Ok(entries)
    }

    /// Deletes an entry; answers what it was, or None if there is none of that id in the list.
    pub async fn delete_entry(
        &mut self,
        list: &ListId,
        entry: EntryId,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let ListKey { number, kind } = lists::list_key(self.connection(), list).await?;
        let row: Option<EntryRow> = sqlx::query_as(
            "DELETE FROM entry WHERE list = ? AND id = ?
             RETURNING id, value, expires_at, added_at, counter",
        )
        .bind(number)
        .bind(entry.0)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::WriteEntries)?;
        let Some(row) = row else { return Ok(None) };
        self.touch_list(number, -1).await?;
        from_row(kind, row).map(Some)
    }

    /// Deletes what has expired at the time of the change; answers what went. Where nothing has expired,
    /// drop the change: there is nothing to commit.
    pub async fn delete_expired(&mut self) -> Result<Vec<(ListId, StoredEntry)>, StoreError> {
        let now = convert::microseconds(self.at);
        let lists: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT number, id, kind FROM list
             WHERE EXISTS (SELECT 1 FROM entry INDEXED BY entry_expiring
                           WHERE entry.list = list.number AND expires_at <= ?)",
        )
        .bind(now)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::ReadLists)?;
        let mut gone = Vec::new();
        for (number, id, kind) in lists {
            let number = convert::unsigned("list.number", number)?;
            let (id, kind) = (lists::parse_id(&id)?, lists::parse_kind(&kind)?);
            let rows: Vec<EntryRow> = sqlx::query_as(
                "DELETE FROM entry INDEXED BY entry_expiring WHERE list = ? AND expires_at <= ?
                 RETURNING id, value, expires_at, added_at, counter",
            )
            .bind(number)
            .bind(now)
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::WriteEntries)?;
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            self.touch_list(number, -count).await?;
            for row in rows {
                gone.push((id.clone(), from_row(kind, row)?));
            }
        }
        Ok(gone)
    }

    /// Gives a value that is there already its new expiry.
    async fn refresh_entry(
        &mut self,
        list: u32,
        kind: ListKind,
        value: &EntryValue,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let row: Option<EntryRow> = sqlx::query_as(
            "UPDATE entry SET expires_at = ? WHERE list = ? AND value = ?
             RETURNING id, value, expires_at, added_at, counter",
        )
        .bind(expiry(value))
        .bind(list)
        .bind(value.text())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::WriteEntries)?;
        row.map(|row| from_row(kind, row)).transpose()
    }

    async fn insert_entry(
        &mut self,
        list: u32,
        value: &EntryValue,
        counters: &mut (dyn Iterator<Item = u32> + Send),
    ) -> Result<StoredEntry, StoreError> {
        let counter = match value {
            EntryValue::Address(_) => Some(counters.next().ok_or(StoreError::NoCounterLeft)?),
            EntryValue::Domain(_) => None,
        };
        let at = self.at;
        let row: EntryRow = sqlx::query_as(
            "INSERT INTO entry (list, value, expires_at, added_at, counter) VALUES (?, ?, ?, ?, ?)
             RETURNING id, value, expires_at, added_at, counter",
        )
        .bind(list)
        .bind(value.text())
        .bind(expiry(value))
        .bind(convert::microseconds(at))
        .bind(counter)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::WriteEntries)?;
        from_row(value.kind(), row)
    }
}

/// Refuses values of another kind than the list's.
pub(crate) fn check_kind(list: &ListId, kind: ListKind, values: &[EntryValue]) -> Result<(), StoreError> {
    if values.iter().all(|value| value.kind() == kind) {
        Ok(())
    } else {
        Err(StoreError::WrongKind {
            list: list.clone(),
            kind,
        })
    }
}

/// Expiry of a value as its column has it.
pub(crate) fn expiry(value: &EntryValue) -> Option<i64> {
    match value {
        EntryValue::Address(AddressEntry {
            network: _,
            expires_at,
        }) => expires_at.map(convert::microseconds),
        EntryValue::Domain(DomainEntry { pattern: _ }) => None,
    }
}
