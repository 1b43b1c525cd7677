//! A recovery in words.

use ravelin_api_types::{Recovery, RecoveryState};

/// What the engine goes by and why, in one sentence.
pub fn describe(recovery: &Recovery) -> String {
    let number = |revision: Option<u64>| revision.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let reason = recovery.reason.as_deref().unwrap_or("nobody knows why");
    let since = recovery
        .since
        .map(|since| format!(" ({since})"))
        .unwrap_or_default();
    let mut text = match recovery.state {
        RecoveryState::None => return "none: the engine goes by its store".to_owned(),
        RecoveryState::LastKnownGood => {
            format!(
                "last-known-good revision {} since {reason}{since}",
                number(recovery.revision)
            )
        }
        RecoveryState::Lockdown => format!("lockdown since {reason}{since}"),
    };
    match recovery.lost_after_revision {
        Some(0) => text.push_str("; all revisions before are lost"),
        Some(revision) => text.push_str(&format!("; revisions after {revision} are lost")),
        None => {}
    }
    if recovery.volatile {
        text.push_str("; changes cannot be kept and are refused");
    }
    text
}
