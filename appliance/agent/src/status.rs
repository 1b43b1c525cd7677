//! `GET /status`.

use std::path::Path;

use ravelin_system::status::SlotStatus;
use ravelin_system::{Slot, Status, readings};

use crate::state::AgentState;

/// What the first policy removes.
const FIRST_BOOT: &str = "first-boot";

/// The machine as it is now. Reads files: for a thread of its own.
pub fn status(state: &AgentState) -> Status {
    let config = state.config();
    let (proc, sys) = (Path::new("/proc"), Path::new("/sys"));
    let boot = state.boot();
    Status {
        version: state.version().map(str::to_owned),
        built_at: readings::built_at(&config.clock_epoch),
        slots: slots(state),
        booted: boot.and_then(|boot| boot.slot),
        trial: state.trial(),
        state: boot.and_then(|boot| boot.state),
        state_disk: readings::disk(&config.state_mount),
        temperatures: readings::temperatures(sys),
        load: readings::load(proc),
        memory: readings::memory(proc),
        uptime_seconds: readings::uptime_seconds(proc),
        boot_id: readings::boot_id(proc),
        clock: readings::clock(),
        first_boot: config.state_mount.join(FIRST_BOOT).exists(),
    }
}

fn slots(state: &AgentState) -> Vec<SlotStatus> {
    let Ok(booted) = state.booted() else {
        return Vec::new();
    };
    let choice = state
        .loader()
        .read()
        .inspect_err(|error| {
            tracing::warn!(
                error = ravelin_model::chain(error),
                "the boot loader does not say"
            )
        })
        .ok();
    let mut records = state.records().read();
    let describe = |slot: Slot| {
        let record = records.remove(&slot);
        let (version, installed_at) =
            record.map_or((None, None), |record| (record.version, record.installed_at));
        SlotStatus {
            slot,
            version,
            installed_at,
            booted: slot == booted,
            good: choice.is_some_and(|choice| choice.good == slot),
            next: choice.is_some_and(|choice| choice.trial.unwrap_or(choice.good) == slot),
            bad: choice.is_some_and(|choice| choice.bad == Some(slot)),
        }
    };
    Slot::ALL.into_iter().map(describe).collect()
}
