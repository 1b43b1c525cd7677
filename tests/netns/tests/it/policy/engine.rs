//! An engine with the policy of a group.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Answer, Namespace, Raveld, Request, Setup, eventually};
use serde_json::{Value, json};

use super::case::{Group, single_packets};
use super::draft::{self, Rule, rule};
use super::prober::FENCE;
use super::shot::{By, Fate, Host, Load, Port, Shot};
use crate::support::number;

/// The zones of the cases, their interfaces, and whether the box is managed from there.
pub const ZONES: [(&str, &[&str], bool); 4] = [
    ("lan", &["lan0", "lan1"], false),
    ("wan", &["wan0"], false),
    ("dmz", &["dmz0"], false),
    ("mgmt", &["mgm0"], true),
];
/// The rule of fences, in front of all.
pub const FENCE_RULE: &str = "fence";

/// Longest until the engine lets one ask again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of connections that are simulated.
const CLIENT_PORT: u16 = 40_000;

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The classifier in eBPF, nftables behind it.
    Classifier,
    /// nftables alone.
    Nftables,
}

impl Mode {
    pub const ALL: [Self; 2] = [Self::Classifier, Self::Nftables];
}

/// `raveld` with the zones of the cases.
#[derive(Debug)]
pub struct Engine<'a> {
    pub raveld: Raveld<'a>,
    // Kind and id of what is there for a group.
    made: RefCell<Vec<(String, String)>>,
    // Id by name.
    lists: RefCell<BTreeMap<&'static str, String>>,
}

impl<'a> Engine<'a> {
    /// Starts it and makes the zones.
    pub fn start(router: &'a Namespace, setup: Setup) -> Self {
        let raveld = Raveld::start_with(router, setup);
        raveld.wait_ready();
        let engine = Self {
            raveld,
            made: RefCell::default(),
            lists: RefCell::default(),
        };
        let zones = ZONES.map(|(name, interfaces, management)| {
            create(
                "zone",
                &json!({ "name": name, "interfaces": interfaces, "management": management }),
            )
        });
        engine.change(&zones);
        engine
    }

    /// One commit; gives the answer.
    #[track_caller]
    pub fn change(&self, operations: &[Value]) -> Value {
        let body = json!({ "operations": operations });
        self.ask(&Request::new(Method::POST, "/api/v1/changes").json(&body))
            .expect(200)
            .json()
    }

    /// Puts the policy of a group in the place of the one before: its lists, then one commit.
    #[track_caller]
    pub fn apply(&self, group: &Group) {
        for (name, entries) in &group.lists {
            let mut lists = self.lists.borrow_mut();
            let id = lists.entry(*name).or_insert_with(|| {
                let list = json!({ "name": name, "kind": "address" });
                let list = Request::new(Method::POST, "/api/v1/lists").json(&list);
                let list = self.ask(&list).expect(201).json();
                list["id"].as_str().expect("id").to_owned()
            });
            let path = format!("/api/v1/lists/{id}/entries");
            let entries = Request::new(Method::PUT, &path).text(entries.join("\n"));
            self.ask(&entries.header("if-match", "*")).expect(200);
        }
        let mut operations: Vec<Value> = self
            .made
            .borrow_mut()
            .drain(..)
            .rev()
            .map(|(kind, id)| json!({ "op": "delete", "kind": kind, "id": id }))
            .collect();
        let fence = rule(FENCE_RULE).service(draft::protocol(FENCE)).accept();
        let objects = group.objects.iter().map(|(kind, value)| (*kind, value.clone()));
        let rules = std::iter::once(&fence)
            .chain(&group.rules)
            .map(|rule| ("rule", rule.value()));
        for (kind, value) in objects.chain(rules) {
            operations.push(create(kind, &value));
        }
        let answer = self.change(&operations);
        for (operation, result) in operations
            .iter()
            .zip(answer["results"].as_array().expect("results"))
        {
            if operation["op"] == "create" {
                let text = |value: &Value| value.as_str().expect("text").to_owned();
                let made = (text(&operation["kind"]), text(&result["id"]));
                self.made.borrow_mut().push(made);
            }
        }
        for (rule, to) in &group.moves {
            let mut to = to.clone();
            if let Some(name) = to["rule"].as_str() {
                to["rule"] = self.rule_id(name).into();
            }
            let path = format!("/api/v1/rules/{}/move", self.rule_id(rule));
            self.ask(
                &Request::new(Method::POST, &path)
                    .header("if-match", "*")
                    .json(&to),
            )
            .expect(200);
        }
    }

