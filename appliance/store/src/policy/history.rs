//! Revisions, and the policies there were.

use ravelin_model::Revision;
use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::{ObjectRow, StoredPolicy, any_object, assemble, by_id, read_all};
use crate::{Author, Store, StoreError, convert};

/// A change to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRevision {
    /// Its number.
    pub revision: Revision,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub author: Author,
    /// One sentence for people.
    pub summary: String,
    /// Whether objects of the policy changed.
    pub policy: bool,
}

type RevisionRow = (i64, i64, String, String, String, bool);

/// What an object was before a revision.
type PastRow = (
    String,
    String,
    String,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

impl Store {
    /// At most `limit` revisions, newest first, older than `before` if given.
    pub async fn revisions(
        &self,
        before: Option<Revision>,
        limit: u32,
    ) -> Result<Vec<StoredRevision>, StoreError> {
        let rows: Vec<RevisionRow> = sqlx::query_as(
            "SELECT number, at, actor, origin, summary, policy FROM revision
             WHERE number < ? ORDER BY number DESC LIMIT ?",
        )
        .bind(before.map_or(i64::MAX, |before| convert::signed(before.0)))
        .bind(limit)
        .fetch_all(&self.reader)
        .await
        .map_err(StoreError::ReadHistory)?;
        rows.into_iter().map(from_row).collect()
    }

    /// One revision, if there is such a number.
    pub async fn find_revision(&self, revision: Revision) -> Result<Option<StoredRevision>, StoreError> {
        let row: Option<RevisionRow> = sqlx::query_as(
            "SELECT number, at, actor, origin, summary, policy FROM revision WHERE number = ?",
        )
        .bind(convert::signed(revision.0))
        .fetch_optional(&self.reader)
        .await
        .map_err(StoreError::ReadHistory)?;
        row.map(from_row).transpose()
    }

    /// The policy as it was at a revision; None: it is so long ago that nobody knows. Its own revision is that of
    /// the last change to it until then.
    pub async fn policy_at(&self, revision: Revision) -> Result<Option<StoredPolicy>, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadHistory)?;
        let number = convert::signed(revision.0);
        if !is_kept(&mut connection, number).await? {
            return Ok(None);
        }
        let mut objects = by_id(read_all(&mut connection).await?);
        let past: Vec<PastRow> = sqlx::query_as(
            "SELECT id, kind, change, number, position, name, spec, updated_at, was_revision
             FROM policy_history WHERE revision > ? ORDER BY revision DESC",
        )
        .bind(number)
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::ReadHistory)?;
        for (id, kind, change, number, position, name, spec, updated_at, was_revision) in past {
            match change.as_str() {
                "created" => drop(objects.remove(&id)),
                "moved" => {
                    if let Some(placed) = objects.get_mut(&id) {
                        placed.1 = position;
                    }
                }
                _ => {
                    let missing = || convert::column("policy_history.spec", None);
                    let row = ObjectRow {
                        id: id.clone(),
                        number: number.ok_or_else(missing)?,
                        name,
                        spec: spec.ok_or_else(missing)?,
                        updated_at: updated_at.ok_or_else(missing)?,
                        revision: was_revision.ok_or_else(missing)?,
                    };
                    objects.insert(id, (any_object(&kind, &row)?, position));
                }
            }
        }
        let last: Option<i64> =
            sqlx::query_scalar("SELECT MAX(number) FROM revision WHERE policy AND number <= ?")
                .bind(number)
                .fetch_one(&mut *connection)
                .await
                .map_err(StoreError::ReadHistory)?;
        let last = convert::revision("revision.number", last.unwrap_or_default())?;
        Ok(Some(assemble(objects.into_values().collect(), last)))
    }
}

/// Whether the history reaches back to the revision.
async fn is_kept(connection: &mut SqliteConnection, revision: i64) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT 1 FROM revision WHERE policy AND number > ?1
                            AND number NOT IN (SELECT DISTINCT revision FROM policy_history))",
    )
    .bind(revision)
    .fetch_one(connection)
    .await
    .map_err(StoreError::ReadHistory)
}

fn from_row(row: RevisionRow) -> Result<StoredRevision, StoreError> {
    let (number, at, name, origin, summary, policy) = row;
    Ok(StoredRevision {
        revision: convert::revision("revision.number", number)?,
        at: convert::time("revision.at", at)?,
        author: Author { name, origin },
        summary,
        policy,
    })
}
