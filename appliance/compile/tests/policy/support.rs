//! Policies and packets written as text, so that a table of them can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ravelin_compile::{
    AddressSet, Inventory, InventoryInterface, ListAddresses, Lists, PolicyPacket, Resolved, Ruleset,
};
use ravelin_model::{
    Action, AddressMatch, AddressRange, IcmpType, Kind, LOCAL_ZONE, ListId, NatRuleSpec, Object, Policy,
    PortRange, PublishedServiceSpec, RateLimit, RateLimitScope, Revision, Rule, RuleSpec, ServiceEntry,
    ServiceMatch, ServiceSpec, Translation, ZoneId, ZoneMatch, ZoneNumber, ZonePairSpec, ZoneSpec, protocol,
};
use time::OffsetDateTime;
use time::macros::datetime;

/// A Friday.
pub const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

/// Counters of rules are these and those behind.
pub const FIRST_RULE: u32 = 100;

const ZONES: [(&str, u32); 5] = [("local", 1), ("lan", 2), ("wan", 3), ("dmz", 4), ("empty", 9)];

/// A policy over the zones `lan`, `wan` and `dmz` with an interface each, and `empty` with none.
#[derive(Debug, Clone)]
pub struct Firewall {
    pub policy: Policy,
    pub inventory: Inventory,
    pub lists: Lists,
}

impl Default for Firewall {
    fn default() -> Self {
        let mut policy = Policy::default();
        for (name, number) in ZONES {
            let interfaces = match name {
                "local" | "empty" => BTreeSet::new(),
                _ => BTreeSet::from([format!("{name}0")]),
            };
            let spec = ZoneSpec {
                name: parsed(name),
                description: String::new(),
                interfaces,
                management: false,
            };
            let zone = object(name, number, spec);
            policy.zones.insert(zone.id.clone(), Arc::new(zone));
        }
        let interface = |name: &str, index, addresses: &[&str]| InventoryInterface {
            name: name.to_owned(),
            index,
            addresses: addresses.iter().map(|text| parsed(text)).collect(),
        };
        Self {
            policy,
            inventory: Inventory {
                interfaces: vec![
                    interface("lo", 1, &["127.0.0.1/8", "::1/128"]),
                    interface("lan0", 5, &["10.0.0.1/24", "fd00::1/64"]),
                    interface(
                        "wan0",
                        7,
                        &["198.51.100.2/24", "198.51.100.3/24", "2001:db8:1::2/64"],
                    ),
                    interface("spare0", 8, &["10.9.0.1/24"]),
                ],
                pinned: BTreeMap::new(),
                management_ports: Vec::new(),
            },
            lists: Lists::new(),
        }
    }
}

impl Firewall {
    /// With these rules, see [`rule`]; counters and ids in their order.
    pub fn with_rules(rules: &[&str]) -> Self {
        let mut new = Self::default();
        for text in rules {
            new.add_rule(rule(text));
        }
        new
    }

    pub fn add_rule(&mut self, spec: RuleSpec) {
        let n = self.policy.rules.len();
        let counter = FIRST_RULE + u32::try_from(n).expect("few");
        self.policy
            .rules
            .push(Arc::new(object(&n.to_string(), counter, spec)));
    }

    pub fn add_list(&mut self, name: &str, number: u32, ranges: impl IntoIterator<Item = AddressRange>) {
        let id: ListId = parsed(&format!("lst_{name}"));
        let addresses = Arc::new(AddressSet::new(ranges));
        self.lists.insert(id, ListAddresses { number, addresses });
    }

    pub fn add_service(&mut self, name: &str, entries: Vec<ServiceEntry>) {
        let spec = ServiceSpec {
            name: parsed(name),
            description: String::new(),
            entries,
        };
        let service = object(name, 0, spec);
        self.policy.services.insert(service.id.clone(), Arc::new(service));
    }

    /// `lan wan drop log`.
    pub fn add_pair(&mut self, text: &str, counter: u32) {
        let [from, to, action, rest @ ..] = &words(text)[..] else {
            panic!("{text}: from to action [log]")
        };
        let spec = ZonePairSpec {
            from: zone_id(from),
            to: zone_id(to),
            default_action: action_of(action),
            log: rest.contains(&"log"),
        };
        let pair = object(&format!("{from}{to}"), counter, spec);
        self.policy.zone_pairs.insert(pair.id.clone(), Arc::new(pair));
    }

    pub fn add_nat(&mut self, translation: Translation) {
        let n = self.policy.nat_rules.len();
        let spec = NatRuleSpec {
            name: parsed(&format!("nat {n}")),
            enabled: true,
            translation,
            comment: String::new(),
        };
        self.policy
            .nat_rules
            .push(Arc::new(object(&n.to_string(), 0, spec)));
    }

    pub fn publish(&mut self, name: &str, counter: u32, spec: PublishedServiceSpec) {
        let service = object(name, counter, spec);
        self.policy
            .published_services
            .insert(service.id.clone(), Arc::new(service));
    }

    pub fn edit_rule(&mut self, n: usize, edit: impl FnOnce(&mut RuleSpec)) {
        edit(&mut Arc::<Rule>::make_mut(&mut self.policy.rules[n]).spec);
    }

    pub fn resolve_at(&self, now: OffsetDateTime) -> Resolved {
        Ruleset::resolve(&self.policy, Revision(3), &self.inventory, &self.lists, now)
    }

    pub fn resolve(&self) -> Ruleset {
        self.resolve_at(NOW).ruleset
    }
}

