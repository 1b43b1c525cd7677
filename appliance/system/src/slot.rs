//! The two halves of an appliance.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One of the two systems on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The first, which a fresh image boots.
    A,
    /// The second, empty in a fresh image.
    B,
}

/// A name that no slot has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no slot: there are a and b")]
pub struct NoSuchSlot(String);

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Its name: of boot loader, partitions and stores.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Slot {
    type Err = NoSuchSlot;

    fn from_str(name: &str) -> Result<Self, NoSuchSlot> {
        Self::ALL
            .into_iter()
            .find(|slot| slot.name() == name)
            .ok_or_else(|| NoSuchSlot(name.to_owned()))
    }
}
