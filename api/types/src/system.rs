//! The machine the engine runs on.

mod logs;
mod update;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, Node, Recovery, Timestamp};

pub use logs::LogEntry;
pub use update::{SlotBoot, SystemUpdate, UpdateFetch, UpdateProblem, UpdateSource, UpdateState};

/// One of the two systems on the disk of an appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotName {
    /// The first.
    A,
    /// The second.
    B,
}

/// How the partition with everything that is set came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateCondition {
    /// As it was left.
    Ok,
    /// Its file system had to be repaired; something may be missing.
    Repaired,
    /// It could not be mounted: what is set now is gone at the next restart.
    Lost,
}

/// The machine as it is now. What cannot be read is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct System {
    /// Whether this is an appliance, with slots and updates; false in a container or a lab.
    pub appliance: bool,
    /// Version of the engine.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Version of the image that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0.1.0")]
    pub image_version: Option<String>,
    /// When the image was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub built_at: Option<Timestamp>,
    /// Both slots; none where the machine has none.
    pub slots: Vec<SystemSlot>,
    /// The slot that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub booted_slot: Option<SlotName>,
    /// The slot that has to show that it works, while it has. Changes of the configuration are refused meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trial: Option<SystemTrial>,
    /// How the partition with everything that is set came up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state_partition: Option<StateCondition>,
    /// Room on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state_disk: Option<SystemDisk>,
    /// Sensors in the order of the kernel; none where it has none.
    pub temperatures: Vec<SystemTemperature>,
    /// Processes that run or wait to, on average over 1, 5 and 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub load: Option<Vec<f64>>,
    /// Memory of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub memory: Option<SystemMemory>,
    /// Since the kernel runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uptime_seconds: Option<f64>,
    /// Another one at each boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub boot_id: Option<String>,
    /// The clock.
    pub clock: SystemClock,
    /// Nothing was ever set.
    pub first_boot: bool,
    /// What the engine goes by where its store was of no use.
    pub recovery: Recovery,
}

/// One of the two systems on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemSlot {
    /// Its name.
    pub name: SlotName,
    /// Version of what is in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0.1.0")]
    pub version: Option<String>,
    /// When it was written; missing for what the machine was installed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub installed_at: Option<Timestamp>,
    /// It runs.
    pub booted: bool,
    /// It has shown that it works, and is the one that boots.
    pub good: bool,
    /// It boots the next time.
    pub next: bool,
    /// What is in it is not whole.
    pub bad: bool,
}

/// A slot that has to show that it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemTrial {
    /// The slot.
    pub slot: SlotName,
    /// Time left until the machine restarts into the other.
    pub left_seconds: u64,
    /// What is missing yet; without it, everything is there and has to stay so for some seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "the engine is not ready: the engine is starting")]
    pub waiting_for: Option<String>,
}

/// Room of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemDisk {
    /// All of it.
    pub size_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// Free.
    pub free_bytes: u64,
}

/// One sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemTemperature {
    /// Its chip or zone.
    #[schema(example = "coretemp")]
    pub sensor: String,
    /// What it measures, as its driver says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Package id 0")]
    pub label: Option<String>,
    /// What it says.
    pub celsius: f64,
}

/// Memory of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemMemory {
    /// All of it.
    pub total_bytes: u64,
    /// What a new program could have.
    pub available_bytes: u64,
}

/// The clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemClock {
    /// What it says.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// The kernel follows a time server.
    pub synchronised: bool,
    /// How wrong it may be, as the kernel reckons; missing where it follows no server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maximum_error_seconds: Option<f64>,
}

/// What a factory reset needs to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FactoryReset {
    /// Exactly `erase everything`.
    #[schema(example = "erase everything")]
    pub confirm: String,
}

impl FactoryReset {
    /// What it has to say.
    pub const CONFIRMATION: &'static str = "erase everything";
}

impl FromJson for FactoryReset {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let confirm = fields.required_with("confirm", errors, |node, errors| {
            let text = node.string(errors)?;
            let said = text == Self::CONFIRMATION;
            if !said {
                errors.add(&node, "invalid", format!("is not \"{}\"", Self::CONFIRMATION));
            }
            said.then(|| text.to_owned())
        });
        fields.finish(errors);
        Some(Self { confirm: confirm? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BadBody, parse};

    /// Body, and the pointers of what is wrong with it.
    #[track_caller]
    fn check<T: FromJson>(body: &str, expected: &[&str]) {
        let pointers: Vec<String> = match parse::<T>(body.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(BadBody::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
            Err(BadBody::Malformed(detail)) => panic!("{body}: {detail}"),
        };
        assert_eq!(pointers, expected, "{body}");
    }

    #[test]
    fn a_reset_has_to_be_meant() {
        check::<FactoryReset>(r#"{"confirm": "erase everything"}"#, &[]);
        check::<FactoryReset>(r#"{"confirm": "Erase everything"}"#, &["/confirm"]);
        check::<FactoryReset>(r#"{"confirm": true}"#, &["/confirm"]);
        check::<FactoryReset>(r"{}", &["/confirm"]);
        check::<FactoryReset>(r#"{"confirm": "erase everything", "now": true}"#, &["/now"]);
    }

    #[test]
    fn a_fetch_names_a_url_and_options() {
        let digest = "ab".repeat(32);
        check::<UpdateFetch>(r#"{"url": "https://updates.example/2.raucb"}"#, &[]);
        let all = format!(
            r#"{{"url": "http://h/x", "sha256": "{digest}", "allow_downgrade": true, "reboot": true}}"#
        );
        check::<UpdateFetch>(&all, &[]);
        check::<UpdateFetch>(
            r#"{"sha256": "AB", "reboot": 1, "force": true}"#,
            &["/url", "/sha256", "/reboot", "/force"],
        );
        check::<UpdateFetch>(r#"{"url": "ftp://h/x"}"#, &["/url"]);
        check::<UpdateFetch>(r#"{"url": "https://user:secret@h/x"}"#, &["/url"]);
        check::<SlotBoot>(r"{}", &[]);
        check::<SlotBoot>(r#"{"allow_downgrade": "yes"}"#, &["/allow_downgrade"]);
    }
}
