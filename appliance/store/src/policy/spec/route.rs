//! Routes and policy routes.

use std::net::IpAddr;
use std::sync::Arc;

use ravelin_model::{
    AnyObject, Object, ObjectName, PolicyRouteSpec, RouteSpec, RouteTarget, routing_table::MAIN,
};
use serde::{Deserialize, Serialize};

use super::{Stored, is_true, parse, yes};
use crate::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum RouteTargetRow {
    Gateway {
        gateway: IpAddr,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interface: Option<String>,
    },
    Interface(String),
    Blackhole,
    Unreachable,
}

fn main_table() -> u32 {
    MAIN
}

fn is_main_table(table: &u32) -> bool {
    *table == MAIN
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct RouteRow {
    destination: String,
    target: RouteTargetRow,
    metric: u32,
    #[serde(default = "main_table", skip_serializing_if = "is_main_table")]
    table: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mtu_bytes: Option<u32>,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
}

impl Stored for RouteSpec {
    type Row = RouteRow;

    fn row(&self) -> RouteRow {
        let Self {
            destination,
            target,
            metric,
            table,
            mtu_bytes,
            enabled,
            description,
        } = self;
        RouteRow {
            destination: destination.to_string(),
            target: match target {
                RouteTarget::Gateway { gateway, interface } => RouteTargetRow::Gateway {
                    gateway: *gateway,
                    interface: interface.clone(),
                },
                RouteTarget::Interface(interface) => RouteTargetRow::Interface(interface.clone()),
                RouteTarget::Blackhole => RouteTargetRow::Blackhole,
                RouteTarget::Unreachable => RouteTargetRow::Unreachable,
            },
            metric: *metric,
            table: *table,
            mtu_bytes: *mtu_bytes,
            enabled: *enabled,
            description: description.clone(),
        }
    }

    fn from_row(row: RouteRow, _: Option<ObjectName>) -> Result<Self, StoreError> {
        let RouteRow {
            destination,
            target,
            metric,
            table,
            mtu_bytes,
            enabled,
            description,
        } = row;
        Ok(Self {
            destination: parse(&destination)?,
            target: match target {
                RouteTargetRow::Gateway { gateway, interface } => RouteTarget::Gateway { gateway, interface },
                RouteTargetRow::Interface(interface) => RouteTarget::Interface(interface),
                RouteTargetRow::Blackhole => RouteTarget::Blackhole,
                RouteTargetRow::Unreachable => RouteTarget::Unreachable,
            },
            metric,
            table,
            mtu_bytes,
            enabled,
            description,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::Route(object)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct PolicyRouteRow {
    priority: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_interface: Option<String>,
    table: u32,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
}

impl Stored for PolicyRouteSpec {
    type Row = PolicyRouteRow;

    fn row(&self) -> PolicyRouteRow {
        let Self {
            priority,
            source,
            destination,
            input_interface,
            table,
            enabled,
            description,
        } = self;
        PolicyRouteRow {
            priority: *priority,
            source: source.map(|network| network.to_string()),
            destination: destination.map(|network| network.to_string()),
            input_interface: input_interface.clone(),
            table: *table,
            enabled: *enabled,
            description: description.clone(),
        }
    }

    fn from_row(row: PolicyRouteRow, _: Option<ObjectName>) -> Result<Self, StoreError> {
        let PolicyRouteRow {
            priority,
            source,
            destination,
            input_interface,
            table,
            enabled,
            description,
        } = row;
        Ok(Self {
            priority,
            source: source.as_deref().map(parse).transpose()?,
            destination: destination.as_deref().map(parse).transpose()?,
            input_interface,
            table,
            enabled,
            description,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::PolicyRoute(object)
    }
}
