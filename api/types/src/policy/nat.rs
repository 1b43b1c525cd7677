//! Address translation.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::address::{addresses, texts};
use super::dnat::{self, DnatFields};
use super::names::zone_text;
use super::spec::{Spec, free_text, name, switch, yes};
use super::{IpProtocol, Names, PortRange};
use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// What a NAT rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NatKind {
    /// New connections that leave by `to_zone` get the address of the interface they leave by. Has `to_zone` and
    /// `source_addresses`.
    Masquerade,
    /// New connections that leave by `to_zone` get a fixed source. Has `to_zone`, `source_addresses`,
    /// `destination_addresses`, `address` (the new source) and `ports`.
    Snat,
    /// New connections to a published address go to another. Has `from_zone`, `address` or `interface`, `protocol`,
    /// `ports`, `target`, `target_port` and `hairpin`.
    Dnat,
    /// Each external address stands for one internal address, both ways. Has `zone`, `external`, `internal` and
    /// `hairpin`.
    OneToOne,
}

/// What a user says of a NAT rule. Which members there are depends on `kind`; the other ones are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NatRuleSpec {
    /// Unique.
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "to the internet")]
    pub name: Text<model::ObjectName>,
    /// A rule that is not enabled matches nothing.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// What it does.
    pub kind: NatKind,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub comment: String,
    /// `masquerade`, `snat`: id or name of the zone connections leave by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "wan")]
    pub to_zone: Option<String>,
    /// `masquerade`, `snat`: from these addresses, prefixes or ranges; empty: from everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub source_addresses: Option<Vec<Text<model::AddressRange>>>,
    /// `snat`: to these; empty: to everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub destination_addresses: Option<Vec<Text<model::AddressRange>>>,
    /// `snat`: the new source. `dnat`: what packets were sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "203.0.113.1")]
    pub address: Option<IpAddr>,
    /// `dnat`: packets were sent to any address of this interface, instead of `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// `dnat`: missing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub protocol: Option<IpProtocol>,
    /// `dnat`: ports packets were sent to; missing: every port. `snat`: ports the new source may use; missing: the
    /// kernel chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ports: Option<PortRange>,
    /// `dnat`: id or name of the zone packets come in from, or `any`, which it also is when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_zone: Option<String>,
    /// `dnat`: where they go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub target: Option<IpAddr>,
    /// `dnat`: the first of as many ports as there are in `ports`; missing: ports stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 65535)]
    pub target_port: Option<u16>,
    /// `one_to_one`: id or name of the zone the external addresses are seen from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub zone: Option<String>,
    /// `one_to_one`: an address or a prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub external: Option<String>,
    /// `one_to_one`: of the same family and as many addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub internal: Option<String>,
    /// `dnat`, `one_to_one`: whether other zones reach the target by the published address too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hairpin: Option<bool>,
}

impl Spec for NatRuleSpec {
    type Model = model::NatRuleSpec;

    fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<model::NatRuleSpec> {
        let mut fields = Fields::of(node, errors)?;
        let name = name(&mut fields, errors);
        let enabled = switch(&mut fields, "enabled", true, errors);
        let comment = free_text(&mut fields, "comment", errors);
        let words = [
            ("masquerade", NatKind::Masquerade),
            ("snat", NatKind::Snat),
            ("dnat", NatKind::Dnat),
            ("one_to_one", NatKind::OneToOne),
        ];
        // Without a kind nobody knows which of the other members may be there.
        let kind = fields.required_with("kind", errors, |node, errors| node.word(&words, errors))?;
        let translation = match kind {
            NatKind::Masquerade => masquerade(&mut fields, names, errors),
            NatKind::Snat => snat(&mut fields, names, errors),
            NatKind::Dnat => {
                DnatFields::read(&mut fields, names, false, errors).map(model::Translation::Dnat)
            }
            NatKind::OneToOne => one_to_one(&mut fields, names, errors),
        };
        fields.finish(errors);
        Some(model::NatRuleSpec {
            name: name?,
            enabled: enabled?,
            translation: translation?,
            comment: comment?,
        })
    }

    fn of(spec: &model::NatRuleSpec) -> Self {
        let model::NatRuleSpec {
            name,
            enabled,
            translation,
            comment,
        } = spec;
        let mut shown = Self {
            name: Text(name.clone()),
            enabled: *enabled,
            kind: NatKind::Masquerade,
            comment: comment.clone(),
            to_zone: None,
            source_addresses: None,
            destination_addresses: None,
            address: None,
            interface: None,
            protocol: None,
            ports: None,
            from_zone: None,
            target: None,
            target_port: None,
            zone: None,
            external: None,
            internal: None,
            hairpin: None,
        };
        shown.fill(translation);
        shown
    }
}

