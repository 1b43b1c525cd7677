//! What the kernel does with a packet that meets a table, as nft(8) says it.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{PortRange, protocol};

use super::NftRuleset;
use super::table::{
    BaseChain, ConnectionState, Family, Field, Hook, Name, NatMap, Range, Reject, SetBody, Statement, Test,
    Verdict, VerdictMap,
};
use super::term::{address, number, ranges};
use crate::{CounterId, PolicyPacket};

/// A packet at a hook.
#[derive(Debug, Clone)]
pub(super) struct Probe<'a> {
    pub(super) input: Option<&'a str>,
    pub(super) output: Option<&'a str>,
    /// Kernel indices of both.
    pub(super) indices: (u32, u32),
    pub(super) packet: PolicyPacket,
    pub(super) mark: u32,
    pub(super) connection_mark: u32,
    /// None: new.
    pub(super) state: Option<ConnectionState>,
    pub(super) translated: bool,
    /// Of TCP.
    pub(super) tcp_flags: u8,
    /// Every limit is reached.
    pub(super) over_limits: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Accepted,
    Dropped,
    Rejected(Reject),
    Source(IpAddr, Option<PortRange>),
    Masqueraded,
    Destination(IpAddr, Option<u16>),
}

/// What was seen on the way.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) counted: Vec<CounterId>,
    pub(super) logged: bool,
    pub(super) offloaded: bool,
    pub(super) mark: u32,
    pub(super) connection_mark: u32,
    /// Rules it was tried against.
    pub(super) rules: usize,
    /// Chains it went into, one in another.
    pub(super) deepest: usize,
}

/// What a statement does.
enum Step {
    On,
    NextRule,
    Go(Verdict),
    End(Fate),
}

pub(super) fn run(ruleset: &NftRuleset, hook: Hook, probe: &Probe<'_>) -> (Fate, Walk) {
    let mut chains = ruleset
        .table
        .chains
        .iter()
        .filter_map(|(name, chain)| Some((name, chain.base?)));
    let (name, base) = chains
        .find(|(_, base)| matches!(base, BaseChain::Filter(of) | BaseChain::Nat(of) if *of == hook))
        .expect("every hook has a chain");
    let mut interpreter = Interpreter {
        ruleset,
        probe,
        walk: Walk {
            mark: probe.mark,
            connection_mark: probe.connection_mark,
            ..Walk::default()
        },
    };
    let policy = match base {
        BaseChain::Filter(_) => Fate::Dropped,
        BaseChain::Nat(_) => Fate::Accepted,
    };
    let fate = interpreter.chain(name, 0).unwrap_or(policy);
    (fate, interpreter.walk)
}

struct Interpreter<'a> {
    ruleset: &'a NftRuleset,
    probe: &'a Probe<'a>,
    walk: Walk,
}

