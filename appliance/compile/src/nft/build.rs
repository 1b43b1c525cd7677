//! The table of a ruleset.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ravelin_model::{Action, Kind, PortRange, Revision, ServiceEntry, ZoneNumber, ZoneSpec, protocol};

use super::chains::{Chains, rule_to};
use super::connections;
use super::lines::{COUNTER, FOREIGN, Lines, TO_ZONE, TO_ZONE_SHIFT, VERDICT, gather, mark};
use super::nat;
use super::table::{
    BaseChain, ConnectionState, Family, Field, Hook, Name, SetBody, Statement, Table, Test, Verdict,
    VerdictMap, goto, in_set, is, only,
};
use super::term::Terms;
use super::tree::RuleBox;
use crate::{AddressTerm, CounterId, Line, Origin, PairDefault, ResolvedZone, Ruleset, fixed_counter};

/// Bytes of a packet that is logged: the headers.
const LOG_BYTES: u32 = 128;

/// What a log entry's prefix begins with; the revision follows.
const LOG_PREFIX: &str = "ravelin ";

/// Types of ICMPv6 a link needs: multicast listeners, routers and neighbours (RFC 4890, 4.4.1).
const LINK_ICMPV6: [(u8, u8); 2] = [(130, 136), (143, 143)];
/// Redirects: the box sends them and, a router, believes none.
const REDIRECT_ICMPV6: (u8, u8) = (137, 137);
/// Types of ICMPv6 errors, path MTU among them.
const ERRORS_ICMPV6: (u8, u8) = (1, 4);
/// Types of ICMP errors, path MTU among them: unreachable, time exceeded, parameter problem.
const ERRORS_ICMP: [u8; 3] = [3, 11, 12];

/// What the table takes beside the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NftSettings {
    /// NFLOG group of logged packets.
    pub log_group: u16,
    /// Packets logged in a second at most.
    pub log_rate: u32,
    /// Interfaces at whose ingress eBPF classifies. From others a verdict in the mark is not believed: a tunnel hands
    /// what was in a packet on with the mark of the packet.
    pub classified: BTreeSet<String>,
    /// Interfaces whose packets of known connections a flowtable forwards: those where XDP does not. None: the kernel
    /// has no flowtables.
    pub flowtable: Option<BTreeSet<String>>,
}

impl Default for NftSettings {
    /// Group 5, 1,000 a second, no interface classified, no flowtable.
    fn default() -> Self {
        Self {
            log_group: 5,
            log_rate: 1000,
            classified: BTreeSet::new(),
            flowtable: None,
        }
    }
}

/// A table of nftables that enforces a ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NftRuleset {
    pub(super) revision: Revision,
    pub(super) table: Table,
    flowtable: BTreeSet<String>,
}

impl NftRuleset {
    /// The table's name, of family `inet`.
    pub const TABLE: &'static str = "ravelin";

    /// The set with the counters.
    pub const COUNTERS: &'static str = "rule_counts";

    /// The chain with the rule that logs; its prefix says the revision.
    pub const LOG_CHAIN: &'static str = "log_packet";

    /// The flowtable, which has the table's family.
    pub const FLOWTABLE: &'static str = "fast_path";

    /// The table of a ruleset.
    pub fn new(ruleset: &Ruleset, settings: &NftSettings) -> Self {
        let mut builder = Builder {
            ruleset,
            chains: Chains::default(),
            interfaces: interfaces(ruleset),
        };
        builder.sets(settings);
        let decide = builder.decide(settings);
        builder.stateful(&decide);
        builder.pairs(&decide);
        let flowtable = settings.flowtable.clone().unwrap_or_default();
        builder.hooks(&decide, &flowtable);
        nat::add(ruleset, &mut builder.chains);
        Self {
            revision: ruleset.revision,
            table: builder.chains.table,
            flowtable,
        }
    }

    /// What holds before a policy is read: nothing passes but loopback, what a link needs, established connections
    /// and, where they are known, the management ports from management interfaces.
    pub fn lockdown(management: &[String], ports: &[u16], settings: &NftSettings) -> Self {
        Self::new(&locked_down(management, ports), settings)
    }

    /// Revision it was made from.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Interfaces of the flowtable, which must be there before the table is loaded; none: there need be no flowtable.
    /// It is no part of what [`Self::difference`] tells, as nft(8) cannot read all of one as JSON.
    pub fn flowtable(&self) -> &BTreeSet<String> {
        &self.flowtable
    }

