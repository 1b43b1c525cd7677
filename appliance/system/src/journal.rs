//! The journal of the machine: `GET /logs`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalQuery {
    /// Entries of a page, 1 to 1000.
    pub limit: u32,
    /// The page after the entry of this cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Of this unit alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Of this priority and those that matter more: 0 (emergency) to 7 (debug).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// From this time on, whole seconds.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub since: Option<OffsetDateTime>,
    /// Of the kernel alone, since it runs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kernel: bool,
}

impl Default for JournalQuery {
    fn default() -> Self {
        Self {
            limit: 100,
            cursor: None,
            unit: None,
            priority: None,
            since: None,
            kernel: false,
        }
    }
}

/// Entries, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalPage {
    /// The entries.
    pub entries: Vec<JournalEntry>,
    /// Cursor of the last, where older ones follow.
    pub next_cursor: Option<String>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// Its place.
    pub cursor: String,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The unit it is of.
    pub unit: Option<String>,
    /// What the program calls itself.
    pub identifier: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// 0 (emergency) to 7 (debug).
    pub priority: Option<u8>,
    /// The boot it is of.
    pub boot_id: Option<String>,
    /// What it says.
    pub message: String,
}
