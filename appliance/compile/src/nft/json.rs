//! The table in the words of libnftables-json(5).

use std::collections::BTreeSet;

use ravelin_model::RateLimit;
use serde_json::{Value, json};

use super::NftRuleset;
use super::table::{
    BaseChain, Chain, ConnectionState, Family, Field, Hook, Name, NatMap, NumberKind, Range, Reject, SetBody,
    Statement, Test, Verdict, VerdictMap,
};
use super::term;
use crate::AddressSet;

const FAMILY: &str = "inet";

/// Packets of sources a limit remembers at once; more sources are over the limit.
const SOURCE_LIMIT_SIZE: u32 = 65_535;

/// The table itself.
pub(super) fn table() -> Value {
    json!({"table": {"family": FAMILY, "name": NftRuleset::TABLE}})
}

/// A chain without its rules.
pub(super) fn chain(name: &str, chain: Option<&Chain>) -> Value {
    let mut chain_value = named(name);
    if let Some(base) = chain.and_then(|chain| chain.base) {
        let (kind, hook, priority, policy) = match base {
            BaseChain::Filter(hook) => ("filter", hook, 0, "drop"),
            BaseChain::Nat(hook @ Hook::Postrouting) => ("nat", hook, 100, "accept"),
            BaseChain::Nat(hook) => ("nat", hook, -100, "accept"),
        };
        let hook = match hook {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
        };
        chain_value["type"] = kind.into();
        chain_value["hook"] = hook.into();
        chain_value["prio"] = priority.into();
        chain_value["policy"] = policy.into();
    }
    json!({ "chain": chain_value })
}

/// A rule.
pub(super) fn rule(chain: &str, statements: &[Statement]) -> Value {
    let expressions: Vec<Value> = statements.iter().map(statement).collect();
    json!({"rule": {"family": FAMILY, "table": NftRuleset::TABLE, "chain": chain, "expr": expressions}})
}

/// A limit.
pub(super) fn limit(name: &str, limit: Option<&RateLimit>) -> Value {
    let mut value = named(name);
    if let Some(limit) = limit {
        value["rate"] = limit.rate.into();
        value["per"] = "second".into();
        value["burst"] = limit.burst.into();
    }
    json!({ "limit": value })
}

/// A set or map without its elements.
pub(super) fn set(name: &str, body: &SetBody) -> Value {
    let mut value = named(name);
    let (kind, data) = match body {
        SetBody::Counters(_) => {
            value["stmt"] = json!([{"counter": null}]);
            (json!("mark"), None)
        }
        SetBody::Marks(_) => (json!("mark"), None),
        SetBody::Addresses(family, _) => {
            value["flags"] = json!(["interval"]);
            (json!(address_type(*family)), None)
        }
        SetBody::Numbers(kind, _) => {
            value["flags"] = json!(["interval"]);
            let kind = match kind {
                NumberKind::Protocol => json!("inet_proto"),
                NumberKind::Port => json!("inet_service"),
                NumberKind::IcmpType(Family::V4) => json!("icmp_type"),
                NumberKind::IcmpType(Family::V6) => json!("icmpv6_type"),
                NumberKind::IcmpTypeCode(Family::V4) => json!(["icmp_type", "icmp_code"]),
                NumberKind::IcmpTypeCode(Family::V6) => json!(["icmpv6_type", "icmpv6_code"]),
            };
            (kind, None)
        }
        SetBody::SourceLimit(family, seconds) => {
            value["flags"] = json!(["timeout"]);
            value["timeout"] = (*seconds).into();
            value["size"] = SOURCE_LIMIT_SIZE.into();
            (json!(address_type(*family)), None)
        }
        SetBody::Interfaces(_) => (json!("ifname"), None),
        SetBody::InterfaceIndices(_) => (json!(["iface_index", "ifname"]), None),
        SetBody::InterfaceMarks(_) => (json!(["ifname", "mark"]), None),
        SetBody::InterfaceVerdicts(_) => (json!("ifname"), Some("verdict")),
        SetBody::PairVerdicts(_) => (json!(["ifname", "ifname"]), Some("verdict")),
    };
    value["type"] = kind;
    match data {
        Some(data) => {
            value["map"] = data.into();
            json!({ "map": value })
        }
        None => json!({ "set": value }),
    }
}

/// Elements of a set.
pub(super) fn elements(name: &str, elements: Vec<Value>) -> Value {
    let mut value = named(name);
    value["elem"] = Value::Array(elements);
    json!({ "element": value })
}

