//! A router with the engine on it, and the doors every case goes through.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Crossing, Raveld, Request, Setup, eventually, privileged};
use serde_json::{Value, json};

use super::case::{Case, Group};
use super::draft::{self, Rule, rule};
use super::prober::{FENCE, Prober, judge};
use super::shot::{By, Fate, Load, PORTS, Port, Shot};
use crate::support::number;

/// Longest until a packet is seen in the counters.
const COUNTED: Duration = Duration::from_secs(3);
/// The rule of fences, in front of all.
const FENCE_RULE: &str = "fence";
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

/// The router, its engine and the links.
#[derive(Debug)]
pub struct Ground<'a> {
    pub crossing: &'a Crossing,
    pub raveld: Raveld<'a>,
    pub prober: Prober,
    made: RefCell<Vec<(String, String)>>,
    lists: RefCell<Vec<String>>,
}

/// A crossing with the routes of the cases; None where privileged tests may be skipped.
pub fn crossing() -> Option<Crossing> {
    if !privileged("netns") {
        return None;
    }
    let crossing = Crossing::new(&PORTS);
    for (prefix, link) in [
        ("198.51.100.0/24", Port::Wan),
        ("2001:db8:2::/48", Port::Wan),
        ("::ffff:0:0/96", Port::Wan),
        ("192.0.2.0/24", Port::Lan),
        ("2001:db8:1::/48", Port::Lan),
    ] {
        let link = u8::try_from(link.link().expect("a link") + 1).expect("few links");
        crossing.route(prefix, link, 2);
    }
    Some(crossing)
}

