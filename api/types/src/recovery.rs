//! What the engine goes by where its store was of no use.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// What the engine goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryState {
    /// Its store, as it should.
    None,
    /// A copy of an earlier revision.
    LastKnownGood,
    /// A policy that lets nothing but management pass, from the LAN card.
    Lockdown,
}

/// Whether the engine goes by another store than it should, until that is acknowledged or a policy is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recovery {
    /// What it goes by.
    pub state: RecoveryState,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "the store is missing")]
    pub reason: Option<String>,
    /// The revision it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revision: Option<u64>,
    /// When it began, by the clock of that time, which may have been wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub since: Option<Timestamp>,
    /// Later revisions are lost; their numbers come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lost_after_revision: Option<u64>,
    /// Changes would not survive a restart, so that none is accepted.
    pub volatile: bool,
}

impl From<model::Recovery> for Recovery {
    fn from(recovery: model::Recovery) -> Self {
        let model::Recovery {
            state,
            reason,
            revision,
            since,
            lost_after_revision,
            volatile,
        } = recovery;
        Self {
            state: match state {
                model::RecoveryState::None => RecoveryState::None,
                model::RecoveryState::LastKnownGood => RecoveryState::LastKnownGood,
                model::RecoveryState::Lockdown => RecoveryState::Lockdown,
            },
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            revision: revision.map(|revision| revision.0),
            since: since.map(Timestamp),
            lost_after_revision: lost_after_revision.map(|revision| revision.0),
            volatile,
        }
    }
}