    /// The same for a few rules without cases.
    #[track_caller]
    pub fn apply_rules(&self, rules: &[Rule]) {
        let group = rules
            .iter()
            .fold(Group::new(""), |group, rule| group.rule(rule.clone()));
        self.apply(&group);
    }

    pub fn judge_by(&self, mode: Mode) {
        let on = mode == Mode::Classifier;
        let verb = if on { "enable" } else { "disable" };
        let path = format!("/api/v1/ebpf/features/policy_classifier/{verb}");
        let status = self.ask(&Request::new(Method::POST, &path)).expect(200).json();
        let expected = if on { "active" } else { "disabled" };
        assert_eq!(status["state"], expected, "{status}");
    }

    #[track_caller]
    pub fn rule_id(&self, name: &str) -> String {
        let rules = self.items("rules");
        let found = rules.iter().find(|rule| rule["name"] == name);
        let found = found.unwrap_or_else(|| panic!("no rule {name}"));
        found["id"].as_str().expect("id").to_owned()
    }

    /// Asks as often as the engine lets one ask.
    #[track_caller]
    pub fn ask(&self, request: &Request) -> Answer {
        let answer = eventually(PATIENCE, || {
            let answer = self.raveld.api().send(request);
            (answer.status != 429).then_some(answer)
        });
        answer.expect("an answer")
    }

    /// All objects of a collection.
    #[track_caller]
    pub fn items(&self, collection: &str) -> Vec<Value> {
        let path = format!("/api/v1/{collection}?limit=1000");
        let page = self.ask(&Request::new(Method::GET, &path)).expect(200).json();
        page["items"].as_array().expect("items").clone()
    }

    /// Packets of every counter of the policy so far; those of the fence left out.
    #[track_caller]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let mut counters = BTreeMap::new();
        let named = |collection, prefix: &str| {
            self.items(collection).into_iter().map({
                let prefix = prefix.to_owned();
                move |item| {
                    let name = format!("{prefix} {}", item["name"].as_str().expect("a name"));
                    (name, number(&item["hits"]["packets"]))
                }
            })
        };
        counters.extend(named("rules", "rule"));
        let made = |kind: &str| self.made.borrow().iter().any(|(made, _)| made == kind);
        if made("published_service") {
            counters.extend(named("published-services", "published"));
        }
        let pairs = made("zone_pair").then(|| self.items("zone-pairs"));
        for pair in pairs.into_iter().flatten() {
            let zone = |field: &str| pair[field].as_str().expect("a name").to_owned();
            counters.insert(
                format!("pair {} {}", zone("from_name"), zone("to_name")),
                number(&pair["hits"]["packets"]),
            );
        }
        for fixed in self.items("policy/counters") {
            let name = format!("fixed {}", fixed["name"].as_str().expect("a name"));
            counters.insert(name, number(&fixed["hits"]["packets"]));
        }
        counters.remove(&format!("rule {FENCE_RULE}"));
        counters
    }

    /// Asks the engine about every single packet of a group: the program and the evaluator must agree with what was
    /// shown.
    pub fn simulate(&self, group: &Group) -> Vec<String> {
        single_packets(group)
            .filter_map(|(case, family, shot)| {
                let why = self.simulate_one(&shot, family).err()?;
                Some(format!("{}: {case}, IPv{family}, simulated: {why}", group.name))
            })
            .collect()
    }

    fn simulate_one(&self, shot: &Shot, family: u8) -> Result<(), String> {
        let request = simulation(shot, family, CLIENT_PORT);
        let answer = self.ask(&Request::new(Method::POST, "/api/v1/simulate").json(&request));
        if answer.status != 200 {
            return Err(answer.text());
        }
        let simulation = answer.json();
        let verdict = match shot.fate {
            Fate::Delivered(_) => "accept",
            Fate::Dropped => "drop",
            Fate::Reset | Fate::Prohibited => "reject",
            Fate::Answered(_) => return Err("a case that answers is not simulated".to_owned()),
        };
        let (origin, name) = match shot.by {
            By::Rule(name) => ("rule", Some(name)),
            By::Published(name) => ("published_service", Some(name)),
            By::Pair(..) => ("zone_pair", None),
            By::Fixed(name) => (name, None),
            By::Nothing => return Err("a case nothing decides is not simulated".to_owned()),
        };
        let by = &simulation["decided_by"];
        let right = simulation["verdict"] == verdict
            && by["origin"] == origin
            && name.is_none_or(|name| by["origin_name"] == name)
            && simulation["agree"] == true;
        if right {
            return Ok(());
        }
        Err(format!("{simulation}, not {verdict} by {origin} {name:?}"))
    }
}

