//! Servers this box asks for names.

use std::net::IpAddr;
use std::num::NonZeroU16;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Names;
use super::spec::{Spec, free_text};
use crate::{Errors, Fields, Node, Text, Timestamp};

/// Priority of a server nobody gave one.
const PRIORITY: u32 = 100;

/// Highest priority.
const LAST_PRIORITY: u32 = 65_535;

fn default_port() -> u16 {
    53
}

fn default_priority() -> u32 {
    PRIORITY
}

/// What a user says of a DNS server. `address` and `port` together are unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DnsServerSpec {
    /// Its address.
    #[schema(value_type = String, example = "9.9.9.9")]
    pub address: IpAddr,
    /// Its UDP and TCP port.
    #[serde(default = "default_port")]
    #[schema(minimum = 1, maximum = 65535)]
    pub port: u16,
    /// Lower ones are asked first.
    #[serde(default = "default_priority")]
    #[schema(minimum = 0, maximum = 65535)]
    pub priority: u32,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub description: String,
}

impl Spec for DnsServerSpec {
    type Model = model::DnsServerSpec;

    fn read(node: Node<'_>, _: &Names, errors: &mut Errors) -> Option<model::DnsServerSpec> {
        let mut fields = Fields::of(node, errors)?;
        let address = fields.required::<Text<IpAddr>>("address", errors);
        let port = fields.or("port", u32::from(default_port()), errors, |node, errors| {
            node.integer(&(1..=u32::from(u16::MAX)), errors)
        });
        let port = port.and_then(|port| NonZeroU16::new(u16::try_from(port).ok()?));
        let priority = fields.or("priority", PRIORITY, errors, |node, errors| {
            node.integer(&(0..=LAST_PRIORITY), errors)
        });
        let description = free_text(&mut fields, "description", errors);
        fields.finish(errors);
        Some(model::DnsServerSpec {
            address: address?.0,
            port: port?,
            priority: priority?,
            description: description?,
        })
    }

    fn of(spec: &model::DnsServerSpec) -> Self {
        let model::DnsServerSpec {
            address,
            port,
            priority,
            description,
        } = spec;
        Self {
            address: *address,
            port: port.get(),
            priority: *priority,
            description: description.clone(),
        }
    }
}

/// A server this box asks for names. Where there is any, those DHCP told are not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DnsServer {
    /// Never changes.
    #[schema(value_type = String, example = "dns_1f")]
    pub id: Text<model::DnsServerId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: DnsServerSpec,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<&model::DnsServer> for DnsServer {
    fn from(server: &model::DnsServer) -> Self {
        let model::DnsServer {
            id,
            // The data plane does not know them.
            number: _,
            spec,
            updated_at,
            revision,
        } = server;
        Self {
            id: Text(id.clone()),
            spec: DnsServerSpec::of(spec),
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