impl NatRuleSpec {
    fn fill(&mut self, translation: &model::Translation) {
        match translation {
            model::Translation::Masquerade { to, source } => {
                self.kind = NatKind::Masquerade;
                self.to_zone = Some(to.to_string());
                self.source_addresses = Some(texts(source));
            }
            model::Translation::Snat {
                to,
                source,
                destination,
                address,
                ports,
            } => {
                self.kind = NatKind::Snat;
                self.to_zone = Some(to.to_string());
                self.source_addresses = Some(texts(source));
                self.destination_addresses = Some(texts(destination));
                self.address = Some(*address);
                self.ports = ports.map(PortRange);
            }
            model::Translation::Dnat(dnat) => {
                let DnatFields {
                    address,
                    interface,
                    protocol,
                    ports,
                    target,
                    target_port,
                    hairpin,
                } = DnatFields::of(dnat);
                self.kind = NatKind::Dnat;
                self.from_zone = Some(zone_text(&dnat.from));
                self.address = address;
                self.interface = interface;
                self.protocol = Some(protocol);
                self.ports = ports;
                self.target = Some(target);
                self.target_port = target_port;
                self.hairpin = Some(hairpin);
            }
            model::Translation::OneToOne {
                zone,
                external,
                internal,
                hairpin,
            } => {
                self.kind = NatKind::OneToOne;
                self.zone = Some(zone.to_string());
                self.external = Some(model::AddressRange::from(*external).to_string());
                self.internal = Some(model::AddressRange::from(*internal).to_string());
                self.hairpin = Some(*hairpin);
            }
        }
    }
}

fn masquerade(fields: &mut Fields<'_>, names: &Names, errors: &mut Errors) -> Option<model::Translation> {
    let to = fields.required_with("to_zone", errors, |node, errors| names.zone(&node, errors));
    let source = addresses(fields, "source_addresses", errors);
    Some(model::Translation::Masquerade {
        to: to?,
        source: source?,
    })
}

fn snat(fields: &mut Fields<'_>, names: &Names, errors: &mut Errors) -> Option<model::Translation> {
    let to = fields.required_with("to_zone", errors, |node, errors| names.zone(&node, errors));
    let source = addresses(fields, "source_addresses", errors);
    let destination = addresses(fields, "destination_addresses", errors);
    let address = fields.required_with("address", errors, |node, errors| node.text(errors));
    let ports = fields.optional_with("ports", errors, PortRange::from_json);
    Some(model::Translation::Snat {
        to: to?,
        source: source?,
        destination: destination?,
        address: address?,
        ports: ports?.map(|ports| ports.0),
    })
}

fn one_to_one(fields: &mut Fields<'_>, names: &Names, errors: &mut Errors) -> Option<model::Translation> {
    let zone = fields.required_with("zone", errors, |node, errors| names.zone(&node, errors));
    let external = fields.required_with("external", errors, network);
    let internal = fields.required_with("internal", errors, |node, errors| {
        Some((network(node.clone(), errors)?, node))
    });
    let hairpin = switch(fields, "hairpin", false, errors);
    let (external, (internal, node)) = (external?, internal?);
    if !dnat::same_family(external.addr(), internal.addr()) || external.prefix_len() != internal.prefix_len()
    {
        errors.add(
            &node,
            "range",
            "has not as many addresses of the same family as 'external'",
        );
        return None;
    }
    Some(model::Translation::OneToOne {
        zone: zone?,
        external,
        internal,
        hairpin: hairpin?,
    })
}

/// An address or a prefix without host bits.
fn network(node: Node<'_>, errors: &mut Errors) -> Option<IpNet> {
    let text = node.string(errors)?;
    let net = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse::<IpNet>().ok().filter(|net| net.trunc() == *net),
    };
    if net.is_none() {
        errors.add(
            &node,
            "format",
            "is not an address or a prefix such as 192.0.2.0/28",
        );
    }
    net
}

/// A NAT rule. NAT rules are ordered; in each direction the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NatRule {
    /// Never changes.
    #[schema(value_type = String, example = "nat_1f")]
    pub id: Text<model::NatRuleId>,
    /// Place among the NAT rules, from 1.
    #[schema(minimum = 1)]
    pub position: u64,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: NatRuleSpec,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag. A move changes it, an order of all does not.
    pub revision: u64,
}

impl NatRule {
    /// A NAT rule of a policy at this place, from 0.
    pub fn of(rule: &model::NatRule, index: usize) -> Self {
        let model::NatRule {
            id,
            // The data plane does not know it by number.
            number: _,
            spec,
            updated_at,
            revision,
        } = rule;
        Self {
            id: Text(id.clone()),
            position: index as u64 + 1,
            spec: NatRuleSpec::of(spec),
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
