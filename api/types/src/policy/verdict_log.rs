//! Verdicts that were logged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{PolicyVerdict, Timestamp};

/// A verdict of a line that is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoggedVerdict {
    /// Grows with every verdict.
    pub number: u64,
    /// When it was heard of.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub verdict: PolicyVerdict,
}
