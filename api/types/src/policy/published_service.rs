//! Published services.

use std::net::IpAddr;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dnat::DnatFields;
use super::names::{any_zone, zone_text};
use super::rule::side;
use super::spec::{Spec, free_text, name, switch, yes};
use super::{AddressMatch, IpProtocol, Names, PortRange, RuleHits};
use crate::{Errors, Fields, Node, Text, Timestamp};

/// What a user says of a published service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedServiceSpec {
    /// Unique.
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "shop")]
    pub name: Text<model::ObjectName>,
    /// One that is not enabled is not published.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// Who may use it: id or name of a zone, or `any`.
    #[serde(default = "any_zone")]
    #[schema(default = "any", example = "wan")]
    pub from_zone: String,
    /// Addresses that may use it.
    #[serde(default)]
    pub source: AddressMatch,
    /// What packets are sent to; or `interface`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "203.0.113.1")]
    pub address: Option<IpAddr>,
    /// Any address of this interface, of the family of the target; instead of `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// The protocol.
    pub protocol: IpProtocol,
    /// Ports packets are sent to; missing: every port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ports: Option<PortRange>,
    /// Where they go. Of the family of the address.
    #[schema(value_type = String, example = "192.168.1.10")]
    pub target: IpAddr,
    /// The first of as many ports as there are in `ports`; missing: ports stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 65535)]
    pub target_port: Option<u16>,
    /// Whether other zones reach the target by the published address too.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub hairpin: bool,
    /// Whether new connections are logged.
    #[serde(default)]
    pub log: bool,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub comment: String,
}

impl Spec for PublishedServiceSpec {
    type Model = model::PublishedServiceSpec;

    fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<model::PublishedServiceSpec> {
        let mut fields = Fields::of(node, errors)?;
        let name = name(&mut fields, errors);
        let enabled = switch(&mut fields, "enabled", true, errors);
        let source = side(&mut fields, "source", names, errors);
        // Nobody publishes every protocol without saying so.
        let protocol: Option<IpProtocol> = fields.required("protocol", errors);
        let translation = match protocol {
            Some(_) => DnatFields::read(&mut fields, names, true, errors),
            None => None,
        };
        let log = switch(&mut fields, "log", false, errors);
        let comment = free_text(&mut fields, "comment", errors);
        if protocol.is_some() {
            fields.finish(errors);
        }
        Some(model::PublishedServiceSpec {
            name: name?,
            enabled: enabled?,
            translation: translation?,
            source: source?,
            log: log?,
            comment: comment?,
        })
    }

    fn of(spec: &model::PublishedServiceSpec) -> Self {
        let model::PublishedServiceSpec {
            name,
            enabled,
            translation,
            source,
            log,
            comment,
        } = spec;
        let DnatFields {
            address,
            interface,
            protocol,
            ports,
            target,
            target_port,
            hairpin,
        } = DnatFields::of(translation);
        Self {
            name: Text(name.clone()),
            enabled: *enabled,
            from_zone: zone_text(&translation.from),
            source: AddressMatch::of(source),
            address,
            interface,
            protocol,
            ports,
            target,
            target_port,
            hairpin,
            log: *log,
            comment: comment.clone(),
        }
    }
}

/// A service of an internal server seen from outside: destination translation, the rule that lets it in, and hairpin, as
/// one object. Its rule comes behind every other rule and before the default of the zone pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedService {
    /// Never changes.
    #[schema(value_type = String, example = "pub_1f")]
    pub id: Text<model::PublishedServiceId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: PublishedServiceSpec,
    /// What its rule caught.
    pub hits: RuleHits,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl PublishedService {
    /// A published service and what its rule caught.
    pub fn of(service: &model::PublishedService, hits: RuleHits) -> Self {
        let model::PublishedService {
            id,
            // The data plane's business.
            number: _,
            spec,
            updated_at,
            revision,
        } = service;
        Self {
            id: Text(id.clone()),
            spec: PublishedServiceSpec::of(spec),
            hits,
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
