//! Services.

use std::sync::Arc;

use ravelin_model::{AnyObject, IcmpType, Object, ObjectName, ServiceEntry, ServiceSpec};
use serde::{Deserialize, Serialize};

use super::terms::{PortRangeRow, port_ranges, ports_row};
use super::{Stored, named};
use crate::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct ServiceEntryRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    source_ports: Vec<PortRangeRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destination_ports: Vec<PortRangeRow>,
    /// Type and code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    icmp_types: Vec<(u8, Option<u8>)>,
}

impl ServiceEntryRow {
    pub(super) fn of(entry: &ServiceEntry) -> Self {
        let ServiceEntry {
            protocol,
            source_ports,
            destination_ports,
            icmp_types,
        } = entry;
        Self {
            protocol: *protocol,
            source_ports: ports_row(source_ports),
            destination_ports: ports_row(destination_ports),
            icmp_types: icmp_types.iter().map(|icmp| (icmp.kind, icmp.code)).collect(),
        }
    }

    pub(super) fn entry(self) -> Result<ServiceEntry, StoreError> {
        let Self {
            protocol,
            source_ports,
            destination_ports,
            icmp_types,
        } = self;
        Ok(ServiceEntry {
            protocol,
            source_ports: port_ranges(source_ports)?,
            destination_ports: port_ranges(destination_ports)?,
            icmp_types: icmp_types
                .into_iter()
                .map(|(kind, code)| IcmpType { kind, code })
                .collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct ServiceRow {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    entries: Vec<ServiceEntryRow>,
}

impl Stored for ServiceSpec {
    type Row = ServiceRow;

    fn row(&self) -> ServiceRow {
        let Self {
            name: _,
            description,
            entries,
        } = self;
        ServiceRow {
            description: description.clone(),
            entries: entries.iter().map(ServiceEntryRow::of).collect(),
        }
    }

    fn from_row(row: ServiceRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let ServiceRow { description, entries } = row;
        Ok(Self {
            name: named(name)?,
            description,
            entries: entries
                .into_iter()
                .map(ServiceEntryRow::entry)
                .collect::<Result<_, _>>()?,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::Service(object)
    }
}
