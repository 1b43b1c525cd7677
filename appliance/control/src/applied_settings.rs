//! Whether settings of interfaces are in force.

use ravelin_model::SettingsState;

/// How the settings of an interface are doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedSettings {
    /// Whether they are in force.
    pub state: SettingsState,
    /// Why they failed.
    pub reason: Option<String>,
}

impl AppliedSettings {
    pub(crate) fn new(state: SettingsState, reason: Option<String>) -> Self {
        Self { state, reason }
    }
}
