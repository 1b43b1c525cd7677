//! Errors (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Reference;

/// Media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One thing that is wrong with the body of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the value; empty: the whole body.
    #[schema(example = "/entries/0/value")]
    pub pointer: String,
    /// For programs: `required`, `unknown_field`, `type`, `format`, `range`, `not_applicable`, `reference` or `invalid`;
    /// of objects also `unknown`, `stale`, `in_use`, `taken`, `id_taken`, `built_in` or `full`.
    #[schema(example = "format")]
    pub code: String,
    /// For people.
    pub detail: String,
}

/// An error (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable identifier of the kind of problem: `/problems/` and a slug.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub type_: String,
    /// The kind of problem, for people.
    pub title: String,
    /// HTTP status of the answer.
    #[schema(value_type = i32, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time, for people.
    pub detail: String,
    /// Also in the header `X-Request-Id`; names this request in the audit trail and the log.
    pub request_id: String,
    /// Everything that is wrong with the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// What stands in the way: the features to enable or disable first, or the ids of those that use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub blocked_by: Vec<String>,
    /// The objects and features that use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub used_by: Vec<Reference>,
    /// The step at which a commit failed: `validate`, `compile`, `stage`, `hardware`, `load`, `nftables`, `flip`,
    /// `read_back` or `store`. What was there before is still in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failed_step: Option<String>,
    /// For 412: the ETag an `If-Match` would have to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current_etag: Option<String>,
}

/// Every kind of problem there is. Slugs are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The body is not JSON, or nested too deep.
    MalformedJson,
    /// An unknown query field, or a value out of its range.
    InvalidQuery,
    /// A header that cannot be read.
    InvalidHeader,
    /// Credentials in the URL end up in logs.
    TokenInQuery,
    /// The body ended early.
    InterruptedBody,
    /// No credential, or one that is not valid.
    Unauthorized,
    /// Nothing is there.
    NotFound,
    /// The path exists and does not know the method.
    MethodNotAllowed,
    /// A feature needs another one.
    MissingDependency,
    /// Another feature needs this one.
    NeededByFeature,
    /// Names of lists are unique.
    NameTaken,
    /// A feature uses the list.
    ListInUse,
    /// Built-in lists stay.
    BuiltInList,
    /// An object of the policy is named by others.
    InUse,
    /// Another object has the name, the id, or what only one may have.
    Taken,
    /// Built-in objects stay.
    BuiltIn,
    /// The caller's own connection would be refused.
    WouldLockOut,
    /// A commit waits to be confirmed first.
    AwaitsConfirmation,
    /// No commit of that number waits.
    NothingToConfirm,
    /// There was no recovery, or somebody knows of it already.
    NothingToAcknowledge,
    /// The policy cannot say what would become of it.
    CannotSimulate,
    /// The first request with the same Idempotency-Key is not answered yet.
    RequestInProgress,
    /// The resource changed since it was read.
    PreconditionFailed,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// Not the media type the operation reads.
    UnsupportedMediaType,
    /// Well-formed and wrong.
    InvalidContent,
    /// The same Idempotency-Key came with another request.
    IdempotencyKeyReused,
    /// A change needs If-Match.
    PreconditionRequired,
    /// Over the rate limit.
    TooManyRequests,
    /// Too many wrong credentials from one peer.
    TooManyFailedAttempts,
    /// More than 16 KiB of header.
    HeaderTooLarge,
    /// A fault of ours.
    Internal,
    /// A step of a commit failed; what was there before is still in force.
    CommitFailed,
    /// Something enabled is not at work.
    NotReady,
    /// Too many ask for the same.
    Busy,
    /// There is no data plane to ask.
    DatapathUnavailable,
    /// Network cards cannot be asked.
    HardwareUnavailable,
    /// The disk takes no changes.
    NotKept,
    /// The engine is going down.
    ShuttingDown,
    /// This machine has no slots, no updates and no journal to show.
    NotAnAppliance,
    /// The slot is the one that runs.
    SlotRuns,
    /// The slot is empty or was not written to its end.
    SlotNotWhole,
    /// An update is at work.
    UpdateUnderWay,
    /// Another update came before this one was booted.
    UpdateReplaced,
    /// The machine restarted in the middle of an update.
    UpdateInterrupted,
    /// The version is not newer than the one that runs.
    UpdateNotNewer,
    /// It is no bundle.
    UpdateNotABundle,
    /// The bundle ends before its end.
    UpdateTruncated,
    /// The bundle has no signature.
    UpdateUnsigned,
    /// The signature of the bundle is none of those that are trusted.
    UpdateUntrusted,
    /// The bundle is for something else.
    UpdateIncompatible,
    /// What came has another checksum than what was asked for.
    UpdateChecksum,
    /// The bundle could not be fetched.
    UpdateFetchFailed,
    /// The bundle could not be written to the slot.
    UpdateWriteFailed,
    /// The slot that runs has yet to show that it works; its changes might be lost.
    OnTrial,
    /// The agent of the machine does not answer.
    AgentUnavailable,
    /// The partition for the state has no room.
    DiskFull,
    /// A map of the data plane is full.
    NoRoom,
}