/// `from to source destination services action [log] [limit]`: addresses as `!10.0.0.0/8,@list`, services as
/// `tcp/1-9:80+443,icmp/8.0,47,$named` (source ports before the colon), `any` for each of them.
pub fn rule(text: &str) -> RuleSpec {
    let [from, to, source, destination, services, action, flags @ ..] = &words(text)[..] else {
        panic!("{text}: from to source destination services action")
    };
    RuleSpec {
        name: parsed(text),
        enabled: true,
        from: zone_match(from),
        to: zone_match(to),
        source: address_match(source),
        destination: address_match(destination),
        services: match *services {
            "any" => Vec::new(),
            services => services.split(',').map(service_match).collect(),
        },
        action: action_of(action),
        log: flags.contains(&"log"),
        rate_limit: flags.contains(&"limit").then_some(RateLimit {
            rate: 10,
            per: RateLimitScope::Rule,
            burst: 5,
        }),
        schedule: None,
        expires_at: None,
        comment: String::new(),
        tags: BTreeSet::new(),
    }
}

/// `from to source destination`, then `tcp 1000 80`, `icmp 8 0` or `47`.
pub fn packet(text: &str) -> PolicyPacket {
    let [from, to, source, destination, number, rest @ ..] = &words(text)[..] else {
        panic!("{text}: from to source destination protocol")
    };
    let number = protocol_of(number).expect("one protocol");
    let mut packet = PolicyPacket {
        from: zone_number(from),
        to: zone_number(to),
        source: parsed(source),
        destination: parsed(destination),
        protocol: number,
        source_port: 0,
        destination_port: 0,
        icmp: (0, 0),
    };
    match (rest, packet.is_icmp()) {
        ([kind, code], true) => packet.icmp = (parsed(kind), parsed(code)),
        ([from, to], false) => (packet.source_port, packet.destination_port) = (parsed(from), parsed(to)),
        ([], false) => {}
        _ => panic!("{text}: ports or type and code"),
    }
    packet
}

pub fn address_match(text: &str) -> AddressMatch {
    let mut side = AddressMatch::default();
    let named = text.strip_prefix('!');
    side.negate = named.is_some();
    for word in named.unwrap_or(text).split(',').filter(|word| *word != "any") {
        match word.strip_prefix('@') {
            Some(list) => side.lists.push(parsed(&format!("lst_{list}"))),
            None => side.addresses.push(parsed(word)),
        }
    }
    side
}

pub fn service_entry(text: &str) -> ServiceEntry {
    let (number, details) = text.split_once('/').unwrap_or((text, ""));
    let mut entry = ServiceEntry {
        protocol: protocol_of(number),
        source_ports: Vec::new(),
        destination_ports: Vec::new(),
        icmp_types: Vec::new(),
    };
    if details.is_empty() {
        return entry;
    }
    if matches!(number, "icmp" | "icmpv6") {
        entry.icmp_types = details.split('+').map(icmp_type).collect();
    } else {
        let (source, destination) = details.split_once(':').unwrap_or(("", details));
        entry.source_ports = ports(source);
        entry.destination_ports = ports(destination);
    }
    entry
}

pub fn port_range(text: &str) -> PortRange {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    PortRange::new(parsed(first), parsed(last)).expect("in order")
}

pub fn zone_id(name: &str) -> ZoneId {
    parsed(&format!("zon_{name}"))
}

pub fn zone_number(name: &str) -> ZoneNumber {
    let known = ZONES.iter().find(|(known, _)| *known == name);
    ZoneNumber::new(known.expect("a zone").1).expect("a number")
}

pub fn zone_match(name: &str) -> ZoneMatch {
    match name {
        "any" => ZoneMatch::Any,
        name => ZoneMatch::Zone(zone_id(name)),
    }
}

pub fn address(text: &str) -> IpAddr {
    parsed(text)
}

pub fn parsed<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not well formed: {text}"))
}

fn object<S: Kind>(id: &str, number: u32, spec: S) -> Object<S> {
    let local = format!("{}{id}", S::PREFIX) == LOCAL_ZONE;
    debug_assert!(!local || number == 1);
    Object {
        id: parsed(&format!("{}{id}", S::PREFIX)),
        number,
        spec,
        updated_at: NOW,
        revision: Revision(1),
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn action_of(name: &str) -> Action {
    let action = Action::ALL.into_iter().find(|action| action.name() == name);
    action.unwrap_or_else(|| panic!("not an action: {name}"))
}

fn service_match(text: &str) -> ServiceMatch {
    match text.strip_prefix('$') {
        Some(name) => ServiceMatch::Named(parsed(&format!("svc_{name}"))),
        None => ServiceMatch::Entry(service_entry(text)),
    }
}

fn protocol_of(name: &str) -> Option<u8> {
    Some(match name {
        "any" => return None,
        "tcp" => protocol::TCP,
        "udp" => protocol::UDP,
        "sctp" => protocol::SCTP,
        "icmp" => protocol::ICMP,
        "icmpv6" => protocol::ICMPV6,
        number => parsed(number),
    })
}

fn ports(text: &str) -> Vec<PortRange> {
    text.split('+')
        .filter(|range| !range.is_empty())
        .map(port_range)
        .collect()
}

fn icmp_type(text: &str) -> IcmpType {
    let (kind, code) = text
        .split_once('.')
        .map_or((text, None), |(kind, code)| (kind, Some(code)));
    IcmpType {
        kind: parsed(kind),
        code: code.map(parsed),
    }
}
