//! Opening a store to go by: that of the slot, or what comes closest to it. Nothing is written over: a store of no use
//! is set aside under another name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ravelin_model::{Recovery, RecoveryState, Revision, chain};
use ravelin_store::{Store, StoreError};
use ravelin_system::Slot;
use time::OffsetDateTime;

use super::choice::{Candidate, Situation, StartsBefore, candidates};
use super::files;
use super::good::Good;
use super::record::{self, Copied};

/// The file of a store, in the directory of its slot.
const STORE: &str = "ravelin.db";

/// Says from which store that of the slot was copied, in the directory of the slot.
const COPIED: &str = "copied.json";
/// Names the slot whose store is in use.
const CURRENT: &str = "current";

/// Where stores are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The slot that runs.
    pub slot: Slot,
    /// Directories of the slots, and `current`.
    pub state_dir: PathBuf,
    /// For a store that cannot be where it should.
    pub run_dir: PathBuf,
    /// There is a file of this name until somebody has set something.
    pub first_boot_marker: Option<PathBuf>,
}

impl Place {
    /// The store of a slot.
    pub fn store(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(slot.name()).join(STORE)
    }

    /// What is known of a recovery.
    pub fn record(&self) -> PathBuf {
        self.beside_store("recovery.json")
    }

    /// Early ends in a row.
    pub fn starts(&self) -> PathBuf {
        self.beside_store("starts.json")
    }

    fn copied(&self) -> PathBuf {
        self.beside_store(COPIED)
    }

    fn current(&self) -> PathBuf {
        self.state_dir.join(CURRENT)
    }

    fn beside_store(&self, name: &str) -> PathBuf {
        self.state_dir.join(self.slot.name()).join(name)
    }

    /// Whether somebody has yet to set something.
    pub fn is_first_boot(&self) -> bool {
        self.first_boot_marker
            .as_ref()
            .is_some_and(|marker| marker.exists())
    }

    fn volatile(&self) -> PathBuf {
        self.run_dir.join("store").join(STORE)
    }
}

/// A store to go by.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Whether it is another than it should be.
    pub recovery: Recovery,
    /// It is another because the engine ended early before.
    pub because_of_early_ends: bool,
}

/// Opens one. Never fails: at worst there is a store in memory.
pub async fn open(place: &Place, before: StartsBefore, now: OffsetDateTime) -> Result<Opened, StoreError> {
    let mut opening = Opening {
        place,
        now,
        recorded: record::read_recovery(&place.record()),
        reasons: Vec::new(),
    };
    if let Err(error) = files::make_directory(&place.state_dir.join(place.slot.name())) {
        opening.note("the directory of the store", &error);
    }
    // What is in memory is of an earlier start.
    if let Some(directory) = place.volatile().parent()
        && let Err(error) = fs::remove_dir_all(directory)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "an earlier store in memory cannot be removed");
    }
    let before = match before {
        // It is in force already.
        StartsBefore::EndedEarlyAnyway if opening.recorded.state == RecoveryState::Lockdown => {
            StartsBefore::Well
        }
        other => other,
    };
    let situation = opening.look(before).await;
    match before {
        StartsBefore::Well => {}
        StartsBefore::EndedEarly(_) | StartsBefore::EndedEarlyAnyway => {
            opening
                .reasons
                .push("the engine ended early again and again".to_owned());
        }
    }
    if !situation.own && !situation.first_boot && situation.current.is_none_or(|slot| slot == place.slot) {
        opening.reasons.push("the store is missing".to_owned());
    }
    for candidate in candidates(&situation) {
        if let Some(opened) = opening.attempt(candidate, &situation).await {
            return Ok(opened);
        }
    }
    // Neither disk nor memory file system takes a file.
    let store = Store::in_memory().await?;
    let recovery = opening.recovery(RecoveryState::Lockdown, &store, true).await;
    Ok(Opened {
        store,
        recovery,
        because_of_early_ends: false,
    })
}

