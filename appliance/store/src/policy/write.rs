//! Writing objects, and what they were into the history. One statement for thousands of rows.

use ravelin_model::AnyObject;
use serde::Serialize;

use super::spec::{SPEC, to_json};
use crate::{Change, StoreError, convert};

/// A change to the table of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyWrite {
    /// Makes an object, or has it say something else.
    Put {
        /// The object as it shall be; its revision and time are those of the change.
        object: AnyObject,
        /// Where its kind has one.
        position: Option<i64>,
    },
    /// Gives an object another position and nothing else.
    Move {
        /// Which.
        id: String,
        /// The new one.
        position: i64,
    },
    /// Deletes an object and what its counter counted.
    Delete {
        /// Which.
        id: String,
    },
}

/// Rows handed to SQLite in one statement.
const BATCH: usize = 8192;

/// Revisions whose policies can be put together again.
const KEPT_REVISIONS: u32 = 1000;

/// An object as `json_each` reads it.
type Row<'a> = (
    &'a str,
    &'static str,
    u32,
    Option<i64>,
    Option<&'a str>,
    String,
    i64,
    i64,
);

impl Change {
    /// Writes the changes, each object once, and notes in the history what was before.
    pub async fn write_policy(&mut self, writes: &[PolicyWrite]) -> Result<(), StoreError> {
        self.wrote_policy = true;
        let (mut put, mut moved, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
        for write in writes {
            match write {
                PolicyWrite::Put { object, position } => put.push(row(object, *position)?),
                PolicyWrite::Move { id, position } => moved.push((id.as_str(), *position)),
                PolicyWrite::Delete { id } => deleted.push(id.as_str()),
            }
        }
        let created: Vec<(&str, &str)> = put.iter().map(|row| (row.0, row.1)).collect();
        let replaced: Vec<&str> = put
            .iter()
            .map(|row| row.0)
            .chain(deleted.iter().copied())
            .collect();
        let revision = convert::signed(self.revision.0);

        // What is not there yet comes first: after it, everything named here is.
        self.each(
            "INSERT INTO policy_history (revision, id, kind, change)
             SELECT ?1, value ->> 0, value ->> 1, 'created' FROM json_each(?2) AS new
             WHERE NOT EXISTS (SELECT 1 FROM policy_object WHERE id = new.value ->> 0)",
            Some(revision),
            &created,
        )
        .await?;
        self.each(
            "INSERT INTO policy_history
             (revision, id, kind, change, number, position, name, spec, updated_at, was_revision)
             SELECT ?1, id, kind, 'changed', number, position, name, spec, updated_at, revision
             FROM policy_object WHERE id IN (SELECT value FROM json_each(?2))",
            Some(revision),
            &replaced,
        )
        .await?;
        self.each(
            "INSERT INTO policy_history (revision, id, kind, change, position)
             SELECT ?1, id, kind, 'moved', position
             FROM policy_object WHERE id IN (SELECT value ->> 0 FROM json_each(?2))",
            Some(revision),
            &moved,
        )
        .await?;

        self.each(
            "DELETE FROM policy_counter WHERE counter IN (SELECT number FROM policy_object
             WHERE kind IN ('rule', 'zone_pair', 'published_service')
               AND id IN (SELECT value FROM json_each(?1)))",
            None,
            &deleted,
        )
        .await?;
        // All go before any comes back: two objects may swap their names.
        self.each(
            "DELETE FROM policy_object WHERE id IN (SELECT value FROM json_each(?1))",
            None,
            &replaced,
        )
        .await?;
        self.each(
            "INSERT INTO policy_object (id, kind, number, position, name, spec, updated_at, revision)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    value ->> 7 FROM json_each(?1)",
            None,
            &put,
        )
        .await?;
        self.each(
            "UPDATE policy_object SET position = new.value ->> 1 FROM json_each(?1) AS new
             WHERE policy_object.id = new.value ->> 0",
            None,
            &moved,
        )
        .await?;
        self.mark_policy_revision(revision).await
    }

    async fn each<T: Serialize>(
        &mut self,
        statement: &'static str,
        revision: Option<i64>,
        rows: &[T],
    ) -> Result<(), StoreError> {
        for batch in rows.chunks(BATCH) {
            let batch =
                serde_json::to_string(batch).map_err(|source| convert::column(SPEC, Some(source.into())))?;
            let query = sqlx::query(statement);
            let query = match revision {
                Some(revision) => query.bind(revision),
                None => query,
            };
            query
                .bind(batch)
                .execute(self.connection())
                .await
                .map_err(StoreError::WritePolicy)?;
        }
        Ok(())
    }

    /// Says of the revision that it is about the policy, and forgets what is too long ago.
    async fn mark_policy_revision(&mut self, revision: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE revision SET policy = 1 WHERE number = ?")
            .bind(revision)
            .execute(self.connection())
            .await
            .map_err(StoreError::WritePolicy)?;
        sqlx::query(
            "DELETE FROM policy_history WHERE revision <=
             (SELECT number FROM revision WHERE policy ORDER BY number DESC LIMIT 1 OFFSET ?)",
        )
        .bind(KEPT_REVISIONS)
        .execute(self.connection())
        .await
        .map_err(StoreError::WritePolicy)?;
        Ok(())
    }
}

fn row(object: &AnyObject, position: Option<i64>) -> Result<Row<'_>, StoreError> {
    Ok((
        object.id(),
        object.kind().name(),
        object.number(),
        position,
        object.name(),
        to_json(object)?,
        convert::microseconds(object.updated_at()),
        convert::signed(object.revision().0),
    ))
}