    /// Counters it has.
    pub fn counters(&self) -> &BTreeSet<CounterId> {
        match self.table.sets.get(Self::COUNTERS) {
            Some(SetBody::Counters(counters)) => counters,
            _ => unreachable!("every table has the set of counters"),
        }
    }

    /// The revision in the prefix of a log entry.
    pub fn revision_of(prefix: &str) -> Option<Revision> {
        prefix.strip_prefix(LOG_PREFIX)?.parse().ok().map(Revision)
    }

    /// How many chains, and how many rules in all of them.
    pub fn size(&self) -> (usize, usize) {
        let chains = &self.table.chains;
        (chains.len(), chains.values().map(|chain| chain.rules.len()).sum())
    }
}

/// The ruleset that lets management in and nothing else.
fn locked_down(management: &[String], ports: &[u16]) -> Ruleset {
    let number =
        ZoneNumber::new(u32::from(ZoneNumber::LOCAL.get()) + 1).expect("zones have more numbers than one");
    let zone = |number: ZoneNumber, name: &str, interfaces: &[String]| {
        let id = format!("{}{name}", ZoneSpec::PREFIX)
            .parse()
            .expect("a prefix and letters are an id");
        let zone = ResolvedZone {
            number,
            id,
            name: name.to_owned(),
            interfaces: interfaces.to_vec(),
        };
        (number, zone)
    };
    let ports = ports
        .iter()
        .filter_map(|port| PortRange::new(*port, *port))
        .collect::<Vec<_>>();
    let line = Line {
        origin: Origin::AntiLockout,
        counter: fixed_counter::ANTI_LOCKOUT,
        from: Some(number),
        to: Some(ZoneNumber::LOCAL),
        source: AddressTerm::default(),
        destination: AddressTerm::default(),
        services: vec![ServiceEntry {
            protocol: Some(protocol::TCP),
            source_ports: Vec::new(),
            destination_ports: ports,
            icmp_types: Vec::new(),
        }],
        action: Action::Accept,
        log: false,
        rate_limit: None,
    };
    let known = !management.is_empty() && !line.services[0].destination_ports.is_empty();
    let dropped = PairDefault {
        origin: Origin::UnwrittenPair,
        counter: fixed_counter::UNWRITTEN_PAIR,
        action: Action::Drop,
        log: false,
    };
    Ruleset {
        revision: Revision(0),
        zones: [
            zone(ZoneNumber::LOCAL, "local", &[]),
            zone(number, "management", management),
        ]
        .into(),
        lines: known.then(|| Arc::new(line)).into_iter().collect(),
        left_out: Vec::new(),
        defaults: [((ZoneNumber::LOCAL, number), dropped)].into(),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::new(),
        pinned: BTreeMap::new(),
    }
}

#[derive(Debug)]
struct Builder<'a> {
    ruleset: &'a Ruleset,
    chains: Chains,
    interfaces: BTreeMap<ZoneNumber, Vec<Name>>,
}

/// Interfaces of each zone but `local`.
pub(super) fn interfaces(ruleset: &Ruleset) -> BTreeMap<ZoneNumber, Vec<Name>> {
    let outside = ruleset
        .zones
        .values()
        .filter(|zone| zone.number != ZoneNumber::LOCAL);
    outside
        .map(|zone| {
            (
                zone.number,
                zone.interfaces.iter().map(|name| name.as_str().into()).collect(),
            )
        })
        .collect()
}

/// Name of the set of a zone's interfaces.
pub(super) fn zone_name(zone: ZoneNumber) -> String {
    format!("zone{}", zone.get())
}

/// Name of the chain between two zones.
fn pair_name(from: ZoneNumber, to: ZoneNumber) -> String {
    format!("pair_{}_{}", from.get(), to.get())
}

fn to_zone(zone: ZoneNumber) -> u32 {
    u32::from(zone.get()) << TO_ZONE_SHIFT
}

