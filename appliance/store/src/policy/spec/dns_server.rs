//! DNS servers.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use ravelin_model::{AnyObject, DnsServerSpec, Object, ObjectName};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct DnsServerRow {
    address: IpAddr,
    port: NonZeroU16,
    priority: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
}

impl Stored for DnsServerSpec {
    type Row = DnsServerRow;

    fn row(&self) -> DnsServerRow {
        let Self {
            address,
            port,
            priority,
            description,
        } = self;
        DnsServerRow {
            address: *address,
            port: *port,
            priority: *priority,
            description: description.clone(),
        }
    }

    fn from_row(row: DnsServerRow, _: Option<ObjectName>) -> Result<Self, StoreError> {
        let DnsServerRow {
            address,
            port,
            priority,
            description,
        } = row;
        Ok(Self {
            address,
            port,
            priority,
            description,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::DnsServer(object)
    }
}