impl ProblemKind {
    /// Every kind.
    pub const ALL: [Self; 58] = [
        Self::MalformedJson,
        Self::InvalidQuery,
        Self::InvalidHeader,
        Self::TokenInQuery,
        Self::InterruptedBody,
        Self::Unauthorized,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::MissingDependency,
        Self::NeededByFeature,
        Self::NameTaken,
        Self::ListInUse,
        Self::BuiltInList,
        Self::InUse,
        Self::Taken,
        Self::BuiltIn,
        Self::WouldLockOut,
        Self::AwaitsConfirmation,
        Self::NothingToConfirm,
        Self::NothingToAcknowledge,
        Self::CannotSimulate,
        Self::RequestInProgress,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidContent,
        Self::IdempotencyKeyReused,
        Self::PreconditionRequired,
        Self::TooManyRequests,
        Self::TooManyFailedAttempts,
        Self::HeaderTooLarge,
        Self::Internal,
        Self::CommitFailed,
        Self::NotReady,
        Self::Busy,
        Self::DatapathUnavailable,
        Self::HardwareUnavailable,
        Self::NotKept,
        Self::ShuttingDown,
        Self::NotAnAppliance,
        Self::SlotRuns,
        Self::SlotNotWhole,
        Self::UpdateUnderWay,
        Self::UpdateReplaced,
        Self::UpdateInterrupted,
        Self::UpdateNotNewer,
        Self::UpdateNotABundle,
        Self::UpdateTruncated,
        Self::UpdateUnsigned,
        Self::UpdateUntrusted,
        Self::UpdateIncompatible,
        Self::UpdateChecksum,
        Self::UpdateFetchFailed,
        Self::UpdateWriteFailed,
        Self::OnTrial,
        Self::AgentUnavailable,
        Self::DiskFull,
        Self::NoRoom,
    ];

