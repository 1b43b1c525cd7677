//! What the engine goes by where its store was of no use.

use time::OffsetDateTime;

use crate::Revision;

/// What the engine goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoveryState {
    /// Its store.
    #[default]
    None,
    /// A copy of an earlier revision.
    LastKnownGood,
    /// A policy that lets nothing but management pass, from the LAN card.
    Lockdown,
}

impl RecoveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::None, Self::LastKnownGood, Self::Lockdown];

    /// In snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LastKnownGood => "last_known_good",
            Self::Lockdown => "lockdown",
        }
    }
}

/// What the engine goes by, since when and why, until an operator acknowledges it or commits a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// What.
    pub state: RecoveryState,
    /// Why, for people; empty where nothing was wrong.
    pub reason: String,
    /// The revision it began with; None: nothing was wrong.
    pub revision: Option<Revision>,
    /// When it began, by a clock that may have been wrong; None: nothing was wrong.
    pub since: Option<OffsetDateTime>,
    /// Revisions after this one are lost; None: none is known to be.
    pub lost_after_revision: Option<Revision>,
    /// Changes would not survive a restart, so that none is accepted.
    pub volatile: bool,
}
