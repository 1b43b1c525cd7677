//! Entries of lists, and reading them.

mod write;

use futures::TryStreamExt;
use ravelin_model::{
    AddressEntry, DomainEntry, DomainPattern, EntryId, EntryValue, ListEntry, ListId, ListKind,
};
use sqlx::SqliteConnection;
use time::OffsetDateTime;

pub(crate) use self::write::{check_kind, expiry};
use crate::lists::{self, ListKey};
use crate::{Change, Store, StoreError, convert};

/// An entry with what the data plane knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: ListEntry,
    /// Row of the data plane's hit counters; address entries have one, domain entries none. It stays with the
    /// entry and no other entry of any list has it.
    pub counter: Option<u32>,
}

/// Which entries to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Entries whose canonical text contains this; values are stored in lower case.
    pub search: Option<String>,
    /// Entries after this one.
    pub after: Option<EntryId>,
    /// At most so many.
    pub limit: u32,
}

type EntryRow = (i64, String, Option<i64>, i64, Option<i64>);

impl Store {
    /// Every entry of a list in id order, expired ones that nobody deleted yet included.
    pub async fn entries(&self, list: &ListId) -> Result<Vec<StoredEntry>, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadEntries)?;
        read_entries(&mut connection, list).await
    }

    /// Every pattern of a domain list in id order: [`Self::entries`] without what the compiler does not need.
    pub async fn patterns(&self, list: &ListId) -> Result<Vec<DomainPattern>, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadEntries)?;
        read_patterns(&mut connection, list).await
    }

    /// Entries in id order that have not expired at `now`.
    pub async fn page(
        &self,
        list: &ListId,
        query: &PageQuery,
        now: OffsetDateTime,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let PageQuery { search, after, limit } = query;
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadEntries)?;
        let ListKey { number, kind } = lists::list_key(&mut connection, list).await?;
        let rows: Vec<EntryRow> = sqlx::query_as(
            "SELECT id, value, expires_at, added_at, counter FROM entry
             WHERE list = ?1 AND id > ?2 AND (?3 IS NULL OR instr(value, ?3) > 0)
               AND (expires_at IS NULL OR expires_at > ?4)
             ORDER BY id LIMIT ?5",
        )
        .bind(number)
        .bind(after.map_or(0, |after| after.0))
        .bind(search)
        .bind(convert::microseconds(now))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::ReadEntries)?;
        rows.into_iter().map(|row| from_row(kind, row)).collect()
    }

    /// One entry of a list, if it is there.
    pub async fn entry(&self, list: &ListId, entry: EntryId) -> Result<Option<StoredEntry>, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadEntries)?;
        let ListKey { number, kind } = lists::list_key(&mut connection, list).await?;
        let row: Option<EntryRow> = sqlx::query_as(
            "SELECT id, value, expires_at, added_at, counter FROM entry WHERE list = ? AND id = ?",
        )
        .bind(number)
        .bind(entry.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(StoreError::ReadEntries)?;
        row.map(|row| from_row(kind, row)).transpose()
    }

    /// When the next entry of any list expires, or the first expired that nobody deleted yet.
    pub async fn next_expiry(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        let at: Option<i64> = sqlx::query_scalar(
            // One look into the index for each list.
            "SELECT MIN((SELECT MIN(expires_at) FROM entry INDEXED BY entry_expiring
                             WHERE entry.list = list.number AND expires_at IS NOT NULL)) FROM list",
        )
        .fetch_one(&self.reader)
        .await
        .map_err(StoreError::ReadEntries)?;
        at.map(|at| convert::time("entry.expires_at", at)).transpose()
    }
}

impl Change {
    /// [`Store::entries`] as this change leaves them so far.
    pub async fn entries(&mut self, list: &ListId) -> Result<Vec<StoredEntry>, StoreError> {
        read_entries(self.connection(), list).await
    }

    /// [`Store::patterns`] as this change leaves them so far.
    pub async fn patterns(&mut self, list: &ListId) -> Result<Vec<DomainPattern>, StoreError> {
        read_patterns(self.connection(), list).await
    }
}

async fn read_entries(
    connection: &mut SqliteConnection,
    list: &ListId,
) -> Result<Vec<StoredEntry>, StoreError> {
    let ListKey { number, kind } = lists::list_key(connection, list).await?;
    let mut rows = sqlx::query_as(
        "SELECT id, value, expires_at, added_at, counter FROM entry WHERE list = ? ORDER BY id",
    )
    .bind(number)
    .fetch(connection);
    let mut entries = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(StoreError::ReadEntries)? {
        entries.push(from_row(kind, row)?);
    }
    Ok(entries)
}

async fn read_patterns(
    connection: &mut SqliteConnection,
    list: &ListId,
) -> Result<Vec<DomainPattern>, StoreError> {
    let ListKey { number, kind } = lists::list_key(connection, list).await?;
    if kind != ListKind::Domain {
        return Err(StoreError::WrongKind {
            list: list.clone(),
            kind,
        });
    }
    let mut rows = sqlx::query_scalar("SELECT value FROM entry WHERE list = ? ORDER BY id")
        .bind(number)
        .fetch(connection);
    let mut patterns = Vec::new();
    while let Some(text) = rows.try_next().await.map_err(StoreError::ReadEntries)? {
        let text: String = text;
        patterns.push(parse_pattern(&text)?);
    }
    Ok(patterns)
}

fn from_row(kind: ListKind, row: EntryRow) -> Result<StoredEntry, StoreError> {
    let (id, value, expires_at, added_at, counter) = row;
    let value = match kind {
        ListKind::Address => EntryValue::Address(AddressEntry {
            network: value.parse().map_err(|source: ipnet::AddrParseError| {
                convert::column("entry.value", Some(source.into()))
            })?,
            expires_at: expires_at
                .map(|at| convert::time("entry.expires_at", at))
                .transpose()?,
        }),
        ListKind::Domain => EntryValue::Domain(DomainEntry {
            pattern: parse_pattern(&value)?,
        }),
    };
    Ok(StoredEntry {
        entry: ListEntry {
            id: EntryId(id),
            value,
            added_at: convert::time("entry.added_at", added_at)?,
        },
        counter: counter
            .map(|counter| convert::unsigned("entry.counter", counter))
            .transpose()?,
    })
}

fn parse_pattern(text: &str) -> Result<DomainPattern, StoreError> {
    text.parse()
        .map_err(|source: ravelin_model::InvalidName| convert::column("entry.value", Some(source.into())))
}
