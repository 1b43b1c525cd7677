//! Static routes.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model as model;
use ravelin_model::routing_table::MAIN;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Names;
use super::spec::{Spec, free_text, interface_name, switch, yes};
use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// A table of routes: `main`, or its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RoutingTable {
    /// The one that judges packets no policy route says anything of.
    Named(MainTable),
    /// 1 to 4294967295, but for the kernel's own, 253 and 255.
    #[schema(value_type = i64)]
    Number(u32),
}

/// The word for the main table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MainTable {
    /// Table 254.
    Main,
}

impl RoutingTable {
    /// For serde: the main table.
    pub(super) fn main() -> Self {
        Self::Named(MainTable::Main)
    }

    pub(super) fn of(number: u32) -> Self {
        if number == MAIN {
            Self::main()
        } else {
            Self::Number(number)
        }
    }

    /// The number of a table.
    pub(super) fn read(node: Node<'_>, errors: &mut Errors) -> Option<u32> {
        if node.value().is_string() {
            node.word(&[("main", MAIN)], errors)
        } else {
            node.integer(&(1..=u32::MAX), errors)
        }
    }
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// They are sent on by `gateway`, `interface` or both.
    #[default]
    Unicast,
    /// They are dropped without an answer.
    Blackhole,
    /// They are answered with an ICMP error.
    Unreachable,
}

impl FromJson for RouteKind {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let words = [
            ("unicast", Self::Unicast),
            ("blackhole", Self::Blackhole),
            ("unreachable", Self::Unreachable),
        ];
        node.word(&words, errors)
    }
}

/// Metric of a route nobody gave one: in front of those DHCP brings, which begin at 1024.
const METRIC: u32 = 100;

fn default_metric() -> u32 {
    METRIC
}

/// What a user says of a static route. `destination`, `table` and `metric` together are unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteSpec {
    /// Network packets are sent to; the default route is 0.0.0.0/0 or ::/0.
    #[schema(value_type = String, example = "10.20.0.0/16")]
    pub destination: Text<IpNet>,
    /// What becomes of them.
    #[serde(default)]
    pub kind: RouteKind,
    /// Next hop, of the family of the destination. Without `interface` it is reached by another route, for which this
    /// one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "192.168.77.2")]
    pub gateway: Option<IpAddr>,
    /// Interface they leave by; a link-local gateway needs it. Without `gateway`, the destination is on the link. The
    /// route waits for an interface that is not there or down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 15, example = "wan0")]
    pub interface: Option<String>,
    /// Of routes to the same destination the one with the lowest is taken. Routes of DHCP begin at 1024.
    #[serde(default = "default_metric")]
    #[schema(minimum = 1, maximum = 4_294_967_295_i64)]
    pub metric: u32,
    /// Table it is in.
    #[serde(default = "RoutingTable::main")]
    pub table: RoutingTable,
    /// Largest packet along it, without the Ethernet header; at least 1280 for IPv6. Missing: that of the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 68, maximum = 65535)]
    pub mtu_bytes: Option<u32>,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub description: String,
}

impl Spec for RouteSpec {
    type Model = model::RouteSpec;

    fn read(node: Node<'_>, _: &Names, errors: &mut Errors) -> Option<model::RouteSpec> {
        let mut fields = Fields::of(node.clone(), errors)?;
        let destination = fields.required::<Text<IpNet>>("destination", errors);
        let kind = fields.or("kind", RouteKind::default(), errors, RouteKind::from_json);
        let goes_somewhere = kind.is_none_or(|kind| kind == RouteKind::Unicast);
        let gateway = fields.optional_with("gateway", errors, |node, errors| {
            only_unicast(&node, goes_somewhere, errors)?;
            node.text(errors)
        });
        let interface = fields.optional_with("interface", errors, |node, errors| {
            only_unicast(&node, goes_somewhere, errors)?;
            interface_name(&node, errors)
        });
        let metric = fields.or("metric", METRIC, errors, |node, errors| {
            node.integer(&(1..=u32::MAX), errors)
        });
        let table = fields.or("table", MAIN, errors, RoutingTable::read);
        let mtu_bytes = fields.optional_with("mtu_bytes", errors, |node, errors| {
            node.integer(&(68..=65_535), errors)
        });
        let enabled = switch(&mut fields, "enabled", true, errors);
        let description = free_text(&mut fields, "description", errors);
        fields.finish(errors);
        let target = match (kind?, gateway?, interface?) {
            (RouteKind::Blackhole, ..) => model::RouteTarget::Blackhole,
            (RouteKind::Unreachable, ..) => model::RouteTarget::Unreachable,
            (RouteKind::Unicast, Some(gateway), interface) => {
                model::RouteTarget::Gateway { gateway, interface }
            }
            (RouteKind::Unicast, None, Some(interface)) => model::RouteTarget::Interface(interface),
            (RouteKind::Unicast, None, None) => {
                let nothing = node.within("gateway", &serde_json::Value::Null);
                errors.add(
                    &nothing,
                    "required",
                    "is missing: a route leads to a gateway, an interface or both",
                );
                return None;
            }
        };
        Some(model::RouteSpec {
            destination: destination?.0,
            target,
            metric: metric?,
            table: table?,
            mtu_bytes: mtu_bytes?,
            enabled: enabled?,
            description: description?,
        })
    }

    fn of(spec: &model::RouteSpec) -> Self {
        let model::RouteSpec {
            destination,
            target,
            metric,
            table,
            mtu_bytes,
            enabled,
            description,
        } = spec;
        let (kind, gateway, interface) = match target {
            model::RouteTarget::Gateway { gateway, interface } => {
                (RouteKind::Unicast, Some(*gateway), interface.clone())
            }
            model::RouteTarget::Interface(interface) => (RouteKind::Unicast, None, Some(interface.clone())),
            model::RouteTarget::Blackhole => (RouteKind::Blackhole, None, None),
            model::RouteTarget::Unreachable => (RouteKind::Unreachable, None, None),
        };
        Self {
            destination: Text(*destination),
            kind,
            gateway,
            interface,
            metric: *metric,
            table: RoutingTable::of(*table),
            mtu_bytes: *mtu_bytes,
            enabled: *enabled,
            description: description.clone(),
        }
    }
}

fn only_unicast(node: &Node<'_>, goes_somewhere: bool, errors: &mut Errors) -> Option<()> {
    if !goes_somewhere {
        errors.add(node, "not_applicable", "is for routes of kind unicast only");
    }
    goes_somewhere.then_some(())
}

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Route {
    /// Never changes.
    #[schema(value_type = String, example = "rte_1f")]
    pub id: Text<model::RouteId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: RouteSpec,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<&model::Route> for Route {
    fn from(route: &model::Route) -> Self {
        let model::Route {
            id,
            // The data plane does not know them.
            number: _,
            spec,
            updated_at,
            revision,
        } = route;
        Self {
            id: Text(id.clone()),
            spec: RouteSpec::of(spec),
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
