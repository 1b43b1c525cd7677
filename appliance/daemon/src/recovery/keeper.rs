//! What goes on beside the engine: a copy of each revision that is at work, and what a restart must know.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_control::ControlHandle;
use ravelin_model::{RecoveryState, Revision, chain};
use ravelin_store::Store;
use tokio::sync::watch;
use tokio::time::sleep;

use super::good::Good;
use super::{Start, files, record};

/// Quiet time after a commit before it is copied.
const QUIET: Duration = Duration::from_secs(5);
/// A commit is copied after this time though others follow.
const LONGEST: Duration = Duration::from_secs(10);
/// Time after a copy that failed.
const RETRY: Duration = Duration::from_secs(60);
/// An engine that was at work for so long does not end early.
const WELL: Duration = Duration::from_secs(60);

/// Keeps at it until told to stop, and then makes the last copy.
pub async fn keep(start: Start, control: ControlHandle, store: Store, mut stopped: watch::Receiver<bool>) {
    let Start {
        place,
        mut starts,
        beginning,
        recovery,
        began,
    } = start;
    let copied = if recovery.volatile {
        None
    } else {
        Some(Arc::new(Copier::new(place.store(place.slot), store)))
    };
    let mut copies = pin!(follow_revisions(control.clone(), copied.clone()));
    let mut recoveries = pin!(follow_recovery(control.clone(), place.record()));
    let mut policy = pin!(beginning.commit_at_last(control.clone()));
    let mut well = pin!(sleep(WELL.saturating_sub(began.elapsed())));
    let (mut waits, mut early) = (true, true);
    loop {
        tokio::select! {
            // First: the others may end for the same reason.
            biased;
            // Err: whoever tells has failed.
            told = stopped.changed() => {
                if told.is_ok() {
                    starts.is_well();
                    if let Some(copier) = copied {
                        copier.copy_if_due(control).await;
                    }
                }
                return;
            }
            () = &mut well, if early => {
                early = false;
                starts.is_well();
            }
            () = &mut policy, if waits => waits = false,
            () = &mut recoveries => return,
            () = &mut copies => return,
        }
    }
}

/// Notes what an operator acknowledges.
async fn follow_recovery(control: ControlHandle, record: PathBuf) {
    let mut watched = control.watch_recovery();
    while watched.changed().await.is_ok() {
        let now = watched.borrow_and_update().clone();
        if !now.volatile
            && let Err(error) = record::write_recovery(&record, &now)
        {
            tracing::error!(error = chain(&error), "a restart will not know of the recovery");
        }
    }
}

async fn follow_revisions(control: ControlHandle, copier: Option<Arc<Copier>>) {
    let Some(copier) = copier else {
        return std::future::pending().await;
    };
    let mut seen = None;
    loop {
        let Some(mut revision) = control.other_revision(seen).await else {
            return;
        };
        // A commit is followed by others as a rule.
        let first = Instant::now();
        while first.elapsed() < LONGEST {
            let quiet = QUIET.min(LONGEST.saturating_sub(first.elapsed()));
            match tokio::time::timeout(quiet, control.other_revision(Some(revision))).await {
                Ok(Some(other)) => revision = other,
                Ok(None) => return,
                Err(_) => break,
            }
        }
        seen = Some(revision);
        if !Arc::clone(&copier).copy_if_due(control.clone()).await {
            sleep(RETRY).await;
            seen = None;
        }
    }
}

/// Makes last-known-good copies.
#[derive(Debug)]
struct Copier {
    file: PathBuf,
    store: Store,
}

impl Copier {
    fn new(file: PathBuf, store: Store) -> Self {
        Self { file, store }
    }

    /// Copies the revision that is at work, unless the newest copy is of it. False: it failed, or nothing is at work.
    async fn copy_if_due(self: Arc<Self>, control: ControlHandle) -> bool {
        // Nobody would want to go back to it.
        if control.recovery().state == RecoveryState::Lockdown {
            return true;
        }
        let Some(revision) = control.revision_at_work() else {
            return false;
        };
        match self.copy(&control, revision).await {
            Ok(()) => true,
            Err(problem) => {
                tracing::warn!(problem, "the store could not be copied");
                false
            }
        }
    }

    async fn copy(&self, control: &ControlHandle, revision: Revision) -> Result<(), String> {
        let identity = self.store.identity().await.map_err(|error| chain(&error))?;
        let newest = Good::all(&self.file).map_err(|error| error.to_string())?;
        let is_of = |good: &&Good| good.identity == identity && good.revision == revision;
        if newest.first().filter(is_of).is_some() {
            return Ok(());
        }
        let began = Instant::now();
        let file = files::beside(&self.file, ".copying");
        let copied = self.make(control, revision, identity, &file).await;
        if copied.is_err() {
            drop(files::clear_store(&file));
        }
        copied?;
        tracing::info!(
            revision = revision.0,
            took_ms = began.elapsed().as_millis(),
            "kept a copy to go back to"
        );
        Ok(())
    }

    async fn make(
        &self,
        control: &ControlHandle,
        revision: Revision,
        identity: u32,
        file: &Path,
    ) -> Result<(), String> {
        files::clear_store(file).map_err(|error| error.to_string())?;
        let found = self.store.copy_configuration(file).await;
        let found = found.map_err(|error| chain(&error))?;
        if found != revision || control.revision_at_work() != Some(revision) {
            return Err(format!(
                "revision {} came while revision {} was copied",
                found.0, revision.0
            ));
        }
        Good::keep(file, &self.file, identity, revision).map_err(|error| error.to_string())
    }
}
