//! Services: protocols and ports.

use std::fmt;
use std::str::FromStr;

use ravelin_model as model;
use ravelin_model::protocol;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

use super::Names;
use super::spec::{Spec, free_text, name};
use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// A protocol that has a name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolName {
    /// Every protocol.
    Any,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP for IPv4; no IPv6 packet matches it.
    Icmp,
    /// ICMP for IPv6; no IPv4 packet matches it.
    Icmpv6,
    /// ESP.
    Esp,
    /// GRE.
    Gre,
}

/// Words of protocols and what they are in the model.
const PROTOCOLS: [(&str, ProtocolName, Option<u8>); 8] = [
    ("any", ProtocolName::Any, None),
    ("tcp", ProtocolName::Tcp, Some(protocol::TCP)),
    ("udp", ProtocolName::Udp, Some(protocol::UDP)),
    ("sctp", ProtocolName::Sctp, Some(protocol::SCTP)),
    ("icmp", ProtocolName::Icmp, Some(protocol::ICMP)),
    ("icmpv6", ProtocolName::Icmpv6, Some(protocol::ICMPV6)),
    ("esp", ProtocolName::Esp, Some(protocol::ESP)),
    ("gre", ProtocolName::Gre, Some(protocol::GRE)),
];

/// What is behind the IP headers: a name, or the IANA number where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum IpProtocol {
    /// By name.
    Name(ProtocolName),
    /// By number.
    #[schema(value_type = i32)]
    Number(u8),
}

impl IpProtocol {
    /// As the model has it: None is every protocol.
    pub fn number(self) -> Option<u8> {
        match self {
            Self::Number(number) => Some(number),
            Self::Name(name) => PROTOCOLS.iter().find(|row| row.1 == name).and_then(|row| row.2),
        }
    }
}

impl From<Option<u8>> for IpProtocol {
    fn from(number: Option<u8>) -> Self {
        let named = PROTOCOLS.iter().find(|row| row.2 == number);
        match (named, number) {
            (Some(row), _) => Self::Name(row.1),
            (None, number) => Self::Number(number.unwrap_or_default()),
        }
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => {
                let row = PROTOCOLS.iter().find(|row| row.1 == *name);
                f.write_str(row.map_or("", |row| row.0))
            }
        }
    }
}

impl FromJson for IpProtocol {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        if let Value::Number(_) = node.value() {
            let number = node.integer(&(0..=255), errors)?;
            return Some(Self::from(u8::try_from(number).ok()));
        }
        let words = PROTOCOLS.map(|(word, name, _)| (word, name));
        node.word(&words, errors).map(Self::Name)
    }
}

/// Ports from the first to the last: `80`, `8000-8010`. Requests may send one port as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange(pub model::PortRange);

/// Not a port or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a port or a range of ports from 0 to 65535, such as 80 or \"8000-8010\"")]
pub struct InvalidPortRange;

impl FromStr for PortRange {
    type Err = InvalidPortRange;

    fn from_str(text: &str) -> Result<Self, InvalidPortRange> {
        let port = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits
                .then(|| text.parse().ok())
                .flatten()
                .ok_or(InvalidPortRange)
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        model::PortRange::new(port(first)?, port(last)?)
            .map(Self)
            .ok_or(InvalidPortRange)
    }
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        // A port is not less than itself.
        Self(model::PortRange::new(port, port).unwrap_or(model::PortRange::ALL))
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().map_err(de::Error::custom),
            other => u16::deserialize(other).map(Self::from).map_err(de::Error::custom),
        }
    }
}

impl PartialSchema for PortRange {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]{1,5}(-[0-9]{1,5})?$"));
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(65535));
        OneOfBuilder::new()
            .description(Some("A port or a range of ports. Answers always have the text."))
            .item(schema::Schema::Object(text.build()))
            .item(schema::Schema::Object(number.build()))
            .into()
    }
}

impl ToSchema for PortRange {}

impl FromJson for PortRange {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        if let Value::Number(_) = node.value() {
            let port = node.integer(&(0..=u32::from(u16::MAX)), errors)?;
            return u16::try_from(port).ok().map(Self::from);
        }
        Text::from_json(node, errors).map(|text| text.0)
    }
}

/// An ICMP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IcmpType {
    /// The type.
    #[serde(rename = "type")]
    #[schema(value_type = i32, minimum = 0, maximum = 255, example = 8)]
    pub type_: u8,
    /// Missing: every code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 255)]
    pub code: Option<u8>,
}

/// A number of one byte.
pub(super) fn byte(node: &Node<'_>, errors: &mut Errors) -> Option<u8> {
    node.integer(&(0..=255), errors)
        .and_then(|n| u8::try_from(n).ok())
}

impl FromJson for IcmpType {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let type_ = fields.required_with("type", errors, |node, errors| byte(&node, errors));
        let code = fields.optional_with("code", errors, |node, errors| byte(&node, errors));
        fields.finish(errors);
        Some(Self {
            type_: type_?,
            code: code?,
        })
    }
}

/// A protocol and what it must be within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceEntry {
    /// The protocol.
    pub protocol: IpProtocol,
    /// Any of these; empty: every port. Only for TCP, UDP and SCTP.
    #[serde(default)]
    pub source_ports: Vec<PortRange>,
    /// Any of these; empty: every port. Only for TCP, UDP and SCTP.
    #[serde(default)]
    pub destination_ports: Vec<PortRange>,
    /// Any of these; empty: every message. Only for ICMP and ICMPv6.
    #[serde(default)]
    pub icmp_types: Vec<IcmpType>,
}

