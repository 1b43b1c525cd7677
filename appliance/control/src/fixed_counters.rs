//! What is counted without a rule or a zone pair somebody wrote.

use ravelin_compile::fixed_counter;

use crate::{ControlError, ControlHandle, Hits};

/// Counters and their names in the API: those of verdicts, where there are verdicts.
const COUNTERS: [(u32, &str); 6] = [
    (fixed_counter::INVALID, "invalid_state"),
    (fixed_counter::NO_ZONE, "no_zone"),
    (fixed_counter::ANTI_LOCKOUT, "anti_lockout"),
    (fixed_counter::INFRASTRUCTURE, "infrastructure"),
    (fixed_counter::UNWRITTEN_PAIR, "unwritten_pair"),
    (fixed_counter::EARLIER_CONNECTION, "earlier_connection"),
];

impl ControlHandle {
    /// Names and counts of what no rule and no written zone pair counts.
    pub async fn fixed_counters(&self) -> Result<Vec<(&'static str, Hits)>, ControlError> {
        let hits = self.rule_hits(&COUNTERS.map(|(counter, _)| counter)).await?;
        Ok(COUNTERS.iter().map(|(_, name)| *name).zip(hits).collect())
    }
}