/// Says that the store of a slot is the one in use.
pub fn make_current(state_dir: &Path, slot: Slot) -> io::Result<()> {
    // From here on the other slot's store grows old, whatever was set in it once: it is copied from this one again.
    files::remove(&state_dir.join(slot.other().name()).join(COPIED))?;
    files::write(&state_dir.join(CURRENT), format!("{slot}\n").as_bytes())
}

/// Says that the store of the slot is the one in use, if nobody says which is.
pub fn settle_current(place: &Place) -> io::Result<()> {
    match current(place) {
        Some(_) => Ok(()),
        None => make_current(&place.state_dir, place.slot),
    }
}

fn current(place: &Place) -> Option<Slot> {
    let text = files::read(&place.current()).ok()??;
    text.trim().parse().ok()
}

struct Opening<'a> {
    place: &'a Place,
    now: OffsetDateTime,
    recorded: Recovery,
    /// Why what was tried so far is of no use.
    reasons: Vec<String>,
}

impl Opening<'_> {
    fn own(&self) -> PathBuf {
        self.place.store(self.place.slot)
    }

    fn note(&mut self, what: &str, error: &dyn std::error::Error) {
        let reason = format!("{what}: {}", chain(error));
        tracing::error!(reason, "a store is of no use");
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    async fn look(&mut self, before: StartsBefore) -> Situation {
        let place = self.place;
        let current = current(place);
        let exists = |slot| place.store(slot).exists();
        Situation {
            slot: place.slot,
            current,
            own: exists(place.slot),
            own_was_changed: current != Some(place.slot) && self.own_was_changed().await,
            other: exists(place.slot.other()),
            first_boot: place.is_first_boot(),
            before,
        }
    }

    /// The store of the slot was a copy once, and has a revision the other does not know.
    async fn own_was_changed(&mut self) -> bool {
        let Some(copied) = record::read_copied(&self.place.copied()) else {
            return false;
        };
        let own = self.own();
        if !own.exists() {
            return false;
        }
        let Ok(store) = Store::open_existing(&own).await else {
            return false;
        };
        let found = (store.identity().await, store.revision().await);
        store.close().await;
        matches!(found, (Ok(identity), Ok(revision)) if identity == copied.identity && revision.0 > copied.revision)
    }

    /// None: it is of no use, and the reason is noted.
    async fn attempt(&mut self, candidate: Candidate, situation: &Situation) -> Option<Opened> {
        let (own, before) = (self.own(), situation.before);
        match candidate {
            Candidate::Own => {
                let should_be = situation.own_was_changed
                    || situation.current.is_none_or(|current| current == self.place.slot);
                self.open_own(&own, should_be).await
            }
            Candidate::CopyOf(other) => {
                let (store, volatile) = self
                    .adopt(&self.place.store(other), true, "the other slot's store")
                    .await?;
                self.forget_record();
                self.opened(RecoveryState::None, store, volatile).await
            }
            Candidate::LastKnownGood { of, but } => self.open_good(of, but, before).await,
            Candidate::New => {
                self.set_aside(&own)?;
                self.forget_record();
                match Store::open(&own).await {
                    Ok(store) => self.opened(RecoveryState::None, store, false).await,
                    Err(error) => {
                        self.note("the new store", &error);
                        None
                    }
                }
            }
            Candidate::Lockdown => self.open_lockdown(&own).await,
        }
    }

    /// `should_be`: the store in use is this one, and not the other slot's, which was of no use.
    async fn open_own(&mut self, own: &Path, should_be: bool) -> Option<Opened> {
        match Store::open_existing(own).await {
            Ok(store) => match self.behind_a_copy(&store, own).await {
                None => {
                    let state = if should_be || self.recorded.state != RecoveryState::None {
                        RecoveryState::None
                    } else {
                        RecoveryState::LastKnownGood
                    };
                    self.opened(state, store, false).await
                }
                Some(reason) => {
                    store.close().await;
                    tracing::error!(reason, "a store is of no use");
                    self.reasons.push(reason);
                    self.set_aside(own);
                    None
                }
            },
            Err(error) if error.condemns() => {
                self.note("the store", &error);
                self.set_aside(own);
                None
            }
            Err(error) => {
                self.note("the store", &error);
                let volatile = self.place.volatile();
                let store = self.open_volatile(own, &volatile).await?;
                self.opened(RecoveryState::LastKnownGood, store, true).await
            }
        }
    }

    /// A copy of it has a later revision, so that it lost some.
    async fn behind_a_copy(&self, store: &Store, own: &Path) -> Option<String> {
        let (identity, revision) = (store.identity().await.ok()?, store.revision().await.ok()?);
        let newest = Good::all(own).ok()?.into_iter().next()?;
        let behind = newest.identity == identity && newest.revision > revision;
        (behind && newest.is_sound().ok()?).then(|| {
            format!(
                "the store is at revision {} though revision {} was in force",
                revision.0, newest.revision.0
            )
        })
    }

    async fn open_good(&mut self, of: Slot, but: Option<Revision>, before: StartsBefore) -> Option<Opened> {
        let store_of = self.place.store(of);
        let all = match Good::all(&store_of) {
            Ok(all) => all,
            Err(error) => {
                self.note("the last-known-good copies", &error);
                return None;
            }
        };
        let (passed_over, all): (Vec<Good>, Vec<Good>) =
            all.into_iter().partition(|good| Some(good.revision) == but);
        for good in all {
            match good.is_sound() {
                Ok(true) => {}
                Ok(false) => {
                    self.reasons.push(format!(
                        "the last-known-good copy of revision {} is damaged",
                        good.revision.0
                    ));
                    continue;
                }
                Err(error) => {
                    self.note("a last-known-good copy", &error);
                    continue;
                }
            }
            let early = before != StartsBefore::Well && but.is_some();
            if early {
                // Or the next start would find the store behind it.
                for good in &passed_over {
                    if let Err(error) = files::remove(&good.path) {
                        self.note("a last-known-good copy", &error);
                    }
                }
            }
            if let Some((store, volatile)) = self.adopt(&good.path, false, "a last-known-good copy").await {
                let mut opened = self.opened(RecoveryState::LastKnownGood, store, volatile).await?;
                opened.because_of_early_ends = early;
                return Some(opened);
            }
        }
        None
    }

    async fn open_lockdown(&mut self, own: &Path) -> Option<Opened> {
        let early = self.reasons.iter().any(|reason| reason.contains("ended early"));
        if self.set_aside(own).is_some() {
            // The record comes first: a power cut after it leads here again.
            self.write_record(&self.recovery_at(RecoveryState::Lockdown, Revision::default(), false));
            match Store::open(own).await {
                Ok(store) => {
                    let mut opened = self.opened(RecoveryState::Lockdown, store, false).await?;
                    opened.because_of_early_ends = early;
                    return Some(opened);
                }
                Err(error) => self.note("a new store", &error),
            }
        }
        let volatile = self.place.volatile();
        self.make_volatile(&volatile)?;
        match Store::open(&volatile).await {
            Ok(store) => self.opened(RecoveryState::Lockdown, store, true).await,
            Err(error) => {
                self.note("a store in memory", &error);
                None
            }
        }
    }

    /// Makes a copy of a store the slot's own. Where the slot's directory takes no file, it is in memory instead.
    async fn adopt(&mut self, from: &Path, is_in_use: bool, what: &str) -> Option<(Store, bool)> {
        let own = self.own();
        let incoming = files::beside(&own, ".incoming");
        let copied = files::copy_store(from, &incoming);
        if let Err(error) = copied {
            self.note(what, &error);
            drop(files::clear_store(&incoming));
            let volatile = self.place.volatile();
            return Some((self.open_volatile(from, &volatile).await?, true));
        }
        let checked = Store::open_existing(&incoming).await;
        let store = match checked {
            Ok(store) => store,
            Err(error) => {
                self.note(what, &error);
                if let Err(error) = files::clear_store(&incoming) {
                    self.note(what, &error);
                }
                if error.condemns() {
                    return None;
                }
                let volatile = self.place.volatile();
                return Some((self.open_volatile(from, &volatile).await?, true));
            }
        };
        let (identity, revision) = (store.identity().await.ok()?, store.revision().await.ok()?);
        store.close().await;
        let installed = if is_in_use {
            let copied = Copied {
                identity,
                revision: revision.0,
            };
            record::write_copied(&self.place.copied(), copied)
                .and_then(|()| files::install_store(&incoming, &own))
        } else {
            self.write_record(&self.recovery_at(RecoveryState::LastKnownGood, revision, false));
            self.set_aside(&own)?;
            files::install_store(&incoming, &own)
        };
        if let Err(error) = installed {
            self.note(what, &error);
            return None;
        }
        match Store::open_existing(&own).await {
            Ok(store) => Some((store, false)),
            Err(error) => {
                self.note(what, &error);
                None
            }
        }
    }

    async fn open_volatile(&mut self, from: &Path, to: &Path) -> Option<Store> {
        self.make_volatile(to)?;
        if let Err(error) = files::copy_store(from, to) {
            self.note("a copy in memory", &error);
            return None;
        }
        match Store::open_existing(to).await {
            Ok(store) => Some(store),
            Err(error) => {
                self.note("a copy in memory", &error);
                drop(files::clear_store(to));
                None
            }
        }
    }

    fn make_volatile(&mut self, path: &Path) -> Option<()> {
        let made = path.parent().map_or(Ok(()), files::make_directory);
        match made.and_then(|()| files::clear_store(path)) {
            Ok(()) => Some(()),
            Err(error) => {
                self.note("the run directory", &error);
                None
            }
        }
    }

    /// None: it is still there.
    fn set_aside(&mut self, path: &Path) -> Option<()> {
        if !path.exists() && !files::beside(path, "-wal").exists() {
            return Some(());
        }
        match files::set_aside(path, self.now) {
            Ok(()) => Some(()),
            Err(error) => {
                self.note("the store cannot be set aside", &error);
                (!path.exists()).then_some(())
            }
        }
    }

    async fn opened(&mut self, state: RecoveryState, store: Store, volatile: bool) -> Option<Opened> {
        let recovery = if state == RecoveryState::None && !volatile {
            // Going on with what an earlier start had to begin with.
            self.recorded.clone()
        } else {
            let recovery = self.recovery(state, &store, volatile).await;
            if !volatile {
                self.write_record(&recovery);
            }
            recovery
        };
        Some(Opened {
            store,
            recovery,
            because_of_early_ends: false,
        })
    }

    async fn recovery(&self, state: RecoveryState, store: &Store, volatile: bool) -> Recovery {
        let revision = store.revision().await.unwrap_or_default();
        self.recovery_at(state, revision, volatile)
    }

    fn recovery_at(&self, state: RecoveryState, revision: Revision, volatile: bool) -> Recovery {
        Recovery {
            state: match state {
                RecoveryState::None => RecoveryState::LastKnownGood,
                other => other,
            },
            reason: self.reasons.join("; "),
            revision: Some(revision),
            since: Some(self.now),
            // The slot's own store, only somewhere else.
            lost_after_revision: (!volatile).then_some(revision),
            volatile,
        }
    }

    /// What was known was of another store.
    fn forget_record(&mut self) {
        self.recorded = Recovery::default();
        self.write_record(&Recovery::default());
    }

    fn write_record(&self, recovery: &Recovery) {
        if let Err(error) = record::write_recovery(&self.place.record(), recovery) {
            tracing::error!(%error, "a restart will not know of the recovery");
        }
    }
}
