//! Which live connections are meant.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model as model;
use ravelin_model::{FlowState, NatMatch, Offload};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, IpProtocol, Node};

/// Which connections are meant: those everything given fits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowFilter {
    /// Protocol by name, or its IANA number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub protocol: Option<IpProtocol>,
    /// Who began it: an address or a prefix, before or after translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "192.0.2.0/24")]
    pub source: Option<String>,
    /// The other side, before or after translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2001:db8::7")]
    pub destination: Option<String>,
    /// Either side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "192.0.2.7")]
    pub address: Option<String>,
    /// Port it goes to, before or after translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, nullable = false, minimum = 0, maximum = 65535)]
    pub port: Option<u16>,
    /// Zone it comes from or goes to, by id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "lan")]
    pub zone: Option<String>,
    /// Rule that let it in, by id or name; an id may be that of a rule that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule: Option<String>,
    /// `state` of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "established")]
    pub state: Option<String>,
    /// What forwards its packets: `no`, `xdp`, `flowtable` or `hw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "xdp")]
    pub offload: Option<String>,
    /// What is translated: `snat`, `dnat`, `any` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "snat")]
    pub nat: Option<String>,
}

impl FlowFilter {
    /// Reads a filter; zones and rules are those of the policy.
    pub fn read(node: Node<'_>, policy: &model::Policy, errors: &mut Errors) -> Option<model::FlowFilter> {
        let mut fields = Fields::of(node, errors)?;
        let protocol = fields.optional_with("protocol", errors, IpProtocol::from_json);
        let source = fields.optional_with("source", errors, network);
        let destination = fields.optional_with("destination", errors, network);
        let address = fields.optional_with("address", errors, network);
        let port = fields.optional_with("port", errors, |node, errors| {
            u16::try_from(node.integer(&(0..=u32::from(u16::MAX)), errors)?).ok()
        });
        let zone = fields.optional_with("zone", errors, |node, errors| zone(&node, policy, errors));
        let rule = fields.optional_with("rule", errors, |node, errors| rule(&node, policy, errors));
        let state = fields.optional_with("state", errors, |node, errors| {
            let words: Vec<_> = FlowState::all().map(|state| (state.name(), state)).collect();
            node.word(&words, errors)
        });
        let offload = fields.optional_with("offload", errors, |node, errors| {
            node.word(&Offload::ALL.map(|offload| (offload.name(), offload)), errors)
        });
        let nat = fields.optional_with("nat", errors, |node, errors| {
            node.word(&NatMatch::ALL.map(|nat| (nat.name(), nat)), errors)
        });
        fields.finish(errors);
        Some(model::FlowFilter {
            protocol: protocol?.and_then(IpProtocol::number),
            source: source?,
            destination: destination?,
            address: address?,
            port: port?,
            zone: zone?,
            rule: rule?,
            state: state?,
            offload: offload?,
            nat: nat?,
        })
    }
}

fn network(node: Node<'_>, errors: &mut Errors) -> Option<IpNet> {
    let text = node.string(errors)?;
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = address.or_else(|_| text.parse::<IpNet>().map(|network| network.trunc()));
    network
        .map_err(|_| errors.add(&node, "format", "is not an address or a prefix"))
        .ok()
}

fn zone(node: &Node<'_>, policy: &model::Policy, errors: &mut Errors) -> Option<model::ZoneId> {
    let text = node.string(errors)?;
    let by_id = text.parse().ok().filter(|id| policy.zones.contains_key(id));
    let by_name = || {
        let mut zones = policy.zones.values();
        let zone = zones.find(|zone| zone.spec.name.as_str() == text)?;
        Some(zone.id.clone())
    };
    let found = by_id.or_else(by_name);
    if found.is_none() {
        errors.add(node, "reference", format!("there is no zone '{text}'"));
    }
    found
}

fn rule(node: &Node<'_>, policy: &model::Policy, errors: &mut Errors) -> Option<model::RuleId> {
    let text = node.string(errors)?;
    let mut rules = policy.rules.iter();
    let named = rules.find(|rule| rule.spec.name.as_str() == text);
    let found = named.map(|rule| rule.id.clone()).or_else(|| text.parse().ok());
    if found.is_none() {
        errors.add(node, "reference", format!("there is no rule '{text}'"));
    }
    found
}