/// What is in a set.
pub(super) fn members(body: &SetBody) -> Vec<Value> {
    match body {
        SetBody::Counters(marks) | SetBody::Marks(marks) => marks.iter().map(|mark| json!(mark)).collect(),
        SetBody::Addresses(family, addresses) => address_ranges(addresses, *family)
            .into_iter()
            .map(|range| address_range(range, *family))
            .collect(),
        SetBody::Numbers(kind, elements) => {
            let fields = kind.fields();
            elements
                .iter()
                .map(|element| element_of(&fields, element))
                .collect()
        }
        SetBody::SourceLimit(..) => Vec::new(),
        SetBody::Interfaces(names) => names.iter().map(|name| json!(&**name)).collect(),
        SetBody::InterfaceIndices(indices) => indices
            .iter()
            .map(|(index, name)| json!({"concat": [index, &**name]}))
            .collect(),
        SetBody::InterfaceMarks(marks) => marks
            .iter()
            .map(|(name, mark)| json!({"concat": [&**name, mark]}))
            .collect(),
        SetBody::InterfaceVerdicts(verdicts) => verdicts
            .iter()
            .map(|(name, to)| json!([&**name, verdict(to)]))
            .collect(),
        SetBody::PairVerdicts(verdicts) => verdicts
            .iter()
            .map(|(names, to)| json!([pair(names), verdict(to)]))
            .collect(),
    }
}

/// What is in the first set and not in the second, which is of the same kind.
pub(super) fn members_beyond(body: &SetBody, other: &SetBody) -> Vec<Value> {
    fn beyond<T: Ord + Clone>(these: &BTreeSet<T>, those: &BTreeSet<T>) -> BTreeSet<T> {
        these.difference(those).cloned().collect()
    }
    match (body, other) {
        (SetBody::Counters(these), SetBody::Counters(those))
        | (SetBody::Marks(these), SetBody::Marks(those)) => members(&SetBody::Marks(beyond(these, those))),
        (SetBody::Addresses(family, these), SetBody::Addresses(_, those)) => {
            // Elements of interval sets are taken away as they were put in, so ranges are compared whole.
            let those = address_ranges(those, *family);
            let mut those = those.iter().peekable();
            let missing = address_ranges(these, *family).into_iter().filter(|range| {
                while those.peek().is_some_and(|other| *other < range) {
                    those.next();
                }
                those.peek() != Some(&range)
            });
            missing.map(|range| address_range(range, *family)).collect()
        }
        (SetBody::Interfaces(these), SetBody::Interfaces(those)) => {
            members(&SetBody::Interfaces(beyond(these, those)))
        }
        (SetBody::InterfaceIndices(these), SetBody::InterfaceIndices(those)) => {
            members(&SetBody::InterfaceIndices(beyond(these, those)))
        }
        (SetBody::InterfaceMarks(these), SetBody::InterfaceMarks(those)) => {
            members(&SetBody::InterfaceMarks(beyond(these, those)))
        }
        (SetBody::InterfaceVerdicts(these), SetBody::InterfaceVerdicts(those)) => {
            let missing = these.iter().filter(|(name, to)| those.get(*name) != Some(*to));
            members(&SetBody::InterfaceVerdicts(
                missing.map(|(name, to)| (name.clone(), to.clone())).collect(),
            ))
        }
        (SetBody::PairVerdicts(these), SetBody::PairVerdicts(those)) => {
            let missing = these.iter().filter(|(names, to)| those.get(*names) != Some(*to));
            members(&SetBody::PairVerdicts(
                missing.map(|(names, to)| (names.clone(), to.clone())).collect(),
            ))
        }
        (SetBody::Numbers(_, these), SetBody::Numbers(_, those)) if these == those => Vec::new(),
        (SetBody::SourceLimit(..), SetBody::SourceLimit(..)) => Vec::new(),
        _ => members(body),
    }
}

/// An object by its name.
pub(super) fn named(name: &str) -> Value {
    json!({"family": FAMILY, "table": NftRuleset::TABLE, "name": name})
}

fn address_type(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4_addr",
        Family::V6 => "ipv6_addr",
    }
}

fn address_ranges(addresses: &AddressSet, family: Family) -> Vec<Range> {
    term::ranges(addresses, family)
}

fn pair((first, second): &(Name, Name)) -> Value {
    json!({"concat": [&**first, &**second]})
}

fn verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Accept => json!({"accept": null}),
        Verdict::Drop => json!({"drop": null}),
        Verdict::Jump(chain) => json!({"jump": {"target": &**chain}}),
        Verdict::Goto(chain) => json!({"goto": {"target": &**chain}}),
    }
}

