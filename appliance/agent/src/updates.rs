//! The records of updates: one file each, so that what became of one outlives the restart into it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ravelin_system::update::{Update, UpdateOptions, UpdateSource, UpdateState};
use ravelin_system::{Refusal, RefusalCode};
use time::OffsetDateTime;

use crate::keep;

/// Records that are kept.
const KEPT: usize = 20;

/// All of them by their number.
#[derive(Debug)]
pub struct Updates {
    directory: PathBuf,
    held: Mutex<BTreeMap<u64, Update>>,
}

impl Updates {
    /// Reads those that are there. One that cannot be read is left out: it is no more than a report.
    pub fn open(state_dir: &Path) -> Self {
        let directory = state_dir.join("updates");
        let read = |entry: io::Result<fs::DirEntry>| {
            let text = fs::read(entry.ok()?.path()).ok()?;
            let update: Update = serde_json::from_slice(&text).ok()?;
            Some((number(&update.id)?, update))
        };
        let held = fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .filter_map(read)
            .collect();
        Self {
            directory,
            held: Mutex::new(held),
        }
    }

    /// All of them, the newest first.
    pub fn all(&self) -> Vec<Update> {
        self.lock().values().rev().cloned().collect()
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Update> {
        self.lock().get(&number(id)?).cloned()
    }

    /// The one that nothing became of yet.
    pub fn pending(&self) -> Option<Update> {
        let held = self.lock();
        held.values()
            .rev()
            .find(|update| !update.state.is_final())
            .cloned()
    }

    /// Begins an update. None may be at work; one that waits for its restart is given up for it.
    pub fn begin(
        &self,
        source: UpdateSource,
        options: UpdateOptions,
        from_version: Option<&str>,
    ) -> Result<Update, Refusal> {
        let mut held = self.lock();
        if let Some(active) = held.values().find(|update| update.state.is_active()) {
            let detail = format!("the update {} is at work", active.id);
            return Err(Refusal::new(RefusalCode::UpdateUnderWay, detail));
        }
        let number = held.keys().next_back().map_or(1, |last| last + 1);
        let now = OffsetDateTime::now_utc();
        let update = Update {
            id: format!("upd_{number}"),
            state: UpdateState::Receiving,
            source,
            options,
            created_at: now,
            changed_at: now,
            from_version: from_version.map(str::to_owned),
            version: None,
            slot: None,
            received_bytes: 0,
            total_bytes: None,
            written_percent: None,
            problem: None,
            reason: None,
        };
        for waiting in held.values_mut().filter(|update| !update.state.is_final()) {
            waiting.state = UpdateState::Failed;
            waiting.changed_at = now;
            let detail = format!("the update {} came in its place", update.id);
            waiting.problem = Some(Refusal::new(RefusalCode::UpdateReplaced, detail));
            self.keep(waiting);
        }
        self.keep(&update);
        held.insert(number, update.clone());
        while held.len() > KEPT {
            if let Some((_, oldest)) = held.pop_first()
                && let Err(error) = keep::remove(&self.file(&oldest.id))
            {
                tracing::warn!(%error, "an old record of an update stays");
            }
        }
        Ok(update)
    }

    /// Changes a record. On disk only with `kept`: how far it is is not worth a write each time.
    pub fn change(&self, id: &str, kept: bool, change: impl FnOnce(&mut Update)) {
        let mut held = self.lock();
        let Some(update) = number(id).and_then(|number| held.get_mut(&number)) else {
            return;
        };
        let before = update.state;
        change(update);
        if update.state != before {
            update.changed_at = OffsetDateTime::now_utc();
            tracing::info!(update = update.id, state = ?update.state, "update");
        }
        if kept {
            self.keep(update);
        }
    }

    /// Nothing comes of an update.
    pub fn fail(&self, id: &str, problem: Refusal) {
        tracing::error!(update = id, problem = problem.detail, "the update has failed");
        self.change(id, true, |update| {
            update.state = UpdateState::Failed;
            update.problem = Some(problem);
        });
    }

    fn keep(&self, update: &Update) {
        let kept = serde_json::to_vec_pretty(update)
            .map_err(io::Error::other)
            .and_then(|text| keep::write(&self.file(&update.id), &text));
        if let Err(error) = kept {
            tracing::error!(update = update.id, %error, "the record of an update cannot be kept");
        }
    }

    fn file(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Update>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix("upd_")?.parse().ok()
}
