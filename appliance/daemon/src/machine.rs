//! The machine below the engine: its agent, and whether the slot that runs is on trial.

use std::path::Path;

use ravelin_api_server::{Machine, follow_trial, follow_updates};
use ravelin_control::ControlHandle;
use ravelin_model::{RecoveryState, chain};
use ravelin_system::boot_environment::BootEnvironment;
use ravelin_system::{Agent, Slot};
use tokio::sync::watch;

use crate::config::Config;
use crate::recovery;
use crate::supervise::Supervisor;

/// What the initrd tells of this boot.
const BOOT_ENVIRONMENT: &str = "/run/ravelin-boot/env";

/// The way to the machine, with the tasks that follow it.
pub fn follow(
    config: &Config,
    slot: Option<Slot>,
    control: &ControlHandle,
    supervisor: &mut Supervisor,
) -> Machine {
    let agent = Agent::new(&config.network.agent_socket);
    let (told, on_trial) = watch::channel(slot.is_some() && is_trial(Path::new(BOOT_ENVIRONMENT)));
    if let Some(slot) = slot {
        let (control, state_dir) = (control.clone(), config.state_dir.clone());
        let good = move || slot_is_good(slot, &state_dir, &control);
        supervisor.spawn("trial", follow_trial(agent.clone(), told, good));
    }
    supervisor.spawn("updates", follow_updates(agent.clone(), control.clone()));
    Machine { agent, on_trial }
}

/// The store of the slot is the one in use from now on, if it is what the engine goes by. What cannot be noted now is at
/// the next start: until then the other slot's store is copied again, unless something was set here.
fn slot_is_good(slot: Slot, state_dir: &Path, control: &ControlHandle) {
    if control.recovery().state != RecoveryState::None {
        return;
    }
    match recovery::make_current(state_dir, slot) {
        Ok(()) => tracing::info!(%slot, "the store of this slot is the one in use"),
        Err(error) => tracing::error!(%error, "which slot is in use cannot be noted"),
    }
}

/// Whether this boot tries the slot. Where nobody says, it does: the agent knows, and is asked.
fn is_trial(path: &Path) -> bool {
    match BootEnvironment::read(path) {
        Ok(Some(boot)) => boot.trial,
        Ok(None) => false,
        Err(error) => {
            tracing::error!(error = chain(&error), "what the initrd told cannot be read");
            true
        }
    }
}
