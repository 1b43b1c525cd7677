//! The policy: commits and what follows from them.

mod cards;
mod commits;
mod confirming;
mod counting;
mod failing;
mod following;
mod history;
mod judging;
mod live_connections;
mod network;
mod refusals;

use std::collections::BTreeSet;

use ravelin_compile::PolicyPacket;
use ravelin_control::{CommitOptions, Committed, ControlError, Operation, PolicyOperation, Precondition};
use ravelin_model::{
    Action, AddressMatch, ObjectName, RuleId, RuleSpec, ServiceEntry, ServiceMatch, ZoneId, ZoneMatch,
    ZonePairId, ZonePairSpec, ZoneSpec, protocol,
};

use crate::engine::{Engine, actor};

pub const ANY: Precondition = Precondition::Exists;

pub fn name(text: &str) -> ObjectName {
    text.parse().expect("name")
}

pub fn zone_id(text: &str) -> ZoneId {
    format!("zon_{text}").parse().expect("zone id")
}

pub fn rule_id(text: &str) -> RuleId {
    format!("rul_{text}").parse().expect("rule id")
}

pub fn pair_id(text: &str) -> ZonePairId {
    format!("zpr_{text}").parse().expect("zone pair id")
}

/// A zone `zon_<name>` with these interfaces.
pub fn zone(text: &str, interfaces: &[&str]) -> PolicyOperation {
    PolicyOperation::Zone(Operation::Create {
        id: Some(zone_id(text)),
        spec: zone_spec(text, interfaces),
    })
}

pub fn zone_spec(text: &str, interfaces: &[&str]) -> ZoneSpec {
    ZoneSpec {
        name: name(text),
        description: String::new(),
        interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        management: false,
    }
}

/// What happens by default from one zone to another.
pub fn pair(from: &str, to: &str, default_action: Action) -> PolicyOperation {
    PolicyOperation::ZonePair(Operation::Create {
        id: Some(pair_id(&format!("{from}{to}"))),
        spec: ZonePairSpec {
            from: zone_id(from),
            to: zone_id(to),
            default_action,
            log: false,
        },
    })
}

/// TCP to a port from any zone to any.
pub fn rule_spec(text: &str, action: Action, port: u16) -> RuleSpec {
    RuleSpec {
        name: name(text),
        enabled: true,
        from: ZoneMatch::Any,
        to: ZoneMatch::Any,
        source: AddressMatch::default(),
        destination: AddressMatch::default(),
        services: vec![ServiceMatch::Entry(ServiceEntry {
            protocol: Some(protocol::TCP),
            source_ports: Vec::new(),
            destination_ports: vec![ravelin_model::PortRange::new(port, port).expect("a port")],
            icmp_types: Vec::new(),
        })],
        action,
        log: false,
        rate_limit: None,
        schedule: None,
        expires_at: None,
        comment: String::new(),
        tags: BTreeSet::new(),
    }
}

/// A rule `rul_<name>`.
pub fn rule(text: &str, action: Action, port: u16) -> PolicyOperation {
    PolicyOperation::Rule(Operation::Create {
        id: Some(rule_id(text)),
        spec: rule_spec(text, action, port),
    })
}

pub async fn try_commit(
    engine: &Engine,
    operations: Vec<PolicyOperation>,
) -> Result<Committed, ControlError> {
    engine
        .control
        .commit_policy(operations, CommitOptions::default(), &actor())
        .await
}

pub async fn commit(engine: &Engine, operations: Vec<PolicyOperation>) -> Committed {
    try_commit(engine, operations).await.expect("commit")
}

/// Zones `lan` on `lan0` and `wan` on `wan0`.
pub async fn zoned(engine: &Engine) -> Committed {
    commit(engine, vec![zone("lan", &["lan0"]), zone("wan", &["wan0"])]).await
}

/// A TCP packet from `lan` to `wan`.
pub fn packet(port: u16) -> PolicyPacket {
    let number = |number| ravelin_model::ZoneNumber::new(number).expect("zone");
    PolicyPacket {
        from: number(2),
        to: number(3),
        source: "192.168.0.10".parse().expect("address"),
        destination: "203.0.113.9".parse().expect("address"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: port,
        icmp: (0, 0),
    }
}

/// Ids of the rules in order.
pub fn order(engine: &Engine) -> Vec<String> {
    let view = engine.control.policy();
    view.policy.rules.iter().map(|rule| rule.id.to_string()).collect()
}

/// Counter of a rule.
pub fn counter(engine: &Engine, id: &str) -> u32 {
    let view = engine.control.policy();
    let rule = view.policy.rules.iter().find(|rule| rule.id == rule_id(id));
    rule.expect("the rule is there").number
}
