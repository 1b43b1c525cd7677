//! Looking for records.

use ipnet::IpNet;
use ravelin_model::{EndReason, RuleId, ZoneId};
use sqlx::{QueryBuilder, Sqlite};
use time::OffsetDateTime;

use super::StoredFlowRecord;
use super::row::Row;
use crate::{Store, StoreError, convert};

/// Which records to show. Everything given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowRecordFilter {
    /// Ended then or later.
    pub since: Option<OffsetDateTime>,
    /// Ended before.
    pub until: Option<OffsetDateTime>,
    /// From or to an address in it, before or after translation.
    pub address: Option<IpNet>,
    /// From or to this port, before or after translation; of protocols that have ports.
    pub port: Option<u16>,
    /// Of this IANA protocol.
    pub protocol: Option<u8>,
    /// From or to it.
    pub zone: Option<ZoneId>,
    /// Let in by it.
    pub rule: Option<RuleId>,
    /// Ended for this reason.
    pub end_reason: Option<EndReason>,
    /// So many bytes or more, both directions together.
    pub min_bytes: Option<u64>,
    /// Of this Community ID.
    pub community_id: Option<String>,
    /// Older than the one with this number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Flow records, newest first.
    pub async fn flow_records(&self, filter: &FlowRecordFilter) -> Result<Vec<StoredFlowRecord>, StoreError> {
        let rows: Vec<Row> = select(filter)
            .build_query_as()
            .fetch_all(&self.reader)
            .await
            .map_err(StoreError::ReadFlowRecords)?;
        rows.into_iter().map(Row::record).collect()
    }

    /// The record with this number; None: there is none, or no more.
    pub async fn flow_record(&self, number: u64) -> Result<Option<StoredFlowRecord>, StoreError> {
        let row: Option<Row> = sqlx::query_as("SELECT * FROM flow_record WHERE number = ?")
            .bind(convert::signed(number))
            .fetch_optional(&self.reader)
            .await
            .map_err(StoreError::ReadFlowRecords)?;
        row.map(Row::record).transpose()
    }
}

/// Names only what is asked for, so that SQLite can plan for it.
fn select(filter: &FlowRecordFilter) -> QueryBuilder<Sqlite> {
    let FlowRecordFilter {
        since,
        until,
        address,
        port,
        protocol,
        zone,
        rule,
        end_reason,
        min_bytes,
        community_id,
        before,
        limit,
    } = filter;
    let mut query = QueryBuilder::new("SELECT * FROM flow_record WHERE number < ");
    query.push_bind(before.map_or(i64::MAX, convert::signed));
    // The index says where in the order of the numbers a time begins and ends; without it there would be the choice of
    // sorting all that ended in that time, or reading all that ended since.
    if let Some(since) = since {
        let since = convert::microseconds(*since);
        query.push(" AND number >= (SELECT MIN(number) FROM flow_record WHERE ended_at >= ");
        query
            .push_bind(since)
            .push(") AND +ended_at >= ")
            .push_bind(since);
    }
    if let Some(until) = until {
        let until = convert::microseconds(*until);
        query.push(" AND number <= (SELECT MAX(number) FROM flow_record WHERE ended_at < ");
        query.push_bind(until).push(") AND +ended_at < ").push_bind(until);
    }
    if let Some(network) = address {
        let (first, last) = (network.network(), network.broadcast());
        let columns = ["source", "destination", "reply_source", "reply_destination"];
        for (column, before) in columns.into_iter().zip([" AND (", " OR ", " OR ", " OR "]) {
            query.push(before).push(column).push(" BETWEEN ");
            query.push_bind(convert::address_key(first)).push(" AND ");
            query.push_bind(convert::address_key(last));
        }
        query.push(")");
    }
    if let Some(port) = port {
        query.push(" AND protocol IN (6, 17, 33, 132, 136) AND ");
        query.push_bind(i64::from(*port));
        query.push(" IN (source_port, destination_port, reply_source_port, reply_destination_port)");
    }
    if let Some(protocol) = protocol {
        query.push(" AND protocol = ").push_bind(i64::from(*protocol));
    }
    if let Some(zone) = zone {
        query.push(" AND ").push_bind(zone.as_str().to_owned());
        query.push(" IN (from_zone, to_zone)");
    }
    if let Some(rule) = rule {
        query.push(" AND line_id = ").push_bind(rule.as_str().to_owned());
    }
    if let Some(reason) = end_reason {
        query.push(" AND end_reason = ").push_bind(reason.name());
    }
    if let Some(bytes) = min_bytes {
        query
            .push(" AND original_bytes + reply_bytes >= ")
            .push_bind(convert::signed(*bytes));
    }
    if let Some(id) = community_id {
        query.push(" AND community_id = ").push_bind(id.clone());
    }
    query
        .push(" ORDER BY number DESC LIMIT ")
        .push_bind(i64::from(*limit));
    query
}