impl Builder<'_> {
    fn sets(&mut self, settings: &NftSettings) {
        let ruleset = self.ruleset;
        let fixed = [
            fixed_counter::INVALID,
            fixed_counter::NO_ZONE,
            fixed_counter::ANTI_LOCKOUT,
            fixed_counter::INFRASTRUCTURE,
            fixed_counter::UNWRITTEN_PAIR,
            fixed_counter::EARLIER_CONNECTION,
        ];
        let lines = ruleset.lines.iter().map(|line| (line.counter, line.log));
        let defaults = ruleset.defaults.values().map(|pair| (pair.counter, pair.log));
        // Connections of a line that is out of force for now go on, and its counts must not be lost.
        let left_out = ruleset.left_out.iter().map(|line| (line.counter, false));
        let (mut counters, mut logged) = (BTreeSet::from(fixed), BTreeSet::new());
        for (counter, log) in lines
            .chain(defaults)
            .chain(left_out)
            .filter(|(counter, _)| *counter != 0)
        {
            counters.insert(counter);
            if log {
                logged.insert(counter);
            }
        }
        self.chains.set(NftRuleset::COUNTERS, SetBody::Counters(counters));
        self.chains.set("logged", SetBody::Marks(logged));
        let classified = settings
            .classified
            .iter()
            .map(|name| name.as_str().into())
            .collect();
        self.chains.set("classified", SetBody::Interfaces(classified));
        let marks = self.interfaces.iter();
        let marks = marks.flat_map(|(zone, names)| names.iter().map(|name| (name.clone(), to_zone(*zone))));
        let marks = SetBody::InterfaceMarks(marks.collect());
        self.chains.set("zone_marks", marks);
    }

    /// Where every packet that is judged ends.
    fn decide(&mut self, settings: &NftSettings) -> Name {
        let log = self.chains.add(
            NftRuleset::LOG_CHAIN,
            None,
            vec![vec![
                Statement::LogLimit(settings.log_rate),
                Statement::Log {
                    group: settings.log_group,
                    prefix: format!("{LOG_PREFIX}{}", self.ruleset.revision.0),
                    bytes: LOG_BYTES,
                },
            ]],
        );
        let accepted = connections::accepted(&mut self.chains);
        let rejected = connections::rejected(&mut self.chains);
        let verdicts = [
            (Action::Accept, Verdict::Goto(accepted)),
            (Action::Drop, Verdict::Drop),
            (Action::Reject, Verdict::Goto(rejected)),
        ];
        let counter = Field::Mark(COUNTER);
        self.chains.add(
            "decide",
            None,
            vec![
                // A lookup counts on the element it finds.
                vec![in_set(&[counter], &NftRuleset::COUNTERS.into())],
                vec![
                    in_set(&[counter], &"logged".into()),
                    Statement::Verdict(Verdict::Jump(log)),
                ],
                vec![Statement::Dispatch {
                    fields: [Field::Mark(VERDICT)].into(),
                    map: VerdictMap::Elements(
                        verdicts
                            .map(|(action, verdict)| (only(mark(action, 0)), verdict))
                            .into(),
                    ),
                }],
            ],
        )
    }

    /// Chains for what connection tracking knows, and for what a link needs.
    fn stateful(&mut self, decide: &Name) {
        connections::known(&mut self.chains);
        for (name, action, counter) in [
            ("invalid", Action::Drop, fixed_counter::INVALID),
            ("no_zone", Action::Drop, fixed_counter::NO_ZONE),
            ("infrastructure", Action::Accept, fixed_counter::INFRASTRUCTURE),
        ] {
            let judged = Statement::Mark {
                keep: FOREIGN,
                set: mark(action, counter),
            };
            self.chains.add(name, None, vec![rule_to(vec![judged], decide)]);
        }
    }

    /// A chain for each pair of zones.
    fn pairs(&mut self, decide: &Name) {
        let ruleset = self.ruleset;
        let lines = Lines::new(Terms::new(&ruleset.lists), decide.clone());
        let boxes: Vec<[Vec<Arc<RuleBox>>; 2]> = (0..)
            .zip(&ruleset.lines)
            .map(|(at, line)| Family::ALL.map(|family| lines.boxes(at, line, family, &mut self.chains)))
            .collect();
        let mut known: BTreeMap<Vec<usize>, Option<Name>> = BTreeMap::new();
        for from in ruleset.zones.keys() {
            for to in ruleset.zones.keys() {
                let concerned = concerned(&ruleset.lines, *from, *to);
                let chain = known.entry(concerned).or_insert_with_key(|concerned| {
                    let by_family = [0, 1].map(|family: usize| {
                        concerned
                            .iter()
                            .flat_map(|at| boxes[*at][family].iter().cloned())
                            .collect()
                    });
                    gather(&by_family, &mut self.chains)
                });
                let mut rules = vec![vec![Statement::Mark {
                    keep: FOREIGN,
                    set: to_zone(*to),
                }]];
                rules.extend(
                    chain
                        .iter()
                        .map(|chain| vec![Statement::Verdict(Verdict::Jump(chain.clone()))]),
                );
                let default = ruleset.default_for(*from, *to);
                let judged = Statement::Mark {
                    keep: u32::MAX,
                    set: mark(default.action, default.counter),
                };
                rules.push(rule_to(vec![judged], decide));
                self.chains.add(&pair_name(*from, *to), None, rules);
            }
        }
    }

    /// A rule for each management zone: what the lines say that come first of all.
    fn management(&mut self, decide: &Name) -> Vec<Vec<Statement>> {
        let ruleset = self.ruleset;
        let lines = ruleset
            .lines
            .iter()
            .filter(|line| line.origin == Origin::AntiLockout);
        let mut rules = Vec::new();
        for line in lines {
            let Some((zone, interfaces)) = line.from.and_then(|zone| self.interfaces.get_key_value(&zone))
            else {
                continue;
            };
            let members = SetBody::Interfaces(interfaces.iter().cloned().collect());
            let members = self.chains.set(zone_name(*zone), members);
            let judged = Statement::Mark {
                keep: FOREIGN,
                set: mark(line.action, line.counter),
            };
            for service in &line.services {
                let ports = service.destination_ports.iter();
                let ports = ports.map(|ports| (ports.first().into(), ports.last().into()));
                let asked = vec![
                    in_set(&[Field::InputInterface], &members),
                    is(Field::Protocol, service.protocol.map(only)),
                    is(Field::DestinationPort, ports),
                    judged.clone(),
                ];
                rules.push(rule_to(asked, decide));
            }
        }
        rules
    }

    /// Rules for packets that come in or leave by an interface that is not the card its name stands for: it is in no
    /// zone, from the moment it has the name, whatever else is known of it.
    fn strangers(&mut self) -> Vec<(Hook, Vec<Statement>)> {
        let pinned = &self.ruleset.pinned;
        if pinned.is_empty() {
            return Vec::new();
        }
        let names = pinned.keys().map(|name| name.as_str().into()).collect();
        let cards = pinned
            .iter()
            .filter_map(|(name, index)| Some(((*index)?, name.as_str().into())));
        let cards = cards.collect();
        let names = self.chains.set("pinned", SetBody::Interfaces(names));
        let cards = self.chains.set("pinned_cards", SetBody::InterfaceIndices(cards));
        let sides = [
            (Hook::Input, Field::InputIndex, Field::InputInterface),
            (Hook::Output, Field::OutputIndex, Field::OutputInterface),
        ];
        let rules = sides.map(|(hook, index, name)| {
            let other = Statement::Match {
                fields: [index, name].into(),
                negated: true,
                test: Test::Set(cards.clone()),
            };
            (
                hook,
                rule_to(vec![in_set(&[name], &names), other], &"no_zone".into()),
            )
        });
        rules.into()
    }

    fn hooks(&mut self, decide: &Name, flowtable: &BTreeSet<String>) {
        let (mut to_local, mut from_local) = (BTreeMap::new(), BTreeMap::new());
        let mut between = BTreeMap::new();
        let pair = |from, to| Verdict::Goto(pair_name(from, to).into());
        for (zone, names) in &self.interfaces {
            for name in names {
                to_local.insert(name.clone(), pair(*zone, ZoneNumber::LOCAL));
                from_local.insert(name.clone(), pair(ZoneNumber::LOCAL, *zone));
                for (to, outputs) in &self.interfaces {
                    let keys = outputs.iter().map(|output| (name.clone(), output.clone()));
                    between.extend(keys.map(|key| (key, pair(*zone, *to))));
                }
            }
        }
        let to_local = self.chains.set("to_local", SetBody::InterfaceVerdicts(to_local));
        let from_local = self
            .chains
            .set("from_local", SetBody::InterfaceVerdicts(from_local));
        let between = self.chains.set("pairs", SetBody::PairVerdicts(between));
        let (input, output) = (Field::InputInterface, Field::OutputInterface);
        let dispatch = |fields: &[Field], map: &Name| {
            vec![Statement::Dispatch {
                fields: fields.into(),
                map: VerdictMap::Set(map.clone()),
            }]
        };
        let loopback = |field| {
            let test = Test::Interface("lo".into());
            let matching = Statement::Match {
                fields: [field].into(),
                negated: false,
                test,
            };
            vec![matching, Statement::Verdict(Verdict::Accept)]
        };
        let judged_before = |place: Statement| {
            let verdicts = [Action::Accept, Action::Drop, Action::Reject];
            let verdicts = verdicts.map(|action| only(mark(action, 0)));
            let classified = in_set(&[input], &"classified".into());
            rule_to(
                vec![is(Field::Mark(VERDICT), verdicts), classified, place],
                decide,
            )
        };
        let in_zone = in_set(&[output, Field::Mark(TO_ZONE)], &"zone_marks".into());
        let in_local = is(Field::Mark(TO_ZONE), [only(to_zone(ZoneNumber::LOCAL))]);
        let no_zone = vec![goto(&"no_zone".into())];
        let stray = rule_to(vec![begins_no_connection()], &"invalid".into());
        let strangers = self.strangers();
        let strangers = |at: &'static [Hook]| {
            strangers
                .iter()
                .filter(|(hook, _)| at.contains(hook))
                .map(|(_, rule)| rule.clone())
        };
        // Whoever manages the box goes on doing so where conntrack begins in the middle of a connection: when the first
        // policy comes into force.
        let management = self.management(decide);
        let established = if flowtable.is_empty() {
            "connection".into()
        } else {
            connections::offloadable(&mut self.chains, flowtable)
        };
        self.chains.add(
            "forward",
            Some(BaseChain::Filter(Hook::Forward)),
            strangers(&[Hook::Input, Hook::Output])
                .chain([
                    states(&[(ConnectionState::Established, &established), KNOWN[1], INVALID]),
                    stray.clone(),
                    judged_before(in_zone),
                    dispatch(&[input, output], &between),
                    no_zone.clone(),
                ])
                .collect(),
        );
        let begin = [
            loopback(input),
            states(&[KNOWN[0], KNOWN[1], INVALID]),
            infrastructure(Family::V6, &LINK_ICMPV6),
        ];
        let end = [
            stray,
            judged_before(in_local),
            dispatch(&[input], &to_local),
            no_zone.clone(),
        ];
        self.chains.add(
            "input",
            Some(BaseChain::Filter(Hook::Input)),
            strangers(&[Hook::Input])
                .chain(begin)
                .chain(management)
                .chain(end)
                .collect(),
        );
        // A local process can set the mark of what it sends: here it is not believed. Errors the box sends about
        // packets that never became a connection are nothing conntrack knows of.
        let errors = ERRORS_ICMP.map(|kind| (kind, kind));
        self.chains.add(
            "output",
            Some(BaseChain::Filter(Hook::Output)),
            strangers(&[Hook::Output])
                .chain([
                    loopback(output),
                    states(&KNOWN),
                    infrastructure(
                        Family::V6,
                        &[&LINK_ICMPV6[..], &[REDIRECT_ICMPV6, ERRORS_ICMPV6]].concat(),
                    ),
                    infrastructure(Family::V4, &errors),
                    states(&[INVALID]),
                    dispatch(&[output], &from_local),
                    no_zone,
                ])
                .collect(),
        );
    }
}

