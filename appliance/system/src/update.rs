//! Updates: what is asked for and how far it is.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::refusal::Refusal;
use crate::slot::Slot;

/// What else is wanted of an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateOptions {
    /// SHA-256 the bundle has to have, in lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// Takes a version that is not newer than the one that runs.
    pub allow_downgrade: bool,
    /// Restarts the machine into the new slot once it is written.
    pub reboot: bool,
}

/// An update the agent fetches by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRequest {
    /// Where the bundle is: http or https.
    pub url: String,
    /// What else is wanted.
    #[serde(default)]
    pub options: UpdateOptions,
}

/// How far an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// The bundle comes in.
    Receiving,
    /// Signature, compatibility and version are looked at.
    Verifying,
    /// The slot that does not run is written.
    Writing,
    /// The new slot boots with the next restart.
    ReadyToBoot,
    /// The new slot runs and has yet to show that it works.
    OnTrial,
    /// The new slot works and is the one that boots from now on.
    Good,
    /// Nothing came of it; what ran runs.
    Failed,
    /// The new slot did not show that it works; the old one runs again.
    RolledBack,
}

impl UpdateState {
    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Good | Self::Failed | Self::RolledBack)
    }

    /// Whether the agent works on it now.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Receiving | Self::Verifying | Self::Writing)
    }
}

/// Where the bundle comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum UpdateSource {
    /// Sent with the request.
    Upload,
    /// Fetched from there; without user name and password.
    Url(String),
    /// None: what is in the slot is booted again.
    Slot,
}

/// An update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Its name.
    pub id: String,
    /// How far it is.
    pub state: UpdateState,
    /// Where the bundle comes from.
    pub source: UpdateSource,
    /// What else is wanted.
    pub options: UpdateOptions,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its state changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
    /// Version that ran when it was asked for.
    pub from_version: Option<String>,
    /// Version of the bundle, once that is known.
    pub version: Option<String>,
    /// The slot it is written to, once that is known.
    pub slot: Option<Slot>,
    /// Of the bundle, as far as it has come in.
    pub received_bytes: u64,
    /// Of the bundle, where that is known.
    pub total_bytes: Option<u64>,
    /// How far RAUC is with writing.
    pub written_percent: Option<u8>,
    /// Why nothing came of it.
    pub problem: Option<Refusal>,
    /// Why the new slot did not stay.
    pub reason: Option<String>,
}

/// Which slot to boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BootRequest {
    /// Boots a version that is not newer than the one that runs.
    pub allow_downgrade: bool,
    /// Restarts the machine at once.
    pub reboot: bool,
}
