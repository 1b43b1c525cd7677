//! The cases against the reference: a policy on paper, resolved and evaluated without an engine.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ravelin_api_types::{
    Names, NatRuleSpec, PublishedServiceSpec, RuleSpec, ServiceSpec, Spec, ZonePairSpec, ZoneSpec,
    parse_value,
};
use ravelin_compile::{
    AddressSet, CounterId, Inventory, InventoryInterface, ListAddresses, Lists, PolicyPacket, Ruleset,
    fixed_counter,
};
use ravelin_model::{Action, Kind, List, ListKind, Object, Policy, Revision, ZoneNumber};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::case::Group;
use super::draft::{self, rule};
use super::engine::{FENCE_RULE, ZONES, key, simulated_packet};
use super::prober::FENCE;
use super::shot::*;

/// What the engine makes of a policy, as far as it is pure.
#[derive(Debug)]
pub struct Paper {
    policy: Policy,
    lists: Vec<List>,
    entries: Lists,
    pub ruleset: Ruleset,
    /// Names of counters as cases have them.
    pub counters: BTreeMap<CounterId, String>,
    next: u32,
}

impl Paper {
    /// The policy of a group, read as the API reads it.
    pub fn of(group: &Group) -> Self {
        let inventory = inventory();
        let mut paper = Self {
            policy: Policy::default(),
            lists: Vec::new(),
            entries: Lists::new(),
            ruleset: Ruleset::resolve(
                &Policy::default(),
                Revision(1),
                &inventory,
                &Lists::new(),
                OffsetDateTime::now_utc(),
            )
            .ruleset,
            counters: [
                (fixed_counter::INVALID, INVALID),
                (fixed_counter::NO_ZONE, NO_ZONE),
                (fixed_counter::ANTI_LOCKOUT, ANTI_LOCKOUT),
                (fixed_counter::INFRASTRUCTURE, INFRASTRUCTURE),
                (fixed_counter::UNWRITTEN_PAIR, UNWRITTEN),
                (fixed_counter::EARLIER_CONNECTION, By::Fixed("earlier_connection")),
            ]
            .map(|(counter, by)| (counter, key(by).expect("a name")))
            .into(),
            next: fixed_counter::FIRST_FREE,
        };
        let local = paper.object::<ZoneSpec>(&json!({ "name": "local" }), "local", 1);
        paper.policy.zones.insert(local.id.clone(), local);
        for (number, (name, interfaces, management)) in (2..).zip(ZONES) {
            let value = json!({ "name": name, "interfaces": interfaces, "management": management });
            let zone = paper.object::<ZoneSpec>(&value, name, number);
            paper.policy.zones.insert(zone.id.clone(), zone);
        }
        for (name, entries) in &group.lists {
            paper.add_list(name, entries);
        }
        for (kind, value) in &group.objects {
            paper.add(kind, value);
        }
        let fence = rule(FENCE_RULE).service(draft::protocol(FENCE)).accept();
        for rule in std::iter::once(&fence).chain(&group.rules) {
            paper.add("rule", &rule.value());
        }
        for (name, to) in &group.moves {
            paper.move_rule(name, to);
        }
        let resolved = Ruleset::resolve(
            &paper.policy,
            Revision(2),
            &inventory,
            &paper.entries,
            OffsetDateTime::now_utc(),
        );
        paper.ruleset = resolved.ruleset;
        paper
    }

    fn object<S: Spec>(&self, value: &Value, id: &str, number: u32) -> Arc<Object<S::Model>> {
        let names = Names::new(&self.policy, &self.lists);
        let spec = parse_value(value, |node, errors| S::read(node, &names, errors))
            .unwrap_or_else(|error| panic!("{error:?} in {value}"));
        Arc::new(Object {
            id: format!("{}{id}", S::Model::PREFIX).parse().expect("an id"),
            number,
            spec,
            updated_at: OffsetDateTime::UNIX_EPOCH,
            revision: Revision(1),
        })
    }

    fn add(&mut self, kind: &str, value: &Value) {
        let number = self.next;
        self.next += 1;
        let id = number.to_string();
        let name = match kind {
            "rule" => format!("rule {}", value["name"].as_str().expect("a name")),
            "published_service" => format!("published {}", value["name"].as_str().expect("a name")),
            "zone_pair" => format!(
                "pair {} {}",
                value["from"].as_str().expect("a zone"),
                value["to"].as_str().expect("a zone")
            ),
            _ => String::new(),
        };
        self.counters.insert(number, name);
        match kind {
            "rule" => self
                .policy
                .rules
                .push(self.object::<RuleSpec>(value, &id, number)),
            "nat_rule" => self
                .policy
                .nat_rules
                .push(self.object::<NatRuleSpec>(value, &id, number)),
            "zone_pair" => {
                let pair = self.object::<ZonePairSpec>(value, &id, number);
                self.policy.zone_pairs.insert(pair.id.clone(), pair);
            }
            "service" => {
                let service = self.object::<ServiceSpec>(value, &id, number);
                self.policy.services.insert(service.id.clone(), service);
            }
            "published_service" => {
                let service = self.object::<PublishedServiceSpec>(value, &id, number);
                self.policy.published_services.insert(service.id.clone(), service);
            }
            other => panic!("no kind {other}"),
        }
    }

