//! Revisions of the configuration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ObjectChange;
use crate::Timestamp;

/// A change to the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who, such as `uid:0` or `admin`.
    pub actor: String,
    /// Where from: `unix` or an address.
    pub origin: String,
    /// One sentence.
    pub summary: String,
    /// Whether objects of the policy changed.
    pub policy: bool,
}

/// How the policy of a revision differs from that of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisionDiff {
    /// What is before.
    pub from: u64,
    /// What is after.
    pub to: u64,
    /// What changed.
    pub diff: Vec<ObjectChange>,
}
