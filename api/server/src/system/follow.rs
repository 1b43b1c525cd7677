//! What the engine hears of the agent by itself.

use std::time::Duration;

use ravelin_control::ControlHandle;
use ravelin_model::SystemUpdateChanged;
use ravelin_system::update::Update;
use ravelin_system::{Agent, AgentError};
use tokio::sync::watch;

/// Between two looks while an update is at work.
const SOON: Duration = Duration::from_secs(1);
/// Between two looks otherwise.
const LATER: Duration = Duration::from_secs(5);

/// Tells the stream of events how updates go on. Never ends.
pub async fn follow_updates(agent: Agent, control: ControlHandle) {
    let mut known: Option<Vec<Update>> = None;
    loop {
        let updates = match agent.updates().await {
            Ok(updates) => updates,
            Err(AgentError::Absent(_)) => Vec::new(),
            Err(error) => {
                tracing::debug!(error = ravelin_model::chain(&error), "updates cannot be followed");
                tokio::time::sleep(LATER).await;
                continue;
            }
        };
        // What was so at the start is no news.
        if let Some(known) = &known {
            for changed in changes(known, &updates) {
                control.system_update_changed(changed);
            }
        }
        let active = updates.first().is_some_and(|update| update.state.is_active());
        known = Some(updates);
        tokio::time::sleep(if active { SOON } else { LATER }).await;
    }
}

/// What is new of the newer, the oldest first.
fn changes(known: &[Update], now: &[Update]) -> Vec<SystemUpdateChanged> {
    let before = |id: &str| known.iter().find(|update| update.id == id);
    now.iter()
        .rev()
        .filter(|update| {
            before(&update.id).is_none_or(|before| {
                before.state != update.state
                    || before.received_bytes != update.received_bytes
                    || before.written_percent != update.written_percent
            })
        })
        .map(told)
        .collect()
}

fn told(update: &Update) -> SystemUpdateChanged {
    let api = super::update(update.clone());
    SystemUpdateChanged {
        id: api.id,
        state: serde_json::to_value(api.state)
            .ok()
            .and_then(|state| state.as_str().map(str::to_owned))
            .unwrap_or_default(),
        version: api.version,
        received_bytes: api.received_bytes,
        total_bytes: api.total_bytes,
        written_percent: api.written_percent,
        problem: api.problem.map(|problem| problem.detail).or(api.reason),
    }
}

/// Waits until the slot that runs is good, does what was to wait for that, and takes changes from then on. Never ends.
pub async fn follow_trial(agent: Agent, on_trial: watch::Sender<bool>, good: impl FnOnce() + Send) {
    agent.until_good().await;
    good();
    on_trial.send_replace(false);
    std::future::pending().await
}