impl ServiceEntry {
    pub(super) fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::ServiceEntry> {
        let mut fields = Fields::of(node, errors)?;
        let protocol: Option<IpProtocol> = fields.required("protocol", errors);
        // What is wrong with the protocol is said once.
        let number = protocol.map(IpProtocol::number);
        let has_ports = number.is_none_or(|number| number.is_some_and(protocol::has_ports));
        let has_types = number.is_none_or(|number| matches!(number, Some(protocol::ICMP | protocol::ICMPV6)));
        let mut ports = |name, errors: &mut Errors| {
            let ports = within::<PortRange>(&mut fields, name, has_ports, "TCP, UDP and SCTP", errors)?;
            Some(ports.into_iter().map(|range| range.0).collect())
        };
        let source_ports = ports("source_ports", errors);
        let destination_ports = ports("destination_ports", errors);
        let icmp_types = within::<IcmpType>(&mut fields, "icmp_types", has_types, "ICMP and ICMPv6", errors);
        fields.finish(errors);
        let icmp_type = |IcmpType { type_, code }| model::IcmpType { kind: type_, code };
        Some(model::ServiceEntry {
            protocol: number?,
            source_ports: source_ports?,
            destination_ports: destination_ports?,
            icmp_types: icmp_types?.into_iter().map(icmp_type).collect(),
        })
    }

    pub(super) fn of(entry: &model::ServiceEntry) -> Self {
        let model::ServiceEntry {
            protocol,
            source_ports,
            destination_ports,
            icmp_types,
        } = entry;
        let icmp_type = |model::IcmpType { kind, code }: &model::IcmpType| IcmpType {
            type_: *kind,
            code: *code,
        };
        Self {
            protocol: (*protocol).into(),
            source_ports: source_ports.iter().copied().map(PortRange).collect(),
            destination_ports: destination_ports.iter().copied().map(PortRange).collect(),
            icmp_types: icmp_types.iter().map(icmp_type).collect(),
        }
    }
}

/// An array that only some protocols have; missing: empty.
fn within<T: FromJson>(
    fields: &mut Fields<'_>,
    name: &'static str,
    has: bool,
    protocols: &str,
    errors: &mut Errors,
) -> Option<Vec<T>> {
    fields.or(name, Vec::new(), errors, |node, errors| {
        let values = Vec::from_json(node.clone(), errors)?;
        if !has && !values.is_empty() {
            errors.add(&node, "not_applicable", format!("only {protocols} have them"));
            return None;
        }
        Some(values)
    })
}

/// A service in a rule: written out, or a named one by id or name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RuleService {
    /// By id or name.
    Named(String),
    /// Written out.
    Entry(ServiceEntry),
}

impl RuleService {
    pub(super) fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<model::ServiceMatch> {
        if let Value::String(_) = node.value() {
            names.service(&node, errors).map(model::ServiceMatch::Named)
        } else {
            ServiceEntry::read(node, errors).map(model::ServiceMatch::Entry)
        }
    }

    pub(super) fn of(service: &model::ServiceMatch) -> Self {
        match service {
            model::ServiceMatch::Entry(entry) => Self::Entry(ServiceEntry::of(entry)),
            model::ServiceMatch::Named(id) => Self::Named(id.to_string()),
        }
    }
}

/// What a user says of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceSpec {
    /// Unique.
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "web")]
    pub name: Text<model::ObjectName>,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub description: String,
    /// Any of these.
    #[schema(min_items = 1)]
    pub entries: Vec<ServiceEntry>,
}

impl Spec for ServiceSpec {
    type Model = model::ServiceSpec;

    fn read(node: Node<'_>, _: &Names, errors: &mut Errors) -> Option<model::ServiceSpec> {
        let mut fields = Fields::of(node, errors)?;
        let name = name(&mut fields, errors);
        let description = free_text(&mut fields, "description", errors);
        let entries = fields.required_with("entries", errors, |node, errors| {
            let entries = node.items(errors, ServiceEntry::read)?;
            if entries.is_empty() {
                errors.add(&node, "range", "has no entry, so nothing would match");
                return None;
            }
            Some(entries)
        });
        fields.finish(errors);
        Some(model::ServiceSpec {
            name: name?,
            description: description?,
            entries: entries?,
        })
    }

    fn of(spec: &model::ServiceSpec) -> Self {
        let model::ServiceSpec {
            name,
            description,
            entries,
        } = spec;
        Self {
            name: Text(name.clone()),
            description: description.clone(),
            entries: entries.iter().map(ServiceEntry::of).collect(),
        }
    }
}

/// A named service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Never changes.
    #[schema(value_type = String, example = "svc_1f")]
    pub id: Text<model::ServiceId>,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: ServiceSpec,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<&model::Service> for Service {
    fn from(service: &model::Service) -> Self {
        let model::Service {
            id,
            // The data plane does not know services.
            number: _,
            spec,
            updated_at,
            revision,
        } = service;
        Self {
            id: Text(id.clone()),
            spec: ServiceSpec::of(spec),
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
