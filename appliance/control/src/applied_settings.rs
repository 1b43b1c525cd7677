//! Whether settings of interfaces are in force.

/// Whether the settings of an interface are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsState {
    /// Not yet looked at.
    Starting,
    /// In force, as the card says itself.
    Applied,
    /// There is no such interface now.
    Absent,
    /// Not all of them are in force.
    Failed,
}

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
