//! Objects of the policy as requests send them.

use serde_json::{Value, json};

use super::shot::Host;

/// A rule in the making.
#[derive(Debug, Clone)]
pub struct Rule(Value);

/// A rule for everything from anywhere to anywhere; [`Rule::accept`] and the like end it.
pub fn rule(name: &str) -> Rule {
    Rule(json!({ "name": name, "action": "accept" }))
}

impl Rule {
    fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    pub fn from(self, zone: &str) -> Self {
        self.with("from_zone", zone.into())
    }

    pub fn to(self, zone: &str) -> Self {
        self.with("to_zone", zone.into())
    }

    pub fn source(self, side: Side) -> Self {
        self.with("source", side.0)
    }

    pub fn destination(self, side: Side) -> Self {
        self.with("destination", side.0)
    }

    /// One more of the services.
    pub fn service(mut self, service: Value) -> Self {
        match &mut self.0["services"] {
            Value::Array(services) => services.push(service),
            none => *none = json!([service]),
        }
        self
    }

    pub fn disabled(self) -> Self {
        self.with("enabled", false.into())
    }

    pub fn logged(self) -> Self {
        self.with("log", true.into())
    }

    /// New connections a second and at once; `per` is `rule` or `source`.
    pub fn limit(self, rate: u32, burst: u32, per: &str) -> Self {
        self.with("rate_limit", json!({ "rate": rate, "burst": burst, "per": per }))
    }

    pub fn schedule(self, schedule: Value) -> Self {
        self.with("schedule", schedule)
    }

    pub fn expires_at(self, time: &str) -> Self {
        self.with("expires_at", time.into())
    }

    pub fn accept(self) -> Self {
        self.with("action", "accept".into())
    }

    pub fn drop(self) -> Self {
        self.with("action", "drop".into())
    }

    pub fn reject(self) -> Self {
        self.with("action", "reject".into())
    }

    pub fn value(&self) -> Value {
        self.0.clone()
    }
}

/// One side of a rule.
#[derive(Debug, Clone)]
pub struct Side(Value);

/// These addresses, prefixes and ranges.
pub fn addresses(addresses: &[&str]) -> Side {
    Side(json!({ "addresses": addresses }))
}

/// These hosts, in both families.
pub fn hosts(hosts: &[Host]) -> Side {
    let addresses: Vec<String> = hosts
        .iter()
        .flat_map(|host| [4, 6].map(|family| host.address(family).to_string()))
        .collect();
    Side(json!({ "addresses": addresses }))
}

/// The addresses on a list.
pub fn list(name: &str) -> Side {
    Side(json!({ "lists": [name] }))
}

/// All but those of a side.
pub fn not(side: Side) -> Side {
    Side(merged(side.0, "negate", true.into()))
}

impl Side {
    /// Or on this list.
    pub fn or_list(self, name: &str) -> Self {
        Self(merged(self.0, "lists", json!([name])))
    }
}

/// A protocol, by name or number, whatever is in it.
pub fn protocol(protocol: impl Into<Value>) -> Value {
    json!({ "protocol": protocol.into() })
}

/// Destination ports of TCP: single ones and ranges.
pub fn tcp(ports: &[&str]) -> Value {
    json!({ "protocol": "tcp", "destination_ports": ports })
}

/// Destination ports of UDP.
pub fn udp(ports: &[&str]) -> Value {
    json!({ "protocol": "udp", "destination_ports": ports })
}

/// Destination ports of SCTP.
pub fn sctp(ports: &[&str]) -> Value {
    json!({ "protocol": "sctp", "destination_ports": ports })
}

/// A service that also asks for source ports.
pub fn from_ports(service: Value, ports: &[&str]) -> Value {
    merged(service, "source_ports", json!(ports))
}

/// Messages of ICMP (`icmp` or `icmpv6`) of these types; None as a code is every code.
pub fn icmp(protocol: &str, types: &[(u8, Option<u8>)]) -> Value {
    let types: Vec<Value> = types
        .iter()
        .map(|(kind, code)| match code {
            None => json!({ "type": kind }),
            Some(code) => json!({ "type": kind, "code": code }),
        })
        .collect();
    json!({ "protocol": protocol, "icmp_types": types })
}

fn merged(mut object: Value, field: &str, value: Value) -> Value {
    object[field] = value;
    object
}
