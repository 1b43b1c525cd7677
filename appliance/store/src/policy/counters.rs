//! What the hit counters of the policy counted, through restarts and reboots.

use std::fmt;

use serde::Serialize;
use time::OffsetDateTime;

use crate::{Store, StoreError, convert};

/// Which counters of the back-ends the rows are about: those of another boot, or made anew, start at 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CounterEpoch {
    /// Of nftables.
    pub nft: String,
    /// Of eBPF.
    pub ebpf: String,
}

/// A counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredCounter {
    /// Its number.
    pub counter: u32,
    /// Packets in all.
    pub packets: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// When it was last seen to grow.
    pub last_hit_at: Option<OffsetDateTime>,
    /// Packets and bytes nftables showed at that time.
    pub nft: (u64, u64),
    /// Packets and bytes eBPF showed.
    pub ebpf: (u64, u64),
}

/// Every counter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredCounters {
    /// None: nothing was ever stored.
    pub epoch: Option<CounterEpoch>,
    /// By number.
    pub counters: Vec<StoredCounter>,
}

/// Rows handed to SQLite in one statement.
const BATCH: usize = 8192;

type CounterRow = (i64, i64, i64, Option<i64>, i64, i64, i64, i64);

impl Store {
    /// Every counter as it was stored.
    pub async fn policy_counters(&self) -> Result<StoredCounters, StoreError> {
        let epoch: Option<(String, String)> = sqlx::query_as("SELECT nft, ebpf FROM policy_counter_epoch")
            .fetch_optional(&self.reader)
            .await
            .map_err(StoreError::ReadCounters)?;
        let rows: Vec<CounterRow> = sqlx::query_as(
            "SELECT counter, packets, bytes, last_hit_at, nft_packets, nft_bytes, ebpf_packets, ebpf_bytes
             FROM policy_counter ORDER BY counter",
        )
        .fetch_all(&self.reader)
        .await
        .map_err(StoreError::ReadCounters)?;
        Ok(StoredCounters {
            epoch: epoch.map(|(nft, ebpf)| CounterEpoch { nft, ebpf }),
            counters: rows.into_iter().map(from_row).collect::<Result<_, _>>()?,
        })
    }

    /// Stores counters, all or none, and which ones they are. Counters not named stay as they are. Waits for a change
    /// under way.
    pub async fn save_policy_counters(
        &self,
        epoch: &CounterEpoch,
        counters: &[StoredCounter],
    ) -> Result<(), StoreError> {
        let mut transaction = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(StoreError::WriteCounters)?;
        let CounterEpoch { nft, ebpf } = epoch;
        sqlx::query(
            "INSERT INTO policy_counter_epoch (one, nft, ebpf) VALUES (1, ?, ?)
             ON CONFLICT (one) DO UPDATE SET nft = excluded.nft, ebpf = excluded.ebpf",
        )
        .bind(nft)
        .bind(ebpf)
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::WriteCounters)?;
        for batch in counters.chunks(BATCH) {
            let rows: Vec<_> = batch.iter().map(to_row).collect();
            sqlx::query(
                "INSERT OR REPLACE INTO policy_counter
                 (counter, packets, bytes, last_hit_at, nft_packets, nft_bytes, ebpf_packets, ebpf_bytes)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                        value ->> 7 FROM json_each(?)",
            )
            .bind(json(&rows)?)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::WriteCounters)?;
        }
        transaction.commit().await.map_err(StoreError::WriteCounters)
    }
}

fn to_row(counter: &StoredCounter) -> CounterRow {
    let StoredCounter {
        counter,
        packets,
        bytes,
        last_hit_at,
        nft,
        ebpf,
    } = counter;
    (
        i64::from(*counter),
        convert::signed(*packets),
        convert::signed(*bytes),
        last_hit_at.map(convert::microseconds),
        convert::signed(nft.0),
        convert::signed(nft.1),
        convert::signed(ebpf.0),
        convert::signed(ebpf.1),
    )
}

fn from_row(row: CounterRow) -> Result<StoredCounter, StoreError> {
    let (counter, packets, bytes, last_hit_at, nft_packets, nft_bytes, ebpf_packets, ebpf_bytes) = row;
    let count = |value| convert::unsigned("policy_counter.packets", value);
    Ok(StoredCounter {
        counter: convert::unsigned("policy_counter.counter", counter)?,
        packets: count(packets)?,
        bytes: count(bytes)?,
        last_hit_at: last_hit_at
            .map(|at| convert::time("policy_counter.last_hit_at", at))
            .transpose()?,
        nft: (count(nft_packets)?, count(nft_bytes)?),
        ebpf: (count(ebpf_packets)?, count(ebpf_bytes)?),
    })
}

fn json<T: Serialize + fmt::Debug>(rows: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(rows)
        .map_err(|source| convert::column("policy_counter.counter", Some(source.into())))
}