    fn add_list(&mut self, name: &str, entries: &[String]) {
        let number = u32::try_from(self.lists.len()).expect("few lists") + 1;
        let list = List {
            id: format!("lst_{number}").parse().expect("an id"),
            number,
            name: name.parse().expect("a name"),
            kind: ListKind::Address,
            entries_count: entries.len() as u64,
            updated_at: OffsetDateTime::UNIX_EPOCH,
            revision: Revision(1),
        };
        let addresses = AddressSet::new(entries.iter().map(|entry| entry.parse().expect("an address")));
        self.entries.insert(
            list.id.clone(),
            ListAddresses {
                number,
                addresses: Arc::new(addresses),
            },
        );
        self.lists.push(list);
    }

    fn move_rule(&mut self, name: &str, to: &Value) {
        let rules = &mut self.policy.rules;
        let at = |rules: &[Arc<ravelin_model::Rule>], name: &str| {
            let found = rules.iter().position(|rule| rule.spec.name.as_str() == name);
            found.expect("the rule")
        };
        let from = at(rules, name);
        let moved = rules.remove(from);
        let beside = |rules: &[Arc<ravelin_model::Rule>]| at(rules, to["rule"].as_str().expect("a rule"));
        let place = match to["to"].as_str() {
            Some("first") => 0,
            Some("last") => rules.len(),
            Some("before") => beside(rules),
            Some("after") => beside(rules) + 1,
            other => panic!("{other:?}"),
        };
        rules.insert(place, moved);
    }

    /// Says how the reference differs from a shot.
    pub fn judge(&self, shot: &Shot, family: u8) -> Result<(), String> {
        let packet = simulated_packet(shot, family, 40_000);
        let zone = |port: Port| match port {
            Port::Local => ZoneNumber::LOCAL,
            port => {
                let name = port.name();
                let number = (2..)
                    .zip(ZONES)
                    .find(|(_, zone)| zone.1.contains(&name))
                    .map(|(number, _)| number);
                ZoneNumber::new(number.expect("a zone")).expect("a zone")
            }
        };
        let translated = self.ruleset.translate(
            zone(shot.at),
            packet.destination,
            packet.protocol,
            packet.destination_port,
        );
        let (destination, destination_port) = translated.map_or(
            (packet.destination, packet.destination_port),
            |(_, destination, port)| (destination, port),
        );
        let to = match shot.fate {
            Fate::Delivered(port) => port,
            _ => port_of(destination, shot),
        };
        let decision = self.ruleset.evaluate(&PolicyPacket {
            from: zone(shot.at),
            to: zone(to),
            source: packet.source,
            destination,
            protocol: packet.protocol,
            source_port: packet.source_port,
            destination_port,
            icmp: packet.icmp,
        });
        let action = match shot.fate {
            Fate::Delivered(_) => Action::Accept,
            Fate::Dropped => Action::Drop,
            Fate::Reset | Fate::Prohibited => Action::Reject,
            Fate::Answered(_) => return Err("is not a matter of the policy".to_owned()),
        };
        let by = self.counters.get(&decision.counter);
        if decision.action == action && by == key(shot.by).as_ref() {
            return Ok(());
        }
        Err(format!("{:?} by {by:?}", decision.action))
    }
}

/// Where a packet that was refused would have left.
fn port_of(destination: IpAddr, shot: &Shot) -> Port {
    let family = if destination.is_ipv4() { 4 } else { 6 };
    let on_link = |port: &Port| (1..=40).any(|host| port.host(host).address(family) == destination);
    let link = [Port::Lan, Port::Wan, Port::Lan2, Port::Dmz, Port::Management]
        .into_iter()
        .find(on_link);
    match link {
        Some(port) if port.host(1).address(family) == destination => Port::Local,
        Some(port) => port,
        None => shot.destination.port(),
    }
}

/// The router of the cases.
fn inventory() -> Inventory {
    let interface = |index: u32, name: &str, addresses: Vec<String>| InventoryInterface {
        name: name.to_owned(),
        index,
        addresses: addresses
            .iter()
            .map(|address| address.parse().expect("an address"))
            .collect(),
    };
    let links = (1..).zip(PORTS).map(|(link, name)| {
        let addresses = vec![format!("10.77.{link}.1/24"), format!("fd77:{link}::1/64")];
        interface(link + 1, name, addresses)
    });
    Inventory {
        interfaces: std::iter::once(interface(
            1,
            "lo",
            vec!["127.0.0.1/8".to_owned(), "::1/128".to_owned()],
        ))
        .chain(links)
        .collect(),
        pinned: BTreeMap::new(),
        management_ports: vec![8443],
    }
}
