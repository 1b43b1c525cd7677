//! What requests share.

use std::sync::{Arc, Mutex, PoisonError};

use ravelin_system::boot_choice::BootLoader;
use ravelin_system::boot_environment::BootEnvironment;
use ravelin_system::network_services::NetworkServices;
use ravelin_system::readings::os_release;
use ravelin_system::status::Trial;
use ravelin_system::{Refusal, RefusalCode, Slot};

use crate::config::Config;
use crate::slot_records::SlotRecords;
use crate::updates::Updates;

/// What requests share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AgentState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    boot: Option<BootEnvironment>,
    version: Option<String>,
    loader: BootLoader,
    records: SlotRecords,
    updates: Updates,
    trial: Mutex<Option<Trial>>,
    network_services: Mutex<NetworkServices>,
}

impl AgentState {
    /// What is known at the start.
    pub fn new(config: Config, boot: Option<BootEnvironment>) -> Self {
        let version = std::fs::read_to_string(&config.os_release)
            .ok()
            .and_then(|text| os_release(&text, "IMAGE_VERSION"));
        Self(Arc::new(Shared {
            loader: config.boot_loader(),
            records: SlotRecords::new(&config.state_dir),
            updates: Updates::open(&config.state_dir),
            trial: Mutex::default(),
            boot,
            version,
            network_services: Mutex::default(),
            config,
        }))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// What the initrd told; None on what is no appliance.
    pub fn boot(&self) -> Option<BootEnvironment> {
        self.0.boot
    }

    /// Version of the image that runs.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// The boot loader.
    pub fn loader(&self) -> &BootLoader {
        &self.0.loader
    }

    /// What was noted of the slots.
    pub fn records(&self) -> &SlotRecords {
        &self.0.records
    }

    /// The slot that runs, or why there is none.
    pub fn booted(&self) -> Result<Slot, Refusal> {
        self.boot()
            .and_then(|boot| boot.slot)
            .ok_or_else(|| Refusal::new(RefusalCode::NotAnAppliance, "this machine has no slots"))
    }

    /// The slot on trial, while it is.
    pub fn trial(&self) -> Option<Trial> {
        let held = self.0.trial.lock();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how the slot on trial does.
    pub fn set_trial(&self, trial: Option<Trial>) {
        *self.0.trial.lock().unwrap_or_else(PoisonError::into_inner) = trial;
    }

    /// The records of updates.
    pub fn updates(&self) -> &Updates {
        &self.0.updates
    }

    /// What daemons of others were last asked to do.
    pub fn network_services(&self) -> NetworkServices {
        let held = self.0.network_services.lock();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what they are asked to do.
    pub fn set_network_services(&self, services: NetworkServices) {
        let held = self.0.network_services.lock();
        *held.unwrap_or_else(PoisonError::into_inner) = services;
    }
}