    /// HTTP status, slug and title.
    fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::MalformedJson => (400, "malformed-json", "The body is not JSON"),
            Self::InvalidQuery => (400, "invalid-query", "The query is not valid"),
            Self::InvalidHeader => (400, "invalid-header", "A header is not valid"),
            Self::TokenInQuery => (
                400,
                "token-in-query",
                "Credentials belong in the Authorization header",
            ),
            Self::InterruptedBody => (400, "interrupted-body", "The body ended early"),
            Self::Unauthorized => (401, "unauthorized", "A valid credential is needed"),
            Self::NotFound => (404, "not-found", "There is no such resource"),
            Self::MethodNotAllowed => (
                405,
                "method-not-allowed",
                "The resource does not know this method",
            ),
            Self::MissingDependency => (409, "missing-dependency", "Another feature must be enabled first"),
            Self::NeededByFeature => (409, "needed-by-feature", "Another feature must be disabled first"),
            Self::NameTaken => (409, "name-taken", "The name is taken"),
            Self::ListInUse => (409, "list-in-use", "The list is in use"),
            Self::BuiltInList => (409, "built-in-list", "The list is built in"),
            Self::InUse => (409, "in-use", "The object is in use"),
            Self::Taken => (409, "taken", "Another object has that already"),
            Self::BuiltIn => (409, "built-in", "The object is built in"),
            Self::WouldLockOut => (409, "would-lock-out", "The change would lock its sender out"),
            Self::AwaitsConfirmation => (409, "awaits-confirmation", "A change waits to be confirmed"),
            Self::NothingToConfirm => (409, "nothing-to-confirm", "Nothing waits to be confirmed"),
            Self::NothingToAcknowledge => (
                409,
                "nothing-to-acknowledge",
                "There is no recovery to acknowledge",
            ),
            Self::CannotSimulate => (409, "cannot-simulate", "The packet cannot be simulated"),
            Self::RequestInProgress => (409, "request-in-progress", "The same request is being worked on"),
            Self::PreconditionFailed => (412, "precondition-failed", "The resource has changed"),
            Self::BodyTooLarge => (413, "body-too-large", "The body is too large"),
            Self::UnsupportedMediaType => (415, "unsupported-media-type", "The media type is not supported"),
            Self::InvalidContent => (422, "invalid-content", "The content is not valid"),
            Self::IdempotencyKeyReused => (
                422,
                "idempotency-key-reused",
                "The Idempotency-Key belongs to another request",
            ),
            Self::PreconditionRequired => (428, "precondition-required", "If-Match is needed"),
            Self::TooManyRequests => (429, "too-many-requests", "Too many requests"),
            Self::TooManyFailedAttempts => (429, "too-many-failed-attempts", "Too many wrong credentials"),
            Self::HeaderTooLarge => (431, "header-too-large", "The header is too large"),
            Self::Internal => (500, "internal", "Something went wrong inside"),
            Self::CommitFailed => (500, "commit-failed", "The change could not be put in force"),
            Self::NotReady => (503, "not-ready", "Not everything enabled is at work"),
            Self::Busy => (503, "busy", "The engine is busy with the same"),
            Self::DatapathUnavailable => (503, "datapath-unavailable", "There is no data plane"),
            Self::HardwareUnavailable => (503, "hardware-unavailable", "The network card cannot be asked"),
            Self::NotKept => (503, "not-kept", "Changes cannot be kept"),
            Self::ShuttingDown => (503, "shutting-down", "The engine is shutting down"),
            Self::NotAnAppliance => (409, "not-an-appliance", "The machine is no appliance"),
            Self::SlotRuns => (409, "slot-runs", "The slot runs already"),
            Self::SlotNotWhole => (409, "slot-not-whole", "The slot cannot be booted"),
            Self::UpdateUnderWay => (409, "update-under-way", "An update is under way"),
            Self::UpdateReplaced => (409, "update-replaced", "Another update came in its place"),
            Self::UpdateInterrupted => (409, "update-interrupted", "The update was interrupted"),
            Self::UpdateNotNewer => (409, "update-not-newer", "The version is not newer"),
            Self::UpdateNotABundle => (422, "update-not-a-bundle", "It is no update"),
            Self::UpdateTruncated => (422, "update-truncated", "The update is not whole"),
            Self::UpdateUnsigned => (422, "update-unsigned", "The update is not signed"),
            Self::UpdateUntrusted => (422, "update-untrusted", "The update is not trusted"),
            Self::UpdateIncompatible => (422, "update-incompatible", "The update is for something else"),
            Self::UpdateChecksum => (422, "update-checksum", "The update has another checksum"),
            Self::UpdateFetchFailed => (502, "update-fetch-failed", "The update could not be fetched"),
            Self::UpdateWriteFailed => (500, "update-write-failed", "The update could not be written"),
            Self::OnTrial => (503, "on-trial", "The system is on trial"),
            Self::AgentUnavailable => (
                503,
                "agent-unavailable",
                "The agent of the machine does not answer",
            ),
            Self::DiskFull => (507, "disk-full", "The disk has no room"),
            Self::NoRoom => (507, "no-room", "The data plane has no room"),
        }
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        self.row().0
    }

    /// Last part of `type`.
    pub fn slug(self) -> &'static str {
        self.row().1
    }

    /// For people.
    pub fn title(self) -> &'static str {
        self.row().2
    }
}

impl Problem {
    /// A problem of this kind; the request's id is filled in when it is answered.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (status, slug, title) = kind.row();
        Self {
            type_: format!("/problems/{slug}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            request_id: String::new(),
            errors: Vec::new(),
            blocked_by: Vec::new(),
            used_by: Vec::new(),
            failed_step: None,
            current_etag: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn slugs_are_unique_and_statuses_are_errors() {
        let slugs: HashSet<_> = ProblemKind::ALL.map(ProblemKind::slug).into();
        assert_eq!(slugs.len(), ProblemKind::ALL.len());
        for kind in ProblemKind::ALL {
            assert!((400..600).contains(&kind.status()), "{kind:?}");
        }
    }
}
