//! What tuning keeps to.

use std::collections::BTreeMap;

use ravelin_model::{Bounds, Tunable, TuningLimits, TuningMode, TuningSettings};
use serde::{Deserialize, Serialize};

use crate::{Change, Store, StoreError, convert};

impl Store {
    /// What tuning keeps to; what was never set is the model's default, at revision 0.
    pub async fn tuning(&self) -> Result<TuningSettings, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as("SELECT limits, revision FROM tuning")
            .fetch_optional(&self.reader)
            .await
            .map_err(StoreError::ReadTuning)?;
        let Some((limits, revision)) = row else {
            return Ok(TuningSettings::default());
        };
        Ok(TuningSettings {
            limits: read(&limits)?,
            revision: convert::revision("tuning.revision", revision)?,
        })
    }
}

impl Change {
    /// Stores what tuning keeps to.
    pub async fn set_tuning(&mut self, limits: &TuningLimits) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO tuning (only_one, limits, revision) VALUES (1, ?, ?)
             ON CONFLICT (only_one) DO UPDATE SET limits = excluded.limits, revision = excluded.revision",
        )
        .bind(write(limits)?)
        .bind(convert::signed(self.revision.0))
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteTuning)?;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsRow {
    mode: String,
    window_seconds: u32,
    memory_ceiling_bytes: u64,
    /// By name of what is tuned.
    bounds: BTreeMap<String, BoundsRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsRow {
    min: u64,
    max: u64,
}

const LIMITS: &str = "tuning.limits";

fn write(limits: &TuningLimits) -> Result<String, StoreError> {
    let TuningLimits {
        mode,
        window_seconds,
        memory_ceiling_bytes,
        bounds,
    } = limits;
    let bounds = bounds.iter().map(|(tunable, &Bounds { min, max })| {
        let row = BoundsRow { min, max };
        (tunable.name().to_owned(), row)
    });
    let row = LimitsRow {
        mode: mode.name().to_owned(),
        window_seconds: *window_seconds,
        memory_ceiling_bytes: *memory_ceiling_bytes,
        bounds: bounds.collect(),
    };
    serde_json::to_string(&row).map_err(|source| convert::column(LIMITS, Some(source.into())))
}

fn read(json: &str) -> Result<TuningLimits, StoreError> {
    let LimitsRow {
        mode,
        window_seconds,
        memory_ceiling_bytes,
        bounds: rows,
    } = serde_json::from_str(json).map_err(|source| convert::column(LIMITS, Some(source.into())))?;
    let unknown = || convert::column(LIMITS, None);
    let mode = TuningMode::ALL.into_iter().find(|known| known.name() == mode);
    // What came with a newer program has its default.
    let mut bounds = TuningLimits::default().bounds;
    for (name, BoundsRow { min, max }) in rows {
        let tunable = Tunable::ALL.into_iter().find(|known| known.name() == name);
        bounds.insert(tunable.ok_or_else(unknown)?, Bounds { min, max });
    }
    Ok(TuningLimits {
        mode: mode.ok_or_else(unknown)?,
        window_seconds,
        memory_ceiling_bytes,
        bounds,
    })
}
