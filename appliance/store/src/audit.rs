//! The audit trail: one entry for every state-changing call, also a refused one.

use ravelin_model::Revision;
use time::OffsetDateTime;

use crate::{Author, Store, StoreError, convert};

/// A state-changing call and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it was answered.
    pub at: OffsetDateTime,
    /// Who and from where.
    pub author: Author,
    /// Id of the request, as answered in `X-Request-Id`.
    pub request_id: String,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Revision when the call came.
    pub before: Revision,
    /// Revision when it was answered.
    pub after: Revision,
}

type AuditRow = (i64, i64, String, String, String, String, String, i64, i64, i64);

impl Store {
    /// Stores an entry. Waits for a change under way.
    pub async fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let AuditEntry {
            at,
            author,
            request_id,
            method,
            path,
            status,
            before,
            after,
        } = entry;
        sqlx::query(
            "INSERT INTO audit
             (at, actor, origin, request_id, method, path, status, revision_before, revision_after)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(convert::microseconds(*at))
        .bind(&author.name)
        .bind(&author.origin)
        .bind(request_id)
        .bind(method)
        .bind(path)
        .bind(i64::from(*status))
        .bind(convert::signed(before.0))
        .bind(convert::signed(after.0))
        .execute(&self.writer)
        .await
        .map_err(StoreError::WriteAudit)?;
        Ok(())
    }

    /// At most `limit` entries with their numbers, newest first, older than number `before` if given.
    pub async fn audit(&self, before: Option<u64>, limit: u32) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        let rows: Vec<AuditRow> = sqlx::query_as(
            "SELECT id, at, actor, origin, request_id, method, path, status, revision_before, revision_after
             FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
        )
        .bind(before.map_or(i64::MAX, convert::signed))
        .bind(limit)
        .fetch_all(&self.reader)
        .await
        .map_err(StoreError::ReadAudit)?;
        rows.into_iter().map(from_row).collect()
    }
}

fn from_row(row: AuditRow) -> Result<(u64, AuditEntry), StoreError> {
    let (id, at, name, origin, request_id, method, path, status, before, after) = row;
    let entry = AuditEntry {
        at: convert::time("audit.at", at)?,
        author: Author { name, origin },
        request_id,
        method,
        path,
        status: convert::unsigned("audit.status", status)?,
        before: convert::revision("audit.revision_before", before)?,
        after: convert::revision("audit.revision_after", after)?,
    };
    Ok((convert::unsigned("audit.id", id)?, entry))
}