/// TCP that conntrack would take up in the middle of a connection: of SYN, ACK, FIN and RST not just the first.
fn begins_no_connection() -> Statement {
    const SYN: u8 = 0x02;
    const SYN_ACK_FIN_RST: u8 = 0x17;
    Statement::Match {
        fields: [Field::TcpFlags(SYN_ACK_FIN_RST)].into(),
        negated: true,
        test: Test::Elements([[only(SYN)].into()].into()),
    }
}

/// Lines for packets from one zone to another.
fn concerned(lines: &[Arc<Line>], from: ZoneNumber, to: ZoneNumber) -> Vec<usize> {
    let concerns =
        |line: &Line| line.from.is_none_or(|zone| zone == from) && line.to.is_none_or(|zone| zone == to);
    let lines = lines.iter().enumerate();
    lines
        .filter(|(_, line)| concerns(line))
        .map(|(at, _)| at)
        .collect()
}

type State<'a> = (ConnectionState, &'a str);

const KNOWN: [State<'_>; 2] = [
    (ConnectionState::Established, "connection"),
    (ConnectionState::Related, "connection"),
];

const INVALID: State<'_> = (ConnectionState::Invalid, "invalid");

/// Where packets in a state go.
fn states(states: &[State<'_>]) -> Vec<Statement> {
    let states = states
        .iter()
        .map(|(state, chain)| (*state, Verdict::Goto((*chain).into())));
    vec![Statement::Dispatch {
        fields: [].into(),
        map: VerdictMap::States(states.collect()),
    }]
}

fn infrastructure(family: Family, types: &[(u8, u8)]) -> Vec<Statement> {
    let types = types
        .iter()
        .map(|(first, last)| (u128::from(*first), u128::from(*last)));
    rule_to(vec![is(Field::IcmpType(family), types)], &"infrastructure".into())
}
