//! What is counted without a rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RuleHits;

/// Packets that are decided without a rule and without a zone pair somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCounter {
    /// Why they are: `invalid_state`, `no_zone`, `anti_lockout`, `infrastructure`, `unwritten_pair` or
    /// `earlier_connection`.
    #[schema(example = "invalid_state")]
    pub name: String,
    /// How many there were.
    pub hits: RuleHits,
}