/// The first packet of a connection, in numbers.
#[derive(Debug)]
pub struct SimulatedPacket {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    /// 0 where there are none.
    pub source_port: u16,
    pub destination_port: u16,
    /// Type and code; 0 where it is not ICMP of its family.
    pub icmp: (u8, u8),
}

/// The packet of a shot.
pub fn simulated_packet(shot: &Shot, family: u8, own: u16) -> SimulatedPacket {
    let (protocol, icmp) = match shot.load {
        Load::Tcp { .. } => (6, (0, 0)),
        Load::Udp => (17, (0, 0)),
        Load::Sctp => (132, (0, 0)),
        Load::Other(protocol) => (protocol, (0, 0)),
        Load::Icmp(kinds) | Load::IcmpError(kinds) => {
            (if family == 4 { 1 } else { 58 }, kinds[usize::from(family == 6)])
        }
    };
    let has_ports = matches!(protocol, 6 | 17 | 132);
    let (source_port, destination_port) = if has_ports { shot.ports(own) } else { (0, 0) };
    SimulatedPacket {
        source: shot.source.address(family),
        destination: shot.destination.address(family),
        protocol,
        source_port,
        destination_port,
        icmp,
    }
}

/// The packet of a shot for `POST /simulate`.
fn simulation(shot: &Shot, family: u8, own: u16) -> Value {
    let packet = simulated_packet(shot, family, own);
    let mut request = json!({
        "source": packet.source,
        "destination": packet.destination,
        "protocol": packet.protocol,
    });
    match shot.at {
        Port::Local => request["from_zone"] = "local".into(),
        port => request["interface"] = port.name().into(),
    }
    if let Host::Far(port, ..) = shot.destination {
        // The engine knows the networks of its links, not its routes.
        let zone = ZONES.iter().find(|zone| zone.1.contains(&port.name()));
        request["to_zone"] = zone.map_or("local", |zone| zone.0).into();
    }
    if matches!(shot.load, Load::Icmp(_) | Load::IcmpError(_)) {
        request["icmp_type"] = packet.icmp.0.into();
        request["icmp_code"] = packet.icmp.1.into();
    }
    if packet.destination_port != 0 {
        request["source_port"] = packet.source_port.into();
        request["destination_port"] = packet.destination_port.into();
    }
    request
}

/// An operation of `POST /changes`.
pub fn create(kind: &str, value: &Value) -> Value {
    json!({ "op": "create", "kind": kind, "value": value })
}

/// Name in [`Engine::counters`].
pub fn key(by: By) -> Option<String> {
    match by {
        By::Rule(name) => Some(format!("rule {name}")),
        By::Pair(from, to) => Some(format!("pair {from} {to}")),
        By::Published(name) => Some(format!("published {name}")),
        By::Fixed(name) => Some(format!("fixed {name}")),
        By::Nothing => None,
    }
}