/// Shows the cases of some policies in every way there is. All that fails is told at once.
#[track_caller]
pub fn check(groups: &[Group]) {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let mut failures = Vec::new();
    let mut shown = 0;
    for group in groups {
        ground.apply(group);
        for mode in Mode::ALL {
            ground.judge_by(mode);
            shown += group.cases.len();
            failures.extend(ground.show_all(group, mode));
            failures.extend(ground.simulate(group));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures, {shown} shown:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

impl<'a> Ground<'a> {
    /// Starts an engine whose zones are those of the cases.
    pub fn start(crossing: &'a Crossing) -> Self {
        Self::start_with(crossing, Setup::default())
    }

    pub fn start_with(crossing: &'a Crossing, setup: Setup) -> Self {
        let raveld = Raveld::start_with(&crossing.router, setup);
        raveld.wait_ready();
        let ground = Self {
            crossing,
            raveld,
            prober: Prober::new(crossing),
            made: RefCell::default(),
            lists: RefCell::default(),
        };
        let zones = [
            ("lan", vec!["lan0", "lan1"], false),
            ("wan", vec!["wan0"], false),
            ("dmz", vec!["dmz0"], false),
            ("mgmt", vec!["mgm0"], true),
        ];
        let zones = zones.map(|(name, interfaces, management)| {
            create(
                "zone",
                &json!({ "name": name, "interfaces": interfaces, "management": management }),
            )
        });
        ground.change(&zones);
        ground
    }

    /// One commit; gives the answer.
    #[track_caller]
    pub fn change(&self, operations: &[Value]) -> Value {
        self.raveld
            .api()
            .post("/api/v1/changes", &json!({ "operations": operations }))
            .expect(200)
            .json()
    }

    /// Puts the policy of a group in the place of the one before: its lists, then one commit.
    #[track_caller]
    pub fn apply(&self, group: &Group) {
        let api = self.raveld.api();
        let stale: Vec<String> = self.lists.borrow_mut().drain(..).collect();
        for (name, entries) in &group.lists {
            let list = api
                .post("/api/v1/lists", &json!({ "name": name, "kind": "address" }))
                .expect(201)
                .json();
            let id = list["id"].as_str().expect("id").to_owned();
            self.raveld.import(&id, &entries.join("\n"));
            self.lists.borrow_mut().push(id);
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
            api.send(
                &Request::new(Method::POST, &path)
                    .header("if-match", "*")
                    .json(&to),
            )
            .expect(200);
        }
        for list in stale {
            let path = format!("/api/v1/lists/{list}");
            api.send(&Request::new(Method::DELETE, &path).header("if-match", "*"))
                .expect(204);
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
        let status = self.raveld.switch("policy_classifier", on);
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

    /// All objects of a collection.
    #[track_caller]
    pub fn items(&self, collection: &str) -> Vec<Value> {
        let path = format!("/api/v1/{collection}?limit=1000");
        let page = self.raveld.api().get(&path).expect(200).json();
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
        counters.extend(named("published-services", "published"));
        for pair in self.items("zone-pairs") {
            let zone = |field: &str| pair[field].as_str().expect("a name").to_owned();
            counters.insert(
                format!("pair {} {}", zone("from_zone_name"), zone("to_zone_name")),
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

    /// Shows the cases of a group as the mode it is in; gives what failed.
    pub fn show_all(&self, group: &Group, mode: Mode) -> Vec<String> {
        let mut failures = Vec::new();
        for case in &group.cases {
            for &family in case.families.each() {
                if let Err(why) = self.show(case, family) {
                    let (group, case) = (group.name, case.name);
                    failures.push(format!("{group}: {case}, IPv{family}, {mode:?}: {why}"));
                }
            }
        }
        failures
    }

    /// Sends the packets of a case and says what is not as it should be.
    fn show(&self, case: &Case, family: u8) -> Result<(), String> {
        let own = self.prober.own_port();
        for (step, shot) in (1..).zip(&case.shots) {
            let before = self.counters();
            let outcome = self.prober.fire(shot, family, own);
            judge(shot, &outcome)
                .and_then(|()| self.counted(&before, shot))
                .map_err(|why| format!("packet {step}: {why}"))?;
        }
        Ok(())
    }

    /// Waits until exactly this packet has been counted since.
    fn counted(&self, before: &BTreeMap<String, u64>, shot: &Shot) -> Result<(), String> {
        let expected: Vec<_> = key(shot.by).map(|key| (key, shot.counts)).into_iter().collect();
        self.wait_for_growth(before, &expected)
    }

    /// Waits until the counters have grown by just this.
    pub fn wait_for_growth(
        &self,
        before: &BTreeMap<String, u64>,
        by: &[(String, u64)],
    ) -> Result<(), String> {
        let mut seen = Vec::new();
        let right = eventually(COUNTED, || {
            seen = grown(before, &self.counters());
            (seen == by).then_some(())
        });
        right.ok_or_else(|| format!("counted {seen:?}, not {by:?}"))
    }

    /// Asks the engine about every single packet of a group: the program and the evaluator must agree with what was
    /// shown.
    fn simulate(&self, group: &Group) -> Vec<String> {
        let mut failures = Vec::new();
        for case in &group.cases {
            let [shot] = case.shots[..] else { continue };
            if !shot.simulated {
                continue;
            }
            for &family in case.families.each() {
                if let Err(why) = self.simulate_one(&shot, family) {
                    failures.push(format!(
                        "{}: {}, IPv{family}, simulated: {why}",
                        group.name, case.name
                    ));
                }
            }
        }
        failures
    }

    fn simulate_one(&self, shot: &Shot, family: u8) -> Result<(), String> {
        let request = simulation(shot, family, self.prober.own_port());
        let answer = self.raveld.api().post("/api/v1/simulate", &request);
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

/// The packet of a shot for `POST /simulate`.
fn simulation(shot: &Shot, family: u8, own: u16) -> Value {
    let (source_port, destination_port) = shot.ports(own);
    let mut packet = json!({
        "source": shot.source.address(family),
        "destination": shot.destination.address(family),
    });
    match shot.at {
        Port::Local => packet["from_zone"] = "local".into(),
        port => packet["interface"] = port.name().into(),
    }
    let protocol = match shot.load {
        Load::Tcp { .. } => 6,
        Load::Udp => 17,
        Load::Sctp => 132,
        Load::Other(protocol) => protocol,
        Load::Icmp(kinds) | Load::IcmpError(kinds) => {
            let (kind, code) = kinds[usize::from(family == 6)];
            packet["icmp_type"] = kind.into();
            packet["icmp_code"] = code.into();
            if family == 4 { 1 } else { 58 }
        }
    };
    packet["protocol"] = protocol.into();
    if matches!(protocol, 6 | 17 | 132) {
        packet["source_port"] = source_port.into();
        packet["destination_port"] = destination_port.into();
    }
    packet
}

/// What grew, without what the router itself sends at its own times.
pub fn grown(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    after
        .iter()
        .map(|(name, count)| (name.clone(), count - before.get(name).copied().unwrap_or(0)))
        .filter(|(_, more)| *more > 0)
        .collect()
}

/// Name in [`Ground::counters`].
fn key(by: By) -> Option<String> {
    match by {
        By::Rule(name) => Some(format!("rule {name}")),
        By::Pair(from, to) => Some(format!("pair {from} {to}")),
        By::Published(name) => Some(format!("published {name}")),
        By::Fixed(name) => Some(format!("fixed {name}")),
        By::Nothing => None,
    }
}

/// An operation of `POST /changes`.
pub fn create(kind: &str, value: &Value) -> Value {
    json!({ "op": "create", "kind": kind, "value": value })
}
