//! What would become of a packet.

use std::net::IpAddr;

use ravelin_model as model;
use ravelin_model::protocol;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::service::byte;
use super::spec::interface_name;
use super::{Action, IpProtocol, Names};
use crate::{Errors, Fields, FromJson, Node};

/// The first packet of a connection. Either `interface` or `from_zone` says where it comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationRequest {
    /// Kernel name of the interface it comes in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// Id or name of the zone it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "lan")]
    pub from_zone: Option<String>,
    /// Id or name of the zone it would leave by; missing: by the routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_zone: Option<String>,
    /// From.
    #[schema(value_type = String, example = "192.168.1.5")]
    pub source: IpAddr,
    /// To, before translation.
    #[schema(value_type = String, example = "203.0.113.7")]
    pub destination: IpAddr,
    /// A protocol, not `any`; missing: TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub protocol: Option<IpProtocol>,
    /// Only with TCP, UDP and SCTP; missing: 49152.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 65535)]
    pub source_port: Option<u16>,
    /// Needed with TCP, UDP and SCTP, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 65535)]
    pub destination_port: Option<u16>,
    /// Only with ICMP and ICMPv6; missing: echo request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 255)]
    pub icmp_type: Option<u8>,
    /// Only with ICMP and ICMPv6; missing: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 255)]
    pub icmp_code: Option<u8>,
    /// Only with TCP: `syn`, which it also is when missing. The policy judges new connections; conntrack judges the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "syn")]
    pub tcp_flags: Option<String>,
}

/// First of the ports the IANA keeps for clients (RFC 6335).
const CLIENT_PORT: u16 = 49152;

/// Where a packet to simulate comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimulatedEntry {
    /// By this interface.
    Interface(String),
    /// From this zone.
    Zone(model::ZoneId),
}

/// A packet to simulate, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedPacket {
    /// Where it comes in.
    pub entry: SimulatedEntry,
    /// Where it would leave; None: by the routes.
    pub to: Option<model::ZoneId>,
    /// From.
    pub source: IpAddr,
    /// To, of the same family.
    pub destination: IpAddr,
    /// IANA number.
    pub protocol: u8,
    /// 0 where the protocol has none.
    pub source_port: u16,
    /// 0 where the protocol has none.
    pub destination_port: u16,
    /// Type and code; 0 unless it is ICMP or ICMPv6.
    pub icmp: (u8, u8),
}

impl SimulationRequest {
    /// Reads a packet.
    pub fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<SimulatedPacket> {
        let mut fields = Fields::of(node, errors)?;
        let entry = entry(&mut fields, names, errors);
        let to = fields.optional_with("to_zone", errors, |node, errors| names.zone(&node, errors));
        let source = fields.required_with("source", errors, |node, errors| node.text::<IpAddr>(errors));
        let destination = fields.required_with("destination", errors, |node, errors| {
            let destination: IpAddr = node.text(errors)?;
            if source.is_some_and(|source| source.is_ipv4() != destination.is_ipv4()) {
                errors.add(&node, "format", "is not of the family of 'source'");
                return None;
            }
            Some(destination)
        });
        let number = fields.or("protocol", protocol::TCP, errors, |node, errors| {
            let number = IpProtocol::from_json(node.clone(), errors)?.number();
            if number.is_none() {
                errors.add(&node, "format", "is no protocol: a packet has one");
            }
            number
        });
        let ports = ports(&mut fields, number, errors);
        let icmp = icmp(&mut fields, number, errors);
        tcp_flags(&mut fields, number, errors);
        fields.finish(errors);
        let (source_port, destination_port) = ports?;
        Some(SimulatedPacket {
            entry: entry?,
            to: to?,
            source: source?,
            destination: destination?,
            protocol: number?,
            source_port,
            destination_port,
            icmp: icmp?,
        })
    }
}

fn entry(fields: &mut Fields<'_>, names: &Names, errors: &mut Errors) -> Option<SimulatedEntry> {
    let zone = fields.optional_with("from_zone", errors, |node, errors| {
        Some((names.zone(&node, errors)?, node))
    })?;
    let Some((zone, node)) = zone else {
        let interface =
            fields.required_with("interface", errors, |node, errors| interface_name(&node, errors));
        return interface.map(SimulatedEntry::Interface);
    };
    let interface =
        fields.optional_with("interface", errors, |node, errors| interface_name(&node, errors))?;
    if interface.is_some() {
        errors.add(
            &node,
            "not_applicable",
            "comes instead of 'interface', not beside it",
        );
        return None;
    }
    Some(SimulatedEntry::Zone(zone))
}

