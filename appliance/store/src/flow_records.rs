//! What is left of connections: bounded in number and time, the oldest go first.

mod query;
mod row;

use ravelin_model::{BatchFigures, FlowRecord};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use time::OffsetDateTime;

use crate::{Store, StoreError, convert};

pub use query::FlowRecordFilter;

/// A record with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFlowRecord {
    /// Grows with every record; no two ever have the same.
    pub number: u64,
    /// The record.
    pub record: FlowRecord,
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRecordRetention {
    /// So many, the newest.
    pub keep: u64,
    /// What ended before goes.
    pub not_before: OffsetDateTime,
}

/// Rows of one statement. The statement is kept, so that many records cost little more than their bytes; records that
/// do not fill one are written singly.
const ROWS: usize = 64;

/// Records that may go in one transaction beyond those that came, so that nobody waits long for their turn to write.
const TRIMMED: u64 = 50_000;

impl Store {
    /// Appends records in one transaction, in which also goes what is not to be kept any more; where that is a lot,
    /// some of it only, and the rest with later calls. Waits for a change under way.
    pub async fn append_flow_records(
        &self,
        records: &[FlowRecord],
        retention: &FlowRecordRetention,
    ) -> Result<(), StoreError> {
        let write = self.write_flow_records(records, retention);
        self.flow_record_times.measure(records.len(), write).await
    }

    /// How appending records goes.
    pub fn flow_record_batches(&self) -> BatchFigures {
        self.flow_record_times.figures()
    }

    async fn write_flow_records(
        &self,
        records: &[FlowRecord],
        retention: &FlowRecordRetention,
    ) -> Result<(), StoreError> {
        let mut transaction = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(StoreError::WriteFlowRecords)?;
        let (chunks, rest) = records.as_chunks::<ROWS>();
        for chunk in chunks {
            insert(&mut transaction, chunk).await?;
        }
        for record in rest {
            insert(&mut transaction, std::slice::from_ref(record)).await?;
        }
        let room = TRIMMED + u64::try_from(records.len()).unwrap_or(u64::MAX);
        trim(&mut transaction, retention, room).await?;
        transaction.commit().await.map_err(StoreError::WriteFlowRecords)
    }
}

async fn insert(connection: &mut SqliteConnection, records: &[FlowRecord]) -> Result<(), StoreError> {
    let mut statement = QueryBuilder::<Sqlite>::new(row::INSERT);
    statement.push_values(records, row::push);
    statement
        .build()
        .execute(connection)
        .await
        .map_err(StoreError::WriteFlowRecords)?;
    Ok(())
}

/// Deletes what is not kept, `room` records at most by number and by time each.
async fn trim(
    connection: &mut SqliteConnection,
    retention: &FlowRecordRetention,
    room: u64,
) -> Result<(), StoreError> {
    let FlowRecordRetention { keep, not_before } = retention;
    sqlx::query(
        "DELETE FROM flow_record WHERE number <= MIN(
             (SELECT MAX(number) FROM flow_record) - ?, (SELECT MIN(number) FROM flow_record) + ? - 1)",
    )
    .bind(convert::signed(*keep))
    .bind(convert::signed(room))
    .execute(&mut *connection)
    .await
    .map_err(StoreError::WriteFlowRecords)?;
    sqlx::query(
        "DELETE FROM flow_record WHERE number IN
             (SELECT number FROM flow_record WHERE ended_at < ? ORDER BY ended_at LIMIT ?)",
    )
    .bind(convert::microseconds(*not_before))
    .bind(convert::signed(room))
    .execute(connection)
    .await
    .map_err(StoreError::WriteFlowRecords)?;
    Ok(())
}
