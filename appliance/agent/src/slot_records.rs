//! What is noted of the slots, since nobody can look into the one that does not run: `slots.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ravelin_system::Slot;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::keep;

/// What is in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRecord {
    /// Its version.
    pub version: Option<String>,
    /// When it was written; None for what the image came with.
    #[serde(with = "time::serde::rfc3339::option")]
    pub installed_at: Option<OffsetDateTime>,
}

/// The file.
#[derive(Debug)]
pub struct SlotRecords(PathBuf);

impl SlotRecords {
    /// The file below this directory.
    pub fn new(state_dir: &Path) -> Self {
        Self(state_dir.join("slots.json"))
    }

    /// What is noted. Nothing where the file is missing or broken: it is no more than a note.
    pub fn read(&self) -> BTreeMap<Slot, SlotRecord> {
        fs::read(&self.0)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Notes that a slot runs this version.
    pub fn note_running(&self, slot: Slot, version: Option<&str>) -> io::Result<()> {
        let mut records = self.read();
        if records
            .get(&slot)
            .is_some_and(|record| record.version.as_deref() == version)
        {
            return Ok(());
        }
        let version = version.map(str::to_owned);
        records.insert(
            slot,
            SlotRecord {
                version,
                installed_at: None,
            },
        );
        self.write(&records)
    }

    /// Notes that a version was written to a slot.
    pub fn note_written(&self, slot: Slot, version: &str) -> io::Result<()> {
        let mut records = self.read();
        let record = SlotRecord {
            version: Some(version.to_owned()),
            installed_at: Some(OffsetDateTime::now_utc()),
        };
        records.insert(slot, record);
        self.write(&records)
    }

    /// Notes that a slot is about to be written.
    pub fn forget(&self, slot: Slot) -> io::Result<()> {
        let mut records = self.read();
        records.remove(&slot);
        self.write(&records)
    }

    fn write(&self, records: &BTreeMap<Slot, SlotRecord>) -> io::Result<()> {
        keep::write(&self.0, &serde_json::to_vec_pretty(records)?)
    }
}
