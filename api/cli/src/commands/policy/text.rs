//! Parts of rules as people type and read them.

use std::str::FromStr;

use ravelin_api_types::{AddressMatch, PortRange, RuleService, ServiceEntry};
use serde_json::{Value, json};

/// Protocols that are said by name.
const PROTOCOLS: [&str; 8] = ["any", "tcp", "udp", "sctp", "icmp", "icmpv6", "esp", "gre"];

/// One side of a rule: `any`, `192.0.2.0/24,list:lst_1`, with `not` in front where it is negated.
pub fn side(side: &AddressMatch) -> String {
    let addresses = side.addresses.iter().map(ToString::to_string);
    let lists = side.lists.iter().map(|list| format!("list:{list}"));
    let named: Vec<String> = addresses.chain(lists).collect();
    match (named.is_empty(), side.negate) {
        (true, _) => "any".to_owned(),
        (false, false) => named.join(","),
        (false, true) => format!("not:{}", named.join(",")),
    }
}

/// Services of a rule: `any`, or `tcp/80,443 udp/53`.
pub fn services(services: &[RuleService]) -> String {
    if services.is_empty() {
        return "any".to_owned();
    }
    let text = |service: &RuleService| match service {
        RuleService::Named(id) => id.clone(),
        RuleService::Entry(entry) => self::entry(entry),
    };
    services.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// `tcp/80,443`, `icmp/8`, `esp`.
pub fn entry(entry: &ServiceEntry) -> String {
    let mut text = entry.protocol.to_string();
    let ports = |ports: &[PortRange]| {
        let ports: Vec<String> = ports.iter().map(|range| range.0.to_string()).collect();
        ports.join(",")
    };
    if !entry.source_ports.is_empty() {
        text += &format!("/from:{}", ports(&entry.source_ports));
    }
    if !entry.destination_ports.is_empty() {
        text += &format!("/{}", ports(&entry.destination_ports));
    }
    if !entry.icmp_types.is_empty() {
        let types = entry.icmp_types.iter().map(|message| match message.code {
            Some(code) => format!("{}:{code}", message.type_),
            None => message.type_.to_string(),
        });
        text += &format!("/{}", types.collect::<Vec<_>>().join(","));
    }
    text
}

/// A service on the command line: `tcp/80,443`, `icmp/8`, `esp`, `89`, or the name or id of a named one.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedService(pub Value);

impl FromStr for TypedService {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, rest) = match text.split_once('/') {
            Some((protocol, rest)) => (protocol, Some(rest)),
            None => (text, None),
        };
        let number = protocol.parse::<u8>().ok();
        let shown = match number {
            Some(number) => json!(number),
            None => json!(protocol),
        };
        let known = number.is_some() || PROTOCOLS.contains(&protocol);
        match rest {
            // A named service may have any name.
            _ if !known => Ok(Self(json!(text))),
            None => Ok(Self(json!({ "protocol": shown }))),
            Some(types) if matches!(protocol, "icmp" | "icmpv6") => Ok(Self(
                json!({ "protocol": shown, "icmp_types": icmp_types(types)? }),
            )),
            Some(ports) => {
                let ports: Vec<&str> = ports.split(',').collect();
                Ok(Self(json!({ "protocol": shown, "destination_ports": ports })))
            }
        }
    }
}

fn icmp_types(text: &str) -> Result<Vec<Value>, String> {
    let number = |text: &str| {
        text.parse::<u8>()
            .map_err(|_| format!("'{text}' is not a type or code of ICMP"))
    };
    let one = |text: &str| match text.split_once(':') {
        Some((kind, code)) => Ok(json!({ "type": number(kind)?, "code": number(code)? })),
        None => Ok(json!({ "type": number(text)? })),
    };
    text.split(',').map(one).collect()
}

/// Addresses and lists on the command line, as one side of a rule; None where nothing is said.
pub fn typed_side(said: &[String], negate: bool) -> Option<Value> {
    if said.is_empty() && !negate {
        return None;
    }
    let (mut addresses, mut lists) = (Vec::new(), Vec::new());
    for text in said {
        match text.strip_prefix("list:") {
            Some(list) => lists.push(list),
            None => addresses.push(text.as_str()),
        }
    }
    Some(json!({ "addresses": addresses, "lists": lists, "negate": negate }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Value) {
        assert_eq!(typed.parse(), Ok(TypedService(expected)), "{typed}");
    }

    #[test]
    fn services_are_typed_as_people_say_them() {
        check(
            "tcp/80,8000-8010",
            json!({"protocol": "tcp", "destination_ports": ["80", "8000-8010"]}),
        );
        check(
            "icmp/8,3:4",
            json!({"protocol": "icmp", "icmp_types": [{"type": 8}, {"type": 3, "code": 4}]}),
        );
        check("esp", json!({"protocol": "esp"}));
        check("89", json!({"protocol": 89}));
        check("svc_1", json!("svc_1"));
        check("web/secure", json!("web/secure"));
        assert!("icmp/echo".parse::<TypedService>().is_err());
    }

    #[test]
    fn a_service_reads_as_it_is_typed() {
        for text in ["tcp/80,8000-8010", "icmp/8,3:4", "esp", "89", "any"] {
            let TypedService(value) = text.parse().expect("service");
            let service: ServiceEntry = serde_json::from_value(value).expect("entry");
            assert_eq!(entry(&service), text);
        }
    }
}
