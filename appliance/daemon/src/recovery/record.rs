//! What must be known of a recovery after a restart, in small files beside the store.

use std::io;
use std::path::Path;

use ravelin_model::{Recovery, RecoveryState, Revision};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::files;

/// `recovery.json`.
#[derive(Debug, Serialize, Deserialize)]
struct RecoveryFile {
    state: String,
    reason: String,
    revision: Option<u64>,
    since_seconds: Option<i64>,
    lost_after_revision: Option<u64>,
}

/// Writes it; what is over has no file.
pub fn write_recovery(path: &Path, recovery: &Recovery) -> io::Result<()> {
    if recovery.state == RecoveryState::None {
        return files::remove(path);
    }
    let Recovery {
        state,
        reason,
        revision,
        since,
        lost_after_revision,
        // A new start finds out anew.
        volatile: _,
    } = recovery;
    let text = serde_json::to_vec(&RecoveryFile {
        state: state.name().to_owned(),
        reason: reason.clone(),
        revision: revision.map(|revision| revision.0),
        since_seconds: since.map(OffsetDateTime::unix_timestamp),
        lost_after_revision: lost_after_revision.map(|revision| revision.0),
    })?;
    files::write(path, &text)
}

/// Reads it. A file nobody can read is as if there were none: it only tells people.
pub fn read_recovery(path: &Path) -> Recovery {
    let read = || {
        let text = files::read(path).ok()??;
        let file: RecoveryFile = serde_json::from_str(&text).ok()?;
        Some(Recovery {
            state: RecoveryState::ALL
                .into_iter()
                .find(|state| state.name() == file.state)?,
            reason: file.reason,
            revision: file.revision.map(Revision),
            since: file
                .since_seconds
                .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
            lost_after_revision: file.lost_after_revision.map(Revision),
            volatile: false,
        })
    };
    read().unwrap_or_default()
}

/// `copied.json`: from which store the slot's was copied, and at which revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Of which store.
    pub identity: u32,
    /// What it held.
    pub revision: u64,
}

/// Writes it.
pub fn write_copied(path: &Path, copied: Copied) -> io::Result<()> {
    files::write(path, &serde_json::to_vec(&copied)?)
}

/// Reads it; None: the store was not copied.
pub fn read_copied(path: &Path) -> Option<Copied> {
    serde_json::from_str(&files::read(path).ok()??).ok()
}