impl Interpreter<'_> {
    fn chain(&mut self, name: &Name, depth: usize) -> Option<Fate> {
        self.walk.deepest = self.walk.deepest.max(depth);
        let chain = self
            .ruleset
            .table
            .chains
            .get(name)
            .unwrap_or_else(|| panic!("no chain {name}"));
        'rules: for rule in &chain.rules {
            self.walk.rules += 1;
            for statement in rule {
                match self.step(statement) {
                    Step::On => {}
                    Step::NextRule => continue 'rules,
                    Step::End(fate) => return Some(fate),
                    Step::Go(Verdict::Accept) => return Some(Fate::Accepted),
                    Step::Go(Verdict::Drop) => return Some(Fate::Dropped),
                    Step::Go(Verdict::Goto(to)) => return self.chain(&to, depth + 1),
                    Step::Go(Verdict::Jump(to)) => match self.chain(&to, depth + 1) {
                        Some(fate) => return Some(fate),
                        None => continue 'rules,
                    },
                }
            }
        }
        None
    }

    fn step(&mut self, statement: &Statement) -> Step {
        let probe = self.probe;
        let on = |goes: bool| if goes { Step::On } else { Step::NextRule };
        match statement {
            Statement::Match {
                fields,
                negated,
                test,
            } => match self.among(fields, test) {
                None => Step::NextRule,
                Some(among) => on(among != *negated),
            },
            Statement::Translated => on(probe.translated),
            Statement::Dispatch { fields, map } => {
                self.dispatch(fields, map).map_or(Step::NextRule, Step::Go)
            }
            Statement::Mark { keep, set } => {
                self.walk.mark = self.walk.mark & keep | set;
                Step::On
            }
            Statement::ConnectionMark { keep, set } => {
                self.walk.connection_mark = self.walk.connection_mark & keep | set;
                Step::On
            }
            Statement::CopyMark(bits) => {
                self.walk.connection_mark = self.walk.mark & bits;
                Step::On
            }
            Statement::Limit(name) => {
                assert!(self.ruleset.table.limits.contains_key(name), "no limit {name}");
                on(!probe.over_limits)
            }
            Statement::SourceLimit { family, set, .. } => {
                let body = self.ruleset.table.sets.get(set);
                assert!(
                    matches!(body, Some(SetBody::SourceLimit(of, _)) if of == family),
                    "no set {set}"
                );
                on(self.family() == *family && !probe.over_limits)
            }
            Statement::LogLimit(_) => Step::On,
            Statement::Log { .. } => {
                self.walk.logged = true;
                Step::On
            }
            Statement::Offload => {
                self.walk.offloaded = true;
                Step::On
            }
            Statement::Verdict(verdict) => Step::Go(verdict.clone()),
            Statement::Reject(reject) => Step::End(Fate::Rejected(*reject)),
            Statement::Masquerade => Step::End(Fate::Masqueraded),
            Statement::Snat { address, ports } => Step::End(Fate::Source(*address, *ports)),
            Statement::SnatNetworks(networks) => match within(networks, probe.packet.source) {
                Some(address) => Step::End(Fate::Source(address, None)),
                None => Step::NextRule,
            },
            Statement::Dnat(map) => match self.destination(map) {
                Some((address, port)) => Step::End(Fate::Destination(address, port)),
                None => Step::NextRule,
            },
        }
    }

    fn family(&self) -> Family {
        Family::of(self.probe.packet.source)
    }

    /// A number of the packet; None: it has none, which ends the rule.
    fn value(&self, field: Field) -> Option<u128> {
        let packet = &self.probe.packet;
        let of_family = |family| self.family() == family;
        let icmp = |family| of_family(family) && packet.is_icmp();
        // Whatever comes behind the IP headers has four bytes there.
        let port = |port: u16| {
            Some(u128::from(if protocol::has_ports(packet.protocol) {
                port
            } else {
                0x5555
            }))
        };
        match field {
            Field::Family => Some(self.family().version().into()),
            Field::Protocol => Some(packet.protocol.into()),
            Field::Source(family) => of_family(family).then(|| number(packet.source)),
            Field::Destination(family) => of_family(family).then(|| number(packet.destination)),
            Field::SourcePort => port(packet.source_port),
            Field::DestinationPort => port(packet.destination_port),
            Field::IcmpType(family) => icmp(family).then(|| packet.icmp.0.into()),
            Field::IcmpCode(family) => icmp(family).then(|| packet.icmp.1.into()),
            Field::TcpFlags(bits) => {
                (packet.protocol == protocol::TCP).then_some(u128::from(bits & self.probe.tcp_flags))
            }
            Field::Mark(bits) => Some((self.walk.mark & bits).into()),
            Field::ConnectionMark(bits) => Some((self.walk.connection_mark & bits).into()),
            Field::InputIndex => Some(self.probe.indices.0.into()),
            Field::OutputIndex => Some(self.probe.indices.1.into()),
            Field::InputInterface | Field::OutputInterface => panic!("interfaces are no numbers"),
        }
    }

    fn interface(&self, field: Field) -> &str {
        match field {
            Field::InputInterface => self.probe.input.unwrap_or_default(),
            Field::OutputInterface => self.probe.output.unwrap_or_default(),
            other => panic!("{other:?} is no interface"),
        }
    }

    /// None: the packet has no such field.
    fn among(&mut self, fields: &[Field], test: &Test) -> Option<bool> {
        match test {
            Test::Interface(name) => Some(self.interface(fields[0]) == &**name),
            Test::Elements(elements) => self.in_elements(fields, elements),
            Test::Set(name) => {
                let ruleset = self.ruleset;
                let set = ruleset
                    .table
                    .sets
                    .get(name)
                    .unwrap_or_else(|| panic!("no set {name}"));
                match set {
                    SetBody::Counters(counters) => {
                        let counter = u32::try_from(self.value(fields[0])?).expect("a mark");
                        let found = counters.contains(&counter);
                        if found {
                            self.walk.counted.push(counter);
                        }
                        Some(found)
                    }
                    SetBody::Marks(marks) => {
                        Some(marks.contains(&u32::try_from(self.value(fields[0])?).expect("a mark")))
                    }
                    SetBody::Addresses(family, addresses) => {
                        let value = self.value(fields[0])?;
                        Some(
                            ranges(addresses, *family)
                                .iter()
                                .any(|range| inside(value, *range)),
                        )
                    }
                    SetBody::Numbers(kind, elements) => {
                        assert_eq!(super::table::NumberKind::of(fields), Some(*kind), "{name}");
                        self.in_elements(fields, elements)
                    }
                    SetBody::Interfaces(names) => Some(names.contains(self.interface(fields[0]))),
                    SetBody::InterfaceIndices(indices) => {
                        let index = u32::try_from(self.value(fields[0])?).expect("an index");
                        Some(indices.contains(&(index, self.interface(fields[1]).into())))
                    }
                    SetBody::InterfaceMarks(marks) => {
                        let mark = u32::try_from(self.value(fields[1])?).expect("a mark");
                        Some(marks.contains(&(self.interface(fields[0]).into(), mark)))
                    }
                    other => panic!("{name} is no set to match with: {other:?}"),
                }
            }
        }
    }

    fn in_elements(&self, fields: &[Field], elements: &[Box<[Range]>]) -> Option<bool> {
        let values: Vec<u128> = fields
            .iter()
            .map(|field| self.value(*field))
            .collect::<Option<_>>()?;
        Some(elements.iter().any(|element| {
            assert_eq!(element.len(), values.len());
            element
                .iter()
                .zip(&values)
                .all(|(range, value)| inside(*value, *range))
        }))
    }

    fn dispatch(&self, fields: &[Field], map: &VerdictMap) -> Option<Verdict> {
        match map {
            VerdictMap::Elements(elements) => {
                let value = self.value(fields[0])?;
                let mut found = elements.iter().filter(|(range, _)| inside(value, *range));
                let verdict = found.next().map(|(_, verdict)| verdict.clone());
                assert!(found.next().is_none(), "elements of a map do not overlap");
                verdict
            }
            VerdictMap::States(states) => {
                let state = self.probe.state?;
                states
                    .iter()
                    .find(|(of, _)| *of == state)
                    .map(|(_, verdict)| verdict.clone())
            }
            VerdictMap::Set(name) => match self.ruleset.table.sets.get(name) {
                Some(SetBody::InterfaceVerdicts(verdicts)) => {
                    verdicts.get(self.interface(fields[0])).cloned()
                }
                Some(SetBody::PairVerdicts(verdicts)) => {
                    let pair = (self.interface(fields[0]).into(), self.interface(fields[1]).into());
                    verdicts.get(&pair).cloned()
                }
                other => panic!("{name} is no map: {other:?}"),
            },
        }
    }

    fn destination(&self, map: &NatMap) -> Option<(IpAddr, Option<u16>)> {
        let packet = &self.probe.packet;
        let to = packet.destination;
        let port = u16::try_from(self.value(Field::DestinationPort)?).expect("a port");
        match map {
            NatMap::Ports(rows) => {
                let row = rows
                    .iter()
                    .find(|row| (row.0, row.1, row.2) == (to, packet.protocol, port))?;
                Some((row.3, Some(row.4)))
            }
            NatMap::PortRanges(rows) => {
                let row = rows
                    .iter()
                    .find(|row| (row.0, row.1) == (to, packet.protocol) && row.2.contains(port))?;
                Some((row.3, None))
            }
            NatMap::Protocols(rows) => {
                let row = rows.iter().find(|row| (row.0, row.1) == (to, packet.protocol))?;
                Some((row.2, None))
            }
            NatMap::Networks(networks) => Some((within(networks, to)?, None)),
        }
    }
}

/// The address at the place of this one in the second network.
fn within(networks: &[(IpNet, IpNet)], from: IpAddr) -> Option<IpAddr> {
    let mut found = networks.iter().filter(|(network, _)| network.contains(&from));
    let (network, target) = found.next()?;
    assert!(found.next().is_none(), "elements of a map do not overlap");
    let distance = number(from) - number(network.network());
    Some(address(number(target.network()) + distance, Family::of(from)))
}

fn inside(value: u128, (first, last): Range) -> bool {
    (first..=last).contains(&value)
}
