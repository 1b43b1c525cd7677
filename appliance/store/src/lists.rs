//! Lists without their entries.

use ravelin_model::{List, ListId, ListKind, ListName};
use sqlx::SqliteConnection;
use time::OffsetDateTime;

use crate::{Change, Store, StoreError, convert};

/// What the entries of a list hang on.
pub(crate) struct ListKey {
    pub(crate) number: u32,
    pub(crate) kind: ListKind,
}

type ListRow = (String, i64, String, String, i64, i64, i64);

// The bound value is the time before which an expiry has passed.
const LISTS: &str = "SELECT id, number, name, kind,
    entries - (SELECT COUNT(*) FROM entry INDEXED BY entry_expiring
               WHERE entry.list = list.number AND expires_at IS NOT NULL AND expires_at <= ?1),
    updated_at, revision FROM list";

impl Store {
    /// Every list, the built-in ones first, then by name. Entries expired at `now` are not counted.
    pub async fn lists(&self, now: OffsetDateTime) -> Result<Vec<List>, StoreError> {
        let rows: Vec<ListRow> = sqlx::query_as(LISTS)
            .bind(convert::microseconds(now))
            .fetch_all(&self.reader)
            .await
            .map_err(StoreError::ReadLists)?;
        let mut lists = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        lists.sort_by(|a, b| (!a.id.is_built_in(), &a.name).cmp(&(!b.id.is_built_in(), &b.name)));
        Ok(lists)
    }

    /// One list, if it exists. Entries expired at `now` are not counted.
    pub async fn list(&self, id: &ListId, now: OffsetDateTime) -> Result<Option<List>, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadLists)?;
        read_list(&mut connection, id, now).await
    }
}

impl Change {
    /// One list as this change leaves it so far, if it exists.
    pub async fn list(&mut self, id: &ListId) -> Result<Option<List>, StoreError> {
        let at = self.at;
        read_list(self.connection(), id, at).await
    }

    /// Makes an empty list with an id and a number no list ever had.
    pub async fn create_list(&mut self, name: &ListName, kind: ListKind) -> Result<List, StoreError> {
        let (at, revision) = (self.at, self.revision);
        let id: String = sqlx::query_scalar(
            "INSERT INTO list (id, name, kind, updated_at, revision)
             VALUES ('lst_' || lower(hex(randomblob(8))), ?, ?, ?, ?) RETURNING id",
        )
        .bind(name.as_str())
        .bind(kind_text(kind))
        .bind(convert::microseconds(at))
        .bind(convert::signed(revision.0))
        .fetch_one(self.connection())
        .await
        .map_err(|error| name_taken(error, name))?;
        let id = parse_id(&id)?;
        self.list(&id).await?.ok_or(StoreError::UnknownList(id))
    }

    /// Gives a list another name.
    pub async fn rename_list(&mut self, id: &ListId, name: &ListName) -> Result<List, StoreError> {
        let (at, revision) = (self.at, self.revision);
        sqlx::query("UPDATE list SET name = ?, updated_at = ?, revision = ? WHERE id = ?")
            .bind(name.as_str())
            .bind(convert::microseconds(at))
            .bind(convert::signed(revision.0))
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(|error| name_taken(error, name))?;
        self.list(id)
            .await?
            .ok_or_else(|| StoreError::UnknownList(id.clone()))
    }

    /// Deletes a list with its entries, whose counters are free after the commit.
    pub async fn delete_list(&mut self, id: &ListId) -> Result<(), StoreError> {
        let deleted = sqlx::query("DELETE FROM list WHERE id = ?")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteList)?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::UnknownList(id.clone()));
        }
        Ok(())
    }

    /// Notes that the entries of a list changed, and by how many they grew.
    pub(crate) async fn touch_list(&mut self, number: u32, grown: i64) -> Result<(), StoreError> {
        let (at, revision) = (self.at, self.revision);
        sqlx::query("UPDATE list SET entries = entries + ?, updated_at = ?, revision = ? WHERE number = ?")
            .bind(grown)
            .bind(convert::microseconds(at))
            .bind(convert::signed(revision.0))
            .bind(number)
            .execute(self.connection())
            .await
            .map_err(StoreError::WriteList)?;
        Ok(())
    }
}

/// Number and kind of a list.
pub(crate) async fn list_key(connection: &mut SqliteConnection, id: &ListId) -> Result<ListKey, StoreError> {
    let row: Option<(i64, String)> = sqlx::query_as("SELECT number, kind FROM list WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(StoreError::ReadLists)?;
    let (number, kind) = row.ok_or_else(|| StoreError::UnknownList(id.clone()))?;
    Ok(ListKey {
        number: convert::unsigned("list.number", number)?,
        kind: parse_kind(&kind)?,
    })
}

async fn read_list(
    connection: &mut SqliteConnection,
    id: &ListId,
    now: OffsetDateTime,
) -> Result<Option<List>, StoreError> {
    let row: Option<ListRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTS} WHERE id = ?2")))
        .bind(convert::microseconds(now))
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(StoreError::ReadLists)?;
    row.map(from_row).transpose()
}

fn from_row(row: ListRow) -> Result<List, StoreError> {
    let (id, number, name, kind, entries, updated_at, revision) = row;
    Ok(List {
        id: parse_id(&id)?,
        number: convert::unsigned("list.number", number)?,
        name: name.parse().map_err(|source: ravelin_model::InvalidList| {
            convert::column("list.name", Some(source.into()))
        })?,
        kind: parse_kind(&kind)?,
        entries_count: convert::unsigned("list.entries", entries)?,
        updated_at: convert::time("list.updated_at", updated_at)?,
        revision: convert::revision("list.revision", revision)?,
    })
}

pub(crate) fn parse_id(text: &str) -> Result<ListId, StoreError> {
    text.parse()
        .map_err(|source: ravelin_model::InvalidList| convert::column("list.id", Some(source.into())))
}

pub(crate) fn parse_kind(text: &str) -> Result<ListKind, StoreError> {
    match text {
        "address" => Ok(ListKind::Address),
        "domain" => Ok(ListKind::Domain),
        _ => Err(convert::column("list.kind", None)),
    }
}

fn kind_text(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Address => "address",
        ListKind::Domain => "domain",
    }
}

fn name_taken(error: sqlx::Error, name: &ListName) -> StoreError {
    // The ids are random: a second unique column cannot be what collides.
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::NameTaken(name.clone()),
        _ => StoreError::WriteList(error),
    }
}
