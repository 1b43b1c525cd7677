//! Zones.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Names;
use super::names::ANY;
use super::spec::{Spec, free_text, interface_name, switch};
use crate::{Errors, Fields, Node, Text, Timestamp};

/// What a user says of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZoneSpec {
    /// Unique; not `any`.
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "lan")]
    pub name: Text<model::ObjectName>,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub description: String,
    /// Kernel names; an interface is in one zone at most, and may not exist yet. `local` has none.
    #[serde(default)]
    #[schema(example = json!(["lan0"]))]
    pub interfaces: Vec<String>,
    /// The box can be managed from here: whatever the rules say, its management ports answer.
    #[serde(default)]
    pub management: bool,
}

impl Spec for ZoneSpec {
    type Model = model::ZoneSpec;

    fn read(node: Node<'_>, _: &Names, errors: &mut Errors) -> Option<model::ZoneSpec> {
        let mut fields = Fields::of(node, errors)?;
        let name = fields.required_with("name", errors, |node, errors| {
            if node.value().as_str() == Some(ANY) {
                errors.add(&node, "format", "is the word for every zone");
                return None;
            }
            node.text(errors)
        });
        let description = free_text(&mut fields, "description", errors);
        let interfaces = fields.or("interfaces", Vec::new(), errors, |node, errors| {
            node.items(errors, |item, errors| interface_name(&item, errors))
        });
        let management = switch(&mut fields, "management", false, errors);
        fields.finish(errors);
        Some(model::ZoneSpec {
            name: name?,
            description: description?,
            interfaces: interfaces?.into_iter().collect(),
            management: management?,
        })
    }

    fn of(spec: &model::ZoneSpec) -> Self {
        let model::ZoneSpec {
            name,
            description,
            interfaces,
            management,
        } = spec;
        Self {
            name: Text(name.clone()),
            description: description.clone(),
            interfaces: interfaces.iter().cloned().collect(),
            management: *management,
        }
    }
}

/// A zone: what the policy calls the networks behind interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Zone {
    /// Never changes.
    #[schema(value_type = String, example = "zon_1f")]
    pub id: Text<model::ZoneId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: ZoneSpec,
    /// `local` exists from the start and cannot be deleted.
    pub built_in: bool,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<&model::Zone> for Zone {
    fn from(zone: &model::Zone) -> Self {
        let model::Zone {
            id,
            // The data plane's business.
            number: _,
            spec,
            updated_at,
            revision,
        } = zone;
        Self {
            id: Text(id.clone()),
            spec: ZoneSpec::of(spec),
            built_in: id.as_str() == model::LOCAL_ZONE,
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
