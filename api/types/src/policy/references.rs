//! Objects as others name them.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An object as others name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// `zone`, `zone_pair`, `rule`, `service`, `nat_rule`, `published_service`, `interface_settings`, `route`, `policy_route`,
    /// `dns_server`, `list` or `feature`.
    #[schema(example = "rule")]
    pub kind: String,
    /// Its id; of a feature its name.
    #[schema(example = "rul_1f")]
    pub id: String,
    /// Its name; of a zone pair, which has none, its id.
    pub name: String,
}

impl From<model::ObjectRef> for Reference {
    fn from(object: model::ObjectRef) -> Self {
        let model::ObjectRef { kind, id, name } = object;
        Self {
            kind: kind.name().to_owned(),
            id,
            name,
        }
    }
}

/// Who uses an object. Nobody: it can be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct References {
    /// Each once.
    pub items: Vec<Reference>,
}
