//! What the initrd tells of this boot: `/run/ravelin-boot/env`, lines of `NAME=value`.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::slot::Slot;

/// How the state partition came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateCondition {
    /// As it was left.
    Ok,
    /// The file system had to be repaired; something may be missing.
    Repaired,
    /// It could not be mounted: what is there now is in memory and gone at the next boot.
    Lost,
}

/// What the initrd found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootEnvironment {
    /// The slot that was booted; None where there are none, e.g. in a container.
    pub slot: Option<Slot>,
    /// This boot tries the slot.
    pub trial: bool,
    /// The state partition; None where nobody says.
    pub state: Option<StateCondition>,
}

impl BootEnvironment {
    /// Reads the file; without one this is no appliance.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Self::parse(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads its lines. Others than ours are left alone.
    pub fn parse(text: &str) -> Self {
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find_map(|(found, value)| (found == name).then(|| value.trim().trim_matches('"')))
        };
        Self {
            slot: value("RAVELIN_SLOT").and_then(|slot| slot.parse().ok()),
            trial: value("RAVELIN_TRIAL") == Some("1"),
            state: match value("RAVELIN_STATE") {
                Some("ok") => Some(StateCondition::Ok),
                Some("repaired") => Some(StateCondition::Repaired),
                // Something else was wrong with it, too.
                Some(_) => Some(StateCondition::Lost),
                None => None,
            },
        }
    }
}
