//! What the agent tells of the machine: `GET /status`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::boot_environment::StateCondition;
use crate::slot::Slot;

/// The machine as it is now. What cannot be read is missing, never guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Version of the image that runs.
    pub version: Option<String>,
    /// When the image was built.
    #[serde(with = "time::serde::rfc3339::option")]
    pub built_at: Option<OffsetDateTime>,
    /// Both slots; none where the machine has none.
    pub slots: Vec<SlotStatus>,
    /// The slot that runs.
    pub booted: Option<Slot>,
    /// The slot on trial, while it is.
    pub trial: Option<Trial>,
    /// How the state partition came up.
    pub state: Option<StateCondition>,
    /// Room on the state partition.
    pub state_disk: Option<Disk>,
    /// Sensors in the order of the kernel.
    pub temperatures: Vec<Temperature>,
    /// Processes that run or wait to, on average over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Memory of the machine.
    pub memory: Option<Memory>,
    /// Since the kernel runs.
    pub uptime_seconds: Option<f64>,
    /// Another one at each boot.
    pub boot_id: Option<String>,
    /// The clock.
    pub clock: Clock,
    /// Nothing was ever configured.
    pub first_boot: bool,
}

/// One of the two systems on the disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotStatus {
    /// Its name.
    pub slot: Slot,
    /// Version of what is in it; None where nobody noted it.
    pub version: Option<String>,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339::option")]
    pub installed_at: Option<OffsetDateTime>,
    /// It runs.
    pub booted: bool,
    /// The boot loader takes it as long as nothing else is asked for.
    pub good: bool,
    /// The boot loader takes it the next time.
    pub next: bool,
    /// What is in it is not whole.
    pub bad: bool,
}

/// A slot that has to show that it works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The slot.
    pub slot: Slot,
    /// Time left until the machine restarts into the other.
    pub left_seconds: u64,
    /// What is missing yet; None: everything is there and has to stay so for some seconds.
    pub waiting_for: Option<String>,
}

/// Room of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// All of it.
    pub size_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// Free for root.
    pub free_bytes: u64,
}

/// One sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// Its chip or zone.
    pub sensor: String,
    /// What it measures, as its driver says.
    pub label: Option<String>,
    /// What it says.
    pub celsius: f64,
}

/// Memory of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What a new program could have.
    pub available_bytes: u64,
}

/// The clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// What it says.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The kernel follows a time server.
    pub synchronised: bool,
    /// How wrong it may be, as the kernel reckons; None where it follows no server.
    pub maximum_error_seconds: Option<f64>,
}
