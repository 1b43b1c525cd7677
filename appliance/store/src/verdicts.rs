//! The verdict log: bounded, the oldest go first.

use ipnet::IpNet;
use ravelin_model::{Action, BatchFigures, PolicyVerdict, RuleId, VerdictBackend, VerdictLine, ZoneId};
use sqlx::FromRow;
use time::OffsetDateTime;

use crate::{Store, StoreError, convert};

/// A verdict with its number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVerdict {
    /// Grows with every verdict.
    pub number: u64,
    /// When it was heard of.
    pub at: OffsetDateTime,
    /// The verdict.
    pub verdict: PolicyVerdict,
}

/// Which verdicts to show. Everything given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerdictFilter {
    /// Not older.
    pub since: Option<OffsetDateTime>,
    /// From or to an address in it.
    pub address: Option<IpNet>,
    /// From or to it.
    pub zone: Option<ZoneId>,
    /// Decided by it.
    pub rule: Option<RuleId>,
    /// With it.
    pub action: Option<Action>,
    /// Older than the one with this number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

#[derive(FromRow)]
struct VerdictRow {
    number: i64,
    at: i64,
    action: String,
    line: Option<String>,
    line_id: Option<String>,
    revision: i64,
    backend: String,
    from_zone: Option<String>,
    to_zone: Option<String>,
    interface: Option<String>,
    source: Vec<u8>,
    destination: Vec<u8>,
    protocol: i64,
    source_port: i64,
    destination_port: i64,
    packet_bytes: i64,
}

impl Store {
    /// Appends verdicts and forgets all but the newest `keep`. Waits for a change under way.
    pub async fn append_verdicts(
        &self,
        verdicts: &[(OffsetDateTime, PolicyVerdict)],
        keep: u64,
    ) -> Result<(), StoreError> {
        let write = self.write_verdicts(verdicts, keep);
        self.verdict_times.measure(verdicts.len(), write).await
    }

    /// How appending verdicts goes.
    pub fn verdict_batches(&self) -> BatchFigures {
        self.verdict_times.figures()
    }

    async fn write_verdicts(
        &self,
        verdicts: &[(OffsetDateTime, PolicyVerdict)],
        keep: u64,
    ) -> Result<(), StoreError> {
        let mut transaction = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(StoreError::WriteVerdicts)?;
        for (at, verdict) in verdicts {
            let PolicyVerdict {
                action,
                line,
                revision,
                backend,
                from,
                to,
                interface,
                source,
                destination,
                protocol,
                source_port,
                destination_port,
                packet_bytes,
            } = verdict;
            sqlx::query(
                "INSERT INTO verdict (at, action, line, line_id, revision, backend, from_zone, to_zone, interface,
                                      source, destination, protocol, source_port, destination_port, packet_bytes)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(convert::microseconds(*at))
            .bind(action.name())
            .bind(line.as_ref().map(VerdictLine::name))
            .bind(line.as_ref().and_then(VerdictLine::id))
            .bind(convert::signed(revision.0))
            .bind(backend.name())
            .bind(from.as_ref().map(ZoneId::as_str))
            .bind(to.as_ref().map(ZoneId::as_str))
            .bind(interface.as_deref())
            .bind(convert::address_key(*source))
            .bind(convert::address_key(*destination))
            .bind(protocol)
            .bind(source_port)
            .bind(destination_port)
            .bind(packet_bytes)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::WriteVerdicts)?;
        }
        sqlx::query("DELETE FROM verdict WHERE number <= (SELECT MAX(number) FROM verdict) - ?")
            .bind(convert::signed(keep))
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::WriteVerdicts)?;
        transaction.commit().await.map_err(StoreError::WriteVerdicts)
    }

    /// Verdicts, newest first.
    pub async fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<StoredVerdict>, StoreError> {
        let VerdictFilter {
            since,
            address,
            zone,
            rule,
            action,
            before,
            limit,
        } = filter;
        let rows: Vec<VerdictRow> = sqlx::query_as(
            "SELECT * FROM verdict
             WHERE number < ?1 AND (?2 IS NULL OR at >= ?2)
               AND (?3 IS NULL OR source BETWEEN ?3 AND ?4 OR destination BETWEEN ?3 AND ?4)
               AND (?5 IS NULL OR from_zone = ?5 OR to_zone = ?5)
               AND (?6 IS NULL OR line_id = ?6) AND (?7 IS NULL OR action = ?7)
             ORDER BY number DESC LIMIT ?8",
        )
        .bind(before.map_or(i64::MAX, convert::signed))
        .bind(since.map(convert::microseconds))
        .bind(address.map(|network| convert::address_key(network.network())))
        .bind(address.map(|network| convert::address_key(network.broadcast())))
        .bind(zone.as_ref().map(ZoneId::as_str))
        .bind(rule.as_ref().map(RuleId::as_str))
        .bind(action.map(Action::name))
        .bind(limit)
        .fetch_all(&self.reader)
        .await
        .map_err(StoreError::ReadVerdicts)?;
        rows.into_iter().map(from_row).collect()
    }
}

fn from_row(row: VerdictRow) -> Result<StoredVerdict, StoreError> {
    let impossible = |name| move || convert::column(name, None);
    let line = match (row.line.as_deref(), row.line_id.as_deref()) {
        (None, _) => None,
        (Some(name), id) => Some(convert::line(name, id).ok_or_else(impossible("verdict.line"))?),
    };
    let zone = |id: Option<String>| {
        id.map(|id| id.parse::<ZoneId>())
            .transpose()
            .map_err(|source| convert::column("verdict.from_zone", Some(source.into())))
    };
    let action = Action::ALL.into_iter().find(|action| action.name() == row.action);
    let backends = [VerdictBackend::Ebpf, VerdictBackend::Nftables];
    let backend = backends.into_iter().find(|backend| backend.name() == row.backend);
    Ok(StoredVerdict {
        number: convert::unsigned("verdict.number", row.number)?,
        at: convert::time("verdict.at", row.at)?,
        verdict: PolicyVerdict {
            action: action.ok_or_else(impossible("verdict.action"))?,
            line,
            revision: convert::revision("verdict.revision", row.revision)?,
            backend: backend.ok_or_else(impossible("verdict.backend"))?,
            from: zone(row.from_zone)?,
            to: zone(row.to_zone)?,
            interface: row.interface,
            source: convert::address(&row.source).ok_or_else(impossible("verdict.source"))?,
            destination: convert::address(&row.destination).ok_or_else(impossible("verdict.destination"))?,
            protocol: convert::unsigned("verdict.protocol", row.protocol)?,
            source_port: convert::unsigned("verdict.source_port", row.source_port)?,
            destination_port: convert::unsigned("verdict.destination_port", row.destination_port)?,
            packet_bytes: convert::unsigned("verdict.packet_bytes", row.packet_bytes)?,
        },
    })
}
