//! A change: one transaction, one revision.

use ravelin_model::Revision;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use time::OffsetDateTime;

use crate::{Store, StoreError, convert, digest};

/// Who makes a change, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Principal, e.g. `uid:0` or `admin`.
    pub name: String,
    /// Where from, e.g. `unix` or a peer address.
    pub origin: String,
}

/// A change under way. It holds the store's one writer: nothing else is written until it is committed or
/// dropped. Dropped without [`Self::commit`], nothing of it happened and its number goes to the next change.
///
/// An operation that failed or was cancelled may have done half of its work: drop the change then. Only an operation
/// refused for what the store already holds or lacks ([`StoreError::NameTaken`], [`StoreError::UnknownList`],
/// [`StoreError::WrongKind`]) has done nothing.
#[derive(Debug)]
pub struct Change {
    transaction: Transaction<'static, Sqlite>,
    pub(crate) revision: Revision,
    pub(crate) at: OffsetDateTime,
    /// Objects of the policy were written.
    pub(crate) wrote_policy: bool,
}

impl Store {
    /// Begins a change, after waiting for the one under way. `summary` is one sentence for people.
    pub async fn change(
        &self,
        author: &Author,
        summary: &str,
        at: OffsetDateTime,
    ) -> Result<Change, StoreError> {
        // IMMEDIATE: a transaction that starts as a reader can fail to become a writer, and then every retry
        // has to start from the beginning.
        let mut transaction = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(StoreError::Begin)?;
        let Author { name, origin } = author;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO revision (at, actor, origin, summary) VALUES (?, ?, ?, ?) RETURNING number",
        )
        .bind(convert::microseconds(at))
        .bind(name)
        .bind(origin)
        .bind(summary)
        .fetch_one(&mut *transaction)
        .await
        .map_err(StoreError::Begin)?;
        let revision = convert::revision("revision.number", number)?;
        Ok(Change {
            transaction,
            revision,
            at,
            wrote_policy: false,
        })
    }
}

impl Change {
    /// The number the change has once it is committed.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Makes the change durable: Ok means it is on disk.
    pub async fn commit(mut self) -> Result<Revision, StoreError> {
        digest::write(&mut self.transaction, self.wrote_policy)
            .await
            .map_err(StoreError::WriteDigest)?;
        self.transaction.commit().await.map_err(StoreError::Commit)?;
        Ok(self.revision)
    }

    /// The connection inside the transaction.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}
