//! What the agent tells, as the API shows it. Everything is named, so that nothing new is forgotten.

use std::path::Path;

use ravelin_api_types as api;
use ravelin_api_types::{Recovery, Timestamp};
use ravelin_system::journal::JournalEntry;
use ravelin_system::status::{Clock, Disk, Memory, SlotStatus, Status, Temperature, Trial};
use ravelin_system::update::{Update, UpdateOptions, UpdateSource, UpdateState};
use ravelin_system::{Slot, StateCondition, readings};

/// Version of this engine.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An appliance.
pub(crate) fn system(status: Status, recovery: Recovery) -> api::System {
    let Status {
        version,
        built_at,
        slots,
        booted,
        trial,
        state,
        state_disk,
        temperatures,
        load,
        memory,
        uptime_seconds,
        boot_id,
        clock,
        first_boot,
    } = status;
    api::System {
        appliance: booted.is_some(),
        version: VERSION.to_owned(),
        image_version: version,
        built_at: built_at.map(Timestamp),
        slots: slots.into_iter().map(slot_status).collect(),
        booted_slot: booted.map(slot),
        trial: trial.map(
            |Trial {
                 slot: name,
                 left_seconds,
                 waiting_for,
             }| api::SystemTrial {
                slot: slot(name),
                left_seconds,
                waiting_for,
            },
        ),
        state_partition: state.map(|state| match state {
            StateCondition::Ok => api::StateCondition::Ok,
            StateCondition::Repaired => api::StateCondition::Repaired,
            StateCondition::Lost => api::StateCondition::Lost,
        }),
        state_disk: state_disk.map(
            |Disk {
                 size_bytes,
                 used_bytes,
                 free_bytes,
             }| api::SystemDisk {
                size_bytes,
                used_bytes,
                free_bytes,
            },
        ),
        temperatures: temperatures.into_iter().map(temperature).collect(),
        load: load.map(Into::into),
        memory: memory.map(shown_memory),
        uptime_seconds,
        boot_id,
        clock: shown_clock(clock),
        first_boot,
        recovery,
    }
}

/// What the engine can tell by itself where there is no agent.
pub(crate) fn without_agent(recovery: Recovery) -> api::System {
    let (proc, sys) = (Path::new("/proc"), Path::new("/sys"));
    api::System {
        appliance: false,
        version: VERSION.to_owned(),
        image_version: None,
        built_at: None,
        slots: Vec::new(),
        booted_slot: None,
        trial: None,
        state_partition: None,
        state_disk: None,
        temperatures: readings::temperatures(sys).into_iter().map(temperature).collect(),
        load: readings::load(proc).map(Into::into),
        memory: readings::memory(proc).map(shown_memory),
        uptime_seconds: readings::uptime_seconds(proc),
        boot_id: readings::boot_id(proc),
        clock: shown_clock(readings::clock()),
        first_boot: false,
        recovery,
    }
}

fn slot_status(status: SlotStatus) -> api::SystemSlot {
    let SlotStatus {
        slot: name,
        version,
        installed_at,
        booted,
        good,
        next,
        bad,
    } = status;
    api::SystemSlot {
        name: slot(name),
        version,
        installed_at: installed_at.map(Timestamp),
        booted,
        good,
        next,
        bad,
    }
}

fn temperature(sensor: Temperature) -> api::SystemTemperature {
    let Temperature {
        sensor,
        label,
        celsius,
    } = sensor;
    api::SystemTemperature {
        sensor,
        label,
        celsius,
    }
}

fn shown_memory(memory: Memory) -> api::SystemMemory {
    let Memory {
        total_bytes,
        available_bytes,
    } = memory;
    api::SystemMemory {
        total_bytes,
        available_bytes,
    }
}

fn shown_clock(clock: Clock) -> api::SystemClock {
    let Clock {
        now,
        synchronised,
        maximum_error_seconds,
    } = clock;
    api::SystemClock {
        now: Timestamp(now),
        synchronised,
        maximum_error_seconds,
    }
}

fn slot(slot: Slot) -> api::SlotName {
    match slot {
        Slot::A => api::SlotName::A,
        Slot::B => api::SlotName::B,
    }
}

/// An update.
pub(crate) fn update(update: Update) -> api::SystemUpdate {
    let Update {
        id,
        state,
        source,
        options,
        created_at,
        changed_at,
        from_version,
        version,
        slot: written,
        received_bytes,
        total_bytes,
        written_percent,
        problem,
        reason,
    } = update;
    let UpdateOptions {
        sha256: _,
        allow_downgrade,
        reboot,
    } = options;
    let (source, url) = match source {
        UpdateSource::Upload => (api::UpdateSource::Upload, None),
        UpdateSource::Url(url) => (api::UpdateSource::Url, Some(url)),
        UpdateSource::Slot => (api::UpdateSource::Slot, None),
    };
    api::SystemUpdate {
        id,
        state: update_state(state),
        source,
        url,
        allow_downgrade,
        reboot,
        created_at: Timestamp(created_at),
        changed_at: Timestamp(changed_at),
        from_version,
        version,
        slot: written.map(slot),
        received_bytes,
        total_bytes,
        written_percent,
        problem: problem.map(super::update_problem),
        reason,
    }
}

fn update_state(state: UpdateState) -> api::UpdateState {
    match state {
        UpdateState::Receiving => api::UpdateState::Receiving,
        UpdateState::Verifying => api::UpdateState::Verifying,
        UpdateState::Writing => api::UpdateState::Writing,
        UpdateState::ReadyToBoot => api::UpdateState::ReadyToBoot,
        UpdateState::OnTrial => api::UpdateState::OnTrial,
        UpdateState::Good => api::UpdateState::Good,
        UpdateState::Failed => api::UpdateState::Failed,
        UpdateState::RolledBack => api::UpdateState::RolledBack,
    }
}

/// An entry of the journal.
pub(crate) fn log_entry(entry: JournalEntry) -> api::LogEntry {
    let JournalEntry {
        cursor: _,
        at,
        unit,
        identifier,
        pid,
        priority,
        boot_id,
        message,
    } = entry;
    api::LogEntry {
        at: Timestamp(at),
        unit,
        identifier,
        pid,
        priority,
        boot_id,
        message,
    }
}
