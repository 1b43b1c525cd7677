//! Policy routes: which table of routes judges a packet.

use ipnet::IpNet;
use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::spec::{Spec, free_text, interface_name, switch, yes};
use super::{Names, RoutingTable};
use crate::{Errors, Fields, Node, Text, Timestamp};

/// What a user says of a policy route. Packets that match have their route looked up in `table`; where it has none for
/// them, the next policy route is asked, and behind all the main table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyRouteSpec {
    /// Lower ones are asked first. Unique in a family; one without `source` and `destination` is of both.
    #[schema(minimum = 1, maximum = 32765, example = 100)]
    pub priority: u32,
    /// Network packets come from. Missing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "192.168.78.0/24")]
    pub source: Option<Text<IpNet>>,
    /// Network packets are sent to. Missing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "203.0.113.0/24")]
    pub destination: Option<Text<IpNet>>,
    /// Interface packets come in by; `lo` stands for what this box sends itself. Missing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 15, example = "lan1")]
    pub input_interface: Option<String>,
    /// Where their route is looked up.
    pub table: RoutingTable,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub description: String,
}

impl Spec for PolicyRouteSpec {
    type Model = model::PolicyRouteSpec;

    fn read(node: Node<'_>, _: &Names, errors: &mut Errors) -> Option<model::PolicyRouteSpec> {
        let mut fields = Fields::of(node, errors)?;
        let priority = fields.required_with("priority", errors, |node, errors| {
            node.integer(&(1..=model::PolicyRouteSpec::LAST_PRIORITY), errors)
        });
        let source = fields.optional_with("source", errors, |node, errors| node.text(errors));
        let destination = fields.optional_with("destination", errors, |node, errors| node.text(errors));
        let input_interface = fields.optional_with("input_interface", errors, |node, errors| {
            interface_name(&node, errors)
        });
        let table = fields.required_with("table", errors, RoutingTable::read);
        let enabled = switch(&mut fields, "enabled", true, errors);
        let description = free_text(&mut fields, "description", errors);
        fields.finish(errors);
        Some(model::PolicyRouteSpec {
            priority: priority?,
            source: source?,
            destination: destination?,
            input_interface: input_interface?,
            table: table?,
            enabled: enabled?,
            description: description?,
        })
    }

    fn of(spec: &model::PolicyRouteSpec) -> Self {
        let model::PolicyRouteSpec {
            priority,
            source,
            destination,
            input_interface,
            table,
            enabled,
            description,
        } = spec;
        Self {
            priority: *priority,
            source: source.map(Text),
            destination: destination.map(Text),
            input_interface: input_interface.clone(),
            table: RoutingTable::of(*table),
            enabled: *enabled,
            description: description.clone(),
        }
    }
}

/// A policy route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyRoute {
    /// Never changes.
    #[schema(value_type = String, example = "prt_1f")]
    pub id: Text<model::PolicyRouteId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: PolicyRouteSpec,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<&model::PolicyRoute> for PolicyRoute {
    fn from(route: &model::PolicyRoute) -> Self {
        let model::PolicyRoute {
            id,
            // The data plane does not know them.
            number: _,
            spec,
            updated_at,
            revision,
        } = route;
        Self {
            id: Text(id.clone()),
            spec: PolicyRouteSpec::of(spec),
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
