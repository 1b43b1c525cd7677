//! Coming up whatever the store, the starts before or the machine are like: which store is gone by, what is kept for
//! the day it is of no use, and the policy to begin with.

mod cards;
mod choice;
mod files;
mod first_policy;
mod good;
mod keeper;
mod open;
mod policy;
#[cfg(test)]
mod power;
mod record;
mod starts;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use ravelin_control::ControlHandle;
use ravelin_model::{Recovery, RecoveryState, chain};
use ravelin_store::{Store, StoreError};
use ravelin_system::Slot;
use time::OffsetDateTime;

use self::choice::StartsBefore;
use self::open::{Opened, Place};
use self::policy::{Beginning, Due};
use self::starts::Starts;
use crate::config::Config;

pub use self::keeper::keep;
pub use self::open::make_current;

/// Another text at each boot of the machine (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A start of the engine of an appliance.
#[derive(Debug)]
pub struct Start {
    place: Place,
    starts: Starts,
    beginning: Beginning,
    recovery: Recovery,
    began: Instant,
}

impl Start {
    /// Opens the store of a slot, or what comes closest to it.
    pub async fn open(config: &Config, slot: Slot) -> Result<(Self, Store), StoreError> {
        let began = Instant::now();
        let path = |path: &PathBuf| (!path.as_os_str().is_empty()).then(|| path.clone());
        let place = Place {
            slot,
            state_dir: config.state_dir.clone(),
            run_dir: config.run_dir.clone(),
            first_boot_marker: path(&config.first_boot_marker),
        };
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned();
        if let Err(error) = files::make_directory(&config.state_dir.join(slot.name())) {
            tracing::error!(%error, "the directory of the slot cannot be made");
        }
        let mut starts = Starts::begin(config.run_dir.join("starts.json"), place.starts(), boot, slot);
        let before = starts.before();
        if before != StartsBefore::Well {
            tracing::error!(count = starts.count(), "the engine ended early again and again");
        }
        let Opened {
            store,
            recovery,
            because_of_early_ends,
        } = open::open(&place, before, OffsetDateTime::now_utc()).await?;
        let revision = store.revision().await?;
        starts.goes_by(revision, because_of_early_ends);
        if !recovery.volatile
            && let Err(error) = open::settle_current(&place)
        {
            tracing::warn!(%error, "which slot is in use cannot be noted");
        }
        match recovery.state {
            RecoveryState::None => {}
            RecoveryState::LastKnownGood | RecoveryState::Lockdown => tracing::error!(
                state = recovery.state.name(),
                revision = revision.0,
                reason = recovery.reason,
                "the engine goes by another store than it should"
            ),
        }
        let due = if recovery.state == RecoveryState::Lockdown && revision.0 == 0 {
            Due::Lockdown
        } else if place.is_first_boot() {
            Due::First
        } else {
            Due::Nothing
        };
        let beginning = Beginning {
            due,
            marker: place.first_boot_marker.clone(),
            devices: config.network_devices.clone(),
            document: path(&config.first_config),
        };
        let start = Self {
            place,
            starts,
            beginning,
            recovery,
            began,
        };
        Ok((start, store))
    }

    /// Told to stop before it was at work.
    pub fn ends_well(&mut self) {
        self.starts.is_well();
    }

    /// Once control has started: tells it what it goes by, and commits the policy to begin with, if one is due.
    pub async fn begin(&mut self, control: &ControlHandle) {
        self.beginning.commit(control).await;
        self.recovery.revision = self.recovery.revision.map(|found| found.max(control.revision()));
        control.begin_recovery(self.recovery.clone());
        if self.recovery.state != RecoveryState::None
            && !self.recovery.volatile
            && let Err(error) = record::write_recovery(&self.place.record(), &self.recovery)
        {
            tracing::error!(error = chain(&error), "a restart will not know of the recovery");
        }
    }
}
