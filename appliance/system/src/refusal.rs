//! What the agent answers where it does not do what it is asked for.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The request itself is no good.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// This machine has no slots, or no boot loader of ours.
    NotAnAppliance,
    /// The machine or the agent restarted in the middle of it.
    UpdateInterrupted,
    /// Another update came before this one was booted.
    UpdateReplaced,
    /// An update is under way, or waits for the restart into it.
    UpdateUnderWay,
    /// The slot that runs has yet to show that it works.
    OnTrial,
    /// No bundle at all.
    UpdateNotABundle,
    /// The bundle ends before its end.
    UpdateTruncated,
    /// The bundle has no signature.
    UpdateUnsigned,
    /// The signature is none of those that are trusted.
    UpdateUntrusted,
    /// The bundle is for something else.
    UpdateIncompatible,
    /// The bundle is not newer than what runs, and nobody said that this is wanted.
    UpdateNotNewer,
    /// What came has another checksum than what was asked for.
    UpdateChecksum,
    /// The bundle is larger than what is taken.
    UpdateTooLarge,
    /// The state partition has no room for the bundle.
    NoRoom,
    /// The bundle could not be fetched.
    UpdateFetch,
    /// The bundle could not be written to the slot.
    UpdateWrite,
    /// The slot is empty or was not written to its end.
    SlotNotWhole,
    /// The slot is the one that runs.
    SlotRuns,
    /// Something that must work did not.
    Internal,
}

/// Why not, in words, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(deny_unknown_fields)]
#[error("{detail}")]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For people.
    pub detail: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: RefusalCode, detail: impl fmt::Display) -> Self {
        Self {
            code,
            detail: detail.to_string(),
        }
    }
}

impl RefusalCode {
    /// Status of HTTP it is answered with.
    pub const fn status(self) -> http::StatusCode {
        use http::StatusCode;
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotAnAppliance
            | Self::UpdateUnderWay
            | Self::UpdateReplaced
            | Self::UpdateInterrupted
            | Self::OnTrial
            | Self::UpdateNotNewer
            | Self::SlotNotWhole
            | Self::SlotRuns => StatusCode::CONFLICT,
            Self::UpdateNotABundle
            | Self::UpdateTruncated
            | Self::UpdateUnsigned
            | Self::UpdateUntrusted
            | Self::UpdateIncompatible
            | Self::UpdateChecksum => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UpdateTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
            Self::UpdateFetch => StatusCode::BAD_GATEWAY,
            Self::UpdateWrite | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
