//! Pages of collections.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Part of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// `cursor` of the next page; null: this was the last.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}
