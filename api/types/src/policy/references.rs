//! Who uses an object.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An object that names another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// What it is: `rule`, `zone_pair`, `nat_rule`, `published_service` or `feature`.
    #[schema(example = "rule")]
    pub kind: String,
    /// Its id; of a feature its name.
    #[schema(example = "rul_1f")]
    pub id: String,
    /// Its name; missing where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
}

/// Who uses an object. Empty: it can be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct References {
    /// Each once.
    pub items: Vec<Reference>,
}
