//! What is done once at each boot.

use ravelin_model::chain;

use crate::state::AgentState;

/// Notes what runs; tells the boot loader that user space does, unless this boot is a trial.
pub fn note(state: &AgentState) {
    let Some(boot) = state.boot() else {
        tracing::info!("nothing tells of slots: this is no appliance");
        return;
    };
    let Some(slot) = boot.slot else {
        tracing::warn!("the initrd does not say which slot runs");
        return;
    };
    if let Err(error) = state.records().note_running(slot, state.version()) {
        tracing::warn!(%error, "the version that runs cannot be noted");
    }
    if !boot.trial
        && let Err(error) = state.loader().clear_attempts()
    {
        tracing::error!(
            error = chain(&error),
            "the boot loader cannot be told that user space runs"
        );
    }
}