fn ports(fields: &mut Fields<'_>, number: Option<u8>, errors: &mut Errors) -> Option<(u16, u16)> {
    // What is wrong with the protocol is said once.
    let has = number.is_none_or(protocol::has_ports);
    let read = |node: Node<'_>, errors: &mut Errors| {
        if !has {
            errors.add(&node, "not_applicable", "only TCP, UDP and SCTP have ports");
            return None;
        }
        let port = node.integer(&(0..=u32::from(u16::MAX)), errors)?;
        u16::try_from(port).ok()
    };
    let source = fields.optional_with("source_port", errors, read);
    let destination = if number.is_some_and(protocol::has_ports) {
        fields.required_with("destination_port", errors, read).map(Some)
    } else {
        fields.optional_with("destination_port", errors, read)
    };
    let source = source?.unwrap_or(if has { CLIENT_PORT } else { 0 });
    Some((source, destination?.unwrap_or(0)))
}

fn icmp(fields: &mut Fields<'_>, number: Option<u8>, errors: &mut Errors) -> Option<(u8, u8)> {
    let echo = match number {
        Some(protocol::ICMP) => Some(8),
        Some(protocol::ICMPV6) => Some(128),
        _ => None,
    };
    let read = |node: Node<'_>, errors: &mut Errors| {
        if number.is_some() && echo.is_none() {
            errors.add(&node, "not_applicable", "only ICMP and ICMPv6 have messages");
            return None;
        }
        byte(&node, errors)
    };
    let kind = fields.optional_with("icmp_type", errors, read);
    let code = fields.optional_with("icmp_code", errors, read);
    Some((kind?.or(echo).unwrap_or(0), code?.unwrap_or(0)))
}

fn tcp_flags(fields: &mut Fields<'_>, number: Option<u8>, errors: &mut Errors) {
    fields.optional_with("tcp_flags", errors, |node, errors| {
        if number.is_some_and(|number| number != protocol::TCP) {
            errors.add(&node, "not_applicable", "only TCP has flags");
            return None;
        }
        node.word(&[("syn", ())], errors)
    });
}

/// A zone in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZoneReference {
    /// Its id.
    #[schema(example = "zon_1f")]
    pub id: String,
    /// Its name.
    #[schema(example = "lan")]
    pub name: String,
}

/// What decides about a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyLine {
    /// `rule`, `published_service`, `zone_pair`, `unwritten_pair` or `anti_lockout`.
    #[schema(example = "rule")]
    pub origin: String,
    /// Id of the rule, the published service or the zone pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub origin_id: Option<String>,
    /// Name of the rule or the published service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub origin_name: Option<String>,
}

/// Destination translation of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulatedTranslation {
    /// Who translates: `nat_rule` or `published_service`.
    pub origin: String,
    /// Its id.
    pub origin_id: String,
    /// Destination after it.
    #[schema(value_type = String)]
    pub destination: IpAddr,
    /// Port after it; 0 where the protocol has none.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub destination_port: u16,
}

/// What one of the two says of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulatedVerdict {
    /// What becomes of it; missing: the program leaves it to nftables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub verdict: Option<Action>,
    /// What decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_by: Option<PolicyLine>,
    /// The program only: where it would leave, if it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_zone: Option<ZoneReference>,
    /// The program only: destination after translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub destination: Option<IpAddr>,
    /// The program only: port after translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 65535)]
    pub destination_port: Option<u16>,
}

/// A line that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsideredLine {
    /// The line.
    pub line: PolicyLine,
    /// Whether it decided.
    pub matched: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "source is not in 10.0.0.0/8")]
    pub why_not: Option<String>,
}

/// What would become of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Simulation {
    /// What becomes of it.
    pub verdict: Action,
    /// What decides: `rule`, `published_service`, `zone_pair`, `unwritten_pair` or `anti_lockout`.
    #[schema(example = "rule")]
    pub reason: String,
    /// The rule that decides, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule: Option<super::Reference>,
    /// What decides, whatever it is.
    pub decided_by: PolicyLine,
    /// Where it comes in.
    pub from_zone: ZoneReference,
    /// Where it would leave.
    pub to_zone: ZoneReference,
    /// Destination translation, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub translation: Option<SimulatedTranslation>,
    /// What the loaded program says; missing: it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub by_program: Option<SimulatedVerdict>,
    /// Why the program was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub by_program_missing: Option<String>,
    /// What the reference says.
    pub by_reference: SimulatedVerdict,
    /// Whether both say the same. A program that leaves the packet to nftables says nothing else.
    pub agree: bool,
    /// Every line that was looked at, up to the one that decides.
    pub considered: Vec<ConsideredLine>,
    /// Revision of the policy.
    pub revision: u64,
}