fn statement(statement: &Statement) -> Value {
    let family_of = |address: &std::net::IpAddr| family_name(Family::of(*address));
    match statement {
        Statement::Match {
            fields,
            negated,
            test,
        } => {
            let left = key(fields);
            let right = match test {
                Test::Elements(elements) => match &elements[..] {
                    // A concatenation is compared with sets only.
                    [element] if fields.len() == 1 => element_of(fields, element),
                    _ => set_of(elements.iter().map(|element| element_of(fields, element))),
                },
                Test::Interface(name) => json!(&**name),
                Test::Set(name) => set_name(name),
            };
            json!({"match": {"op": if *negated { "!=" } else { "==" }, "left": left, "right": right}})
        }
        Statement::Translated => {
            json!({"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}})
        }
        Statement::Dispatch { fields, map } => {
            let (key, data) = match map {
                VerdictMap::Elements(elements) => {
                    let elements = elements.iter().map(|(range, to)| {
                        json!([element_of(fields, std::slice::from_ref(range)), verdict(to)])
                    });
                    (key(fields), set_of(elements))
                }
                VerdictMap::States(states) => {
                    let states = states
                        .iter()
                        .map(|(state, to)| json!([state_name(*state), verdict(to)]));
                    (json!({"ct": {"key": "state"}}), set_of(states))
                }
                VerdictMap::Set(name) => (key(fields), set_name(name)),
            };
            json!({"vmap": {"key": key, "data": data}})
        }
        Statement::Mark { keep, set } => mangle(json!({"meta": {"key": "mark"}}), *keep, *set),
        Statement::ConnectionMark { keep, set } => mangle(json!({"ct": {"key": "mark"}}), *keep, *set),
        Statement::CopyMark(bits) => {
            let value = json!({"&": [{"meta": {"key": "mark"}}, bits]});
            json!({"mangle": {"key": {"ct": {"key": "mark"}}, "value": value}})
        }
        Statement::Limit(name) => json!({"limit": &**name}),
        Statement::SourceLimit {
            family,
            set,
            rate,
            burst,
        } => json!({"set": {
            "op": "update",
            "elem": field(Field::Source(*family)),
            "set": set_name(set),
            "stmt": [{"limit": {"rate": rate, "per": "second", "burst": burst}}],
        }}),
        Statement::LogLimit(rate) => json!({"limit": {"rate": rate, "per": "second", "burst": rate}}),
        Statement::Log { group, prefix, bytes } => {
            json!({"log": {"group": group, "prefix": prefix, "snaplen": bytes}})
        }
        Statement::Offload => json!({"flow": {"op": "add", "flowtable": set_name(NftRuleset::FLOWTABLE)}}),
        Statement::Verdict(to) => verdict(to),
        Statement::Reject(Reject::Reset) => json!({"reject": {"type": "tcp reset"}}),
        Statement::Reject(Reject::Prohibited) => {
            json!({"reject": {"type": "icmpx", "expr": "admin-prohibited"}})
        }
        Statement::Masquerade => json!({"masquerade": null}),
        Statement::Snat { address, ports } => {
            let mut value = json!({"family": family_of(address), "addr": address.to_string()});
            if let Some(ports) = ports {
                value["port"] = number_range((ports.first().into(), ports.last().into()));
            }
            json!({ "snat": value })
        }
        Statement::SnatNetworks(networks) => networks_map("snat", "saddr", networks),
        Statement::Dnat(map) => dnat(map),
    }
}

fn dnat(map: &NatMap) -> Value {
    let protocol = json!({"meta": {"key": "l4proto"}});
    let port = json!({"payload": {"protocol": "th", "field": "dport"}});
    let (family, key, elements): (_, _, Vec<Value>) = match map {
        NatMap::Networks(networks) => return networks_map("dnat", "daddr", networks),
        NatMap::Ports(rows) => {
            let elements = rows.iter().map(|(address, protocol, port, target, target_port)| {
                let key = json!({"concat": [address.to_string(), protocol, port]});
                json!([key, {"concat": [target.to_string(), target_port]}])
            });
            (
                rows.first().map(|row| row.0),
                vec![protocol, port],
                elements.collect(),
            )
        }
        NatMap::PortRanges(rows) => {
            let elements = rows.iter().map(|(address, protocol, ports, target)| {
                let ports = number_range((ports.first().into(), ports.last().into()));
                json!([{"concat": [address.to_string(), protocol, ports]}, target.to_string()])
            });
            (
                rows.first().map(|row| row.0),
                vec![protocol, port],
                elements.collect(),
            )
        }
        NatMap::Protocols(rows) => {
            let elements = rows.iter().map(|(address, protocol, target)| {
                json!([{"concat": [address.to_string(), protocol]}, target.to_string()])
            });
            (rows.first().map(|row| row.0), vec![protocol], elements.collect())
        }
    };
    let family = family.map_or(Family::V4, Family::of);
    let mut fields = vec![field(Field::Destination(family))];
    fields.extend(key);
    let map = json!({"map": {"key": {"concat": fields}, "data": {"set": elements}}});
    json!({"dnat": {"family": family_name(family), "addr": map}})
}

fn networks_map(statement: &str, field: &str, networks: &[(ipnet::IpNet, ipnet::IpNet)]) -> Value {
    let family = networks
        .first()
        .map_or(Family::V4, |(network, _)| Family::of(network.addr()));
    let prefix = |network: &ipnet::IpNet| json!({"prefix": {"addr": network.network().to_string(), "len": network.prefix_len()}});
    let elements: Vec<Value> = networks
        .iter()
        .map(|(from, to)| json!([prefix(from), prefix(to)]))
        .collect();
    let key = json!({"payload": {"protocol": family_name(family), "field": field}});
    let map = json!({"map": {"key": key, "data": {"set": elements}}});
    json!({statement: {
        "family": family_name(family), "addr": map, "flags": "netmap", "type_flags": ["prefix"],
    }})
}

fn mangle(key: Value, keep: u32, set: u32) -> Value {
    let kept = match keep {
        u32::MAX => key.clone(),
        keep => json!({"&": [key.clone(), keep]}),
    };
    json!({"mangle": {"key": key, "value": {"|": [kept, set]}}})
}

fn key(fields: &[Field]) -> Value {
    match fields {
        [only] => field(*only),
        several => json!({"concat": several.iter().map(|one| field(*one)).collect::<Vec<_>>()}),
    }
}

fn field(field: Field) -> Value {
    let payload = |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
    let meta = |key: &str| json!({"meta": {"key": key}});
    let masked = |value: Value, bits: u32| json!({"&": [value, bits]});
    match field {
        Field::Family => meta("nfproto"),
        Field::Protocol => meta("l4proto"),
        Field::Source(family) => payload(family_name(family), "saddr"),
        Field::Destination(family) => payload(family_name(family), "daddr"),
        Field::SourcePort => payload("th", "sport"),
        Field::DestinationPort => payload("th", "dport"),
        Field::IcmpType(family) => payload(icmp_name(family), "type"),
        Field::IcmpCode(family) => payload(icmp_name(family), "code"),
        Field::TcpFlags(bits) => masked(payload("tcp", "flags"), bits.into()),
        Field::InputInterface => meta("iifname"),
        Field::OutputInterface => meta("oifname"),
        Field::InputIndex => meta("iif"),
        Field::OutputIndex => meta("oif"),
        Field::Mark(bits) => masked(meta("mark"), bits),
        Field::ConnectionMark(bits) => masked(json!({"ct": {"key": "mark"}}), bits),
    }
}

fn element_of(fields: &[Field], element: &[Range]) -> Value {
    let parts = fields.iter().zip(element).map(|(field, range)| match field {
        Field::Source(family) | Field::Destination(family) => address_range(*range, *family),
        Field::Family if range.0 == 6 => json!("ipv6"),
        Field::Family => json!("ipv4"),
        _ => number_range(*range),
    });
    match parts.collect::<Vec<_>>() {
        mut one if one.len() == 1 => one.remove(0),
        several => json!({ "concat": several }),
    }
}

fn set_of(elements: impl Iterator<Item = Value>) -> Value {
    json!({"set": elements.collect::<Vec<_>>()})
}

fn set_name(name: &str) -> Value {
    json!(format!("@{name}"))
}

fn number_range((first, last): Range) -> Value {
    // 64 bits hold every number that is no address.
    let number = |number: u128| json!(u64::try_from(number).unwrap_or(u64::MAX));
    if first == last {
        number(first)
    } else {
        json!({"range": [number(first), number(last)]})
    }
}

fn address_range((first, last): Range, family: Family) -> Value {
    let text = |number| term::address(number, family).to_string();
    if first == last {
        json!(text(first))
    } else {
        json!({"range": [text(first), text(last)]})
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

fn icmp_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "icmp",
        Family::V6 => "icmpv6",
    }
}

fn state_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Invalid => "invalid",
        ConnectionState::Established => "established",
        ConnectionState::Related => "related",
    }
}
