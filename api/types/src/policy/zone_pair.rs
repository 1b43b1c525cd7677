//! Zone pairs.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::spec::{Spec, switch};
use super::{Action, Names, RuleHits};
use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// What a user says of a zone pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZonePairSpec {
    /// Id or name of the zone packets come in from.
    #[schema(example = "lan")]
    pub from: String,
    /// Id or name of the zone they would leave by; may be the same.
    #[schema(example = "wan")]
    pub to: String,
    /// For packets no rule matches.
    #[serde(default)]
    pub default_action: Action,
    /// Whether those are logged.
    #[serde(default)]
    pub log: bool,
}

impl Spec for ZonePairSpec {
    type Model = model::ZonePairSpec;

    fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<model::ZonePairSpec> {
        let mut fields = Fields::of(node, errors)?;
        let from = fields.required_with("from", errors, |node, errors| names.zone(&node, errors));
        let to = fields.required_with("to", errors, |node, errors| names.zone(&node, errors));
        let default_action = fields.or("default_action", Action::Drop, errors, Action::from_json);
        let log = switch(&mut fields, "log", false, errors);
        fields.finish(errors);
        Some(model::ZonePairSpec {
            from: from?,
            to: to?,
            default_action: default_action?.into(),
            log: log?,
        })
    }

    fn of(spec: &model::ZonePairSpec) -> Self {
        let model::ZonePairSpec {
            from,
            to,
            default_action,
            log,
        } = spec;
        Self {
            from: from.to_string(),
            to: to.to_string(),
            default_action: (*default_action).into(),
            log: *log,
        }
    }
}

/// What happens between two zones where no rule says. A pair nobody wrote drops, but from `local` accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZonePair {
    /// Never changes.
    #[schema(value_type = String, example = "zpr_1f")]
    pub id: Text<model::ZonePairId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: ZonePairSpec,
    /// Name of the zone packets come in from.
    pub from_name: String,
    /// Name of the zone they would leave by.
    pub to_name: String,
    /// What no rule matched.
    pub hits: RuleHits,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl ZonePair {
    /// A pair of a policy.
    pub fn of(pair: &model::ZonePair, policy: &model::Policy, hits: RuleHits) -> Self {
        let model::ZonePair {
            id,
            // The data plane's business.
            number: _,
            spec,
            updated_at,
            revision,
        } = pair;
        let name = |zone| policy.zones.get(zone).map(|zone| zone.spec.name.to_string());
        Self {
            id: Text(id.clone()),
            from_name: name(&spec.from).unwrap_or_default(),
            to_name: name(&spec.to).unwrap_or_default(),
            spec: ZonePairSpec::of(spec),
            hits,
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
