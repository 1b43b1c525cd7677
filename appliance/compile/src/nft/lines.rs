//! Lines of the policy as rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ravelin_model::{Action, IcmpType, PortRange, RateLimit, RateLimitScope, ServiceEntry, protocol};

use super::chains::{Chains, LINEAR_RULES, rule_to};
use super::table::{Family, Field, Name, Range, SetBody, Statement, Verdict, VerdictMap, is, only};
use super::term::{Side, Terms};
use super::tree::{self, DIMENSIONS, Dimension, RuleBox};
use crate::{CounterId, Line};

/// Bits of the mark that are not Ravelin's.
pub(super) const FOREIGN: u32 = 0x00f0_0000;
/// Bits of the mark that name the counter.
pub(super) const COUNTER: u32 = 0x000f_ffff;
/// Bits of the mark that name the output zone.
pub(super) const TO_ZONE: u32 = 0x3f00_0000;
/// Where they begin.
pub(super) const TO_ZONE_SHIFT: u32 = 24;
/// Bits of the mark that say what becomes of the packet.
pub(super) const VERDICT: u32 = 0xc000_0000;

/// Protocols with ports.
pub(super) const WITH_PORTS: [u8; 3] = [protocol::TCP, protocol::UDP, protocol::SCTP];

/// Seconds a source is remembered at least.
const SOURCE_LIMIT_SECONDS: u32 = 60;

/// Verdict and counter in the mark.
pub(super) fn mark(action: Action, counter: CounterId) -> u32 {
    let verdict = match action {
        Action::Accept => 1,
        Action::Drop => 2,
        Action::Reject => 3,
    };
    verdict << 30 | counter & COUNTER
}

/// Turns lines into rules that end in one chain.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    terms: Terms<'a>,
    decide: Name,
}

impl<'a> Lines<'a> {
    pub(super) fn new(terms: Terms<'a>, decide: Name) -> Self {
        Self { terms, decide }
    }

    /// What of a line matches packets of a family; `at` is its place among the lines.
    pub(super) fn boxes(
        &self,
        at: usize,
        line: &Line,
        family: Family,
        chains: &mut Chains,
    ) -> Vec<Arc<RuleBox>> {
        let source = self.terms.side(&line.source, Field::Source, family, chains);
        let destination = self
            .terms
            .side(&line.destination, Field::Destination, family, chains);
        let (Some(source), Some(destination)) = (source, destination) else {
            return Vec::new();
        };
        let end = End {
            limit: limit(line, family, chains),
            judged: Statement::Mark {
                keep: u32::MAX,
                set: mark(line.action, line.counter),
            },
            decide: self.decide.clone(),
        };
        let everything = [ServiceEntry {
            protocol: None,
            source_ports: Vec::new(),
            destination_ports: Vec::new(),
            icmp_types: Vec::new(),
        }];
        let services = if line.services.is_empty() {
            &everything[..]
        } else {
            &line.services
        };
        let services = services.iter().filter_map(|service| service_box(service, family));
        services
            .map(|service| Arc::new(assemble(at, &source, &destination, service, &end, chains)))
            .collect()
    }
}

/// How the rules of a line end.
#[derive(Debug)]
struct End {
    limit: Option<Statement>,
    judged: Statement,
    decide: Name,
}

fn assemble(
    line: usize,
    source: &Side,
    destination: &Side,
    service: Service,
    end: &End,
    chains: &mut Chains,
) -> RuleBox {
    let mut dimensions = [const { None }; DIMENSIONS];
    let mut matches = [const { None }; DIMENSIONS];
    for (dimension, side) in [(Dimension::Source, source), (Dimension::Destination, destination)] {
        dimensions[dimension as usize].clone_from(&side.ranges);
        matches[dimension as usize].clone_from(&side.matching);
    }
    for (dimension, field, ranges) in [
        (Dimension::Protocol, Field::Protocol, service.protocols),
        (Dimension::SourcePort, Field::SourcePort, service.source_ports),
        (
            Dimension::DestinationPort,
            Field::DestinationPort,
            service.destination_ports,
        ),
    ] {
        matches[dimension as usize] = ranges
            .as_ref()
            .map(|ranges| chains.among(&[field], ranges.iter().map(|range| [*range].into()).collect()));
        dimensions[dimension as usize] = Some(ranges.unwrap_or_else(|| [dimension.all_services()].into()));
    }
    let mut statements = Vec::new();
    if let Some((fields, elements)) = service.icmp {
        statements.push(chains.among(&fields, elements));
    }
    let exact = statements.is_empty() && end.limit.is_none() && dimensions.iter().all(Option::is_some);
    statements.extend(end.limit.clone());
    statements.push(end.judged.clone());
    RuleBox {
        line,
        dimensions,
        matches,
        exact,
        end: rule_to(statements, &end.decide),
    }
}

/// Fields and what they may be together.
type IcmpMatch = (Vec<Field>, Vec<Box<[Range]>>);

/// What a service asks for, within a family.
#[derive(Debug)]
struct Service {
    /// None: any.
    protocols: Option<Arc<[Range]>>,
    source_ports: Option<Arc<[Range]>>,
    destination_ports: Option<Arc<[Range]>>,
    icmp: Option<IcmpMatch>,
}

/// None: no packet of the family matches.
fn service_box(service: &ServiceEntry, family: Family) -> Option<Service> {
    let ServiceEntry {
        protocol,
        source_ports,
        destination_ports,
        icmp_types,
    } = service;
    let own_icmp = match family {
        Family::V4 => protocol::ICMP,
        Family::V6 => protocol::ICMPV6,
    };
    let with_ports = !source_ports.is_empty() || !destination_ports.is_empty();
    let mut protocols: Vec<u8> = match protocol {
        Some(number) => vec![*number],
        None if with_ports => WITH_PORTS.to_vec(),
        None if !icmp_types.is_empty() => vec![own_icmp],
        None => Vec::new(),
    };
    let any = protocols.is_empty();
    protocols.retain(|number| match *number {
        protocol::ICMP | protocol::ICMPV6 => *number == own_icmp && !with_ports,
        number => icmp_types.is_empty() && (!with_ports || protocol::has_ports(number)),
    });
    if protocols.is_empty() && !any {
        return None;
    }
    let ports = |ports: &[PortRange]| -> Option<Arc<[Range]>> {
        let ranges = ports
            .iter()
            .map(|range| (u128::from(range.first()), u128::from(range.last())));
        (!ports.is_empty()).then(|| tree::union(ranges.collect()).into())
    };
    Some(Service {
        protocols: (!any).then(|| protocols.into_iter().map(only).collect()),
        source_ports: ports(source_ports),
        destination_ports: ports(destination_ports),
        icmp: icmp_match(icmp_types, family),
    })
}

fn icmp_match(types: &[IcmpType], family: Family) -> Option<IcmpMatch> {
    let kind = Field::IcmpType(family);
    if types.is_empty() {
        return None;
    }
    if types.iter().all(|icmp| icmp.code.is_none()) {
        let kinds = tree::union(types.iter().map(|icmp| only(icmp.kind)).collect());
        return Some((
            vec![kind],
            kinds.into_iter().map(|range| [range].into()).collect(),
        ));
    }
    // A type whose every code matches leaves nothing to say of its codes.
    let whole = |kind| types.iter().any(|icmp| icmp.kind == kind && icmp.code.is_none());
    let mut elements: Vec<Box<[Range]>> = types
        .iter()
        .filter(|icmp| icmp.code.is_none() || !whole(icmp.kind))
        .map(|icmp| {
            let codes = icmp.code.map_or((0, u128::from(u8::MAX)), only);
            [only(icmp.kind), codes].into()
        })
        .collect();
    elements.sort_unstable();
    elements.dedup();
    Some((vec![kind, Field::IcmpCode(family)], elements))
}

/// State of a limit lives in the table, so that the copies of a line share it.
fn limit(line: &Line, family: Family, chains: &mut Chains) -> Option<Statement> {
    let limit = line.rate_limit?;
    let RateLimit { rate, per, burst } = limit;
    let name: Name = format!("limit{}_{rate}_{burst}", line.counter).into();
    Some(match per {
        RateLimitScope::Rule => {
            chains.table.limits.insert(name.clone(), limit);
            Statement::Limit(name)
        }
        RateLimitScope::Source => {
            // Whoever is forgotten starts with a full burst, so not before it would be full again.
            let seconds = SOURCE_LIMIT_SECONDS.max(burst.div_ceil(rate.max(1)).saturating_add(1));
            let body = SetBody::SourceLimit(family, seconds);
            let set = chains.set(format!("{name}_{}", family.suffix()), body);
            Statement::SourceLimit {
                family,
                set,
                rate,
                burst,
            }
        }
    })
}

/// Parts a policy is divided into at most.
const PARTS: usize = 8;

/// The chain of the boxes of both families; None: there are none.
///
/// Lines that say nothing of addresses would come into every leaf of a tree, and a change to one would send them all
/// again. So they get chains of their own, between the trees of the lines before and behind them, as long as that
/// makes few parts.
pub(super) fn gather(by_family: &[Vec<Arc<RuleBox>>; 2], chains: &mut Chains) -> Option<Name> {
    if by_family.iter().all(Vec::is_empty) {
        return None;
    }
    linear(by_family, chains).or_else(|| {
        let jumps = parts(by_family)
            .iter()
            .map(|part| linear(part, chains).unwrap_or_else(|| trees(part, chains)))
            .map(|chain| vec![Statement::Verdict(Verdict::Jump(chain))])
            .collect();
        Some(chains.intern(jumps))
    })
}

/// The boxes one after another, if they are few.
fn linear(by_family: &[Vec<Arc<RuleBox>>; 2], chains: &mut Chains) -> Option<Name> {
    if by_family.iter().any(|boxes| boxes.len() > LINEAR_RULES) {
        return None;
    }
    let rules = merged(by_family);
    (rules.len() <= LINEAR_RULES).then(|| chains.intern(rules))
}

/// The boxes by runs of lines that name addresses and lines that do not; where the runs are many, only what such
/// lines are in front and behind of all others.
fn parts(by_family: &[Vec<Arc<RuleBox>>; 2]) -> Vec<[Vec<Arc<RuleBox>>; 2]> {
    let mut narrow: BTreeMap<usize, bool> = BTreeMap::new();
    for part in by_family.iter().flatten() {
        *narrow.entry(part.line).or_default() |= part.names_addresses();
    }
    // First lines of the runs.
    let mut runs: Vec<(usize, bool)> = Vec::new();
    for (line, narrow) in narrow {
        if runs.last().is_none_or(|run| run.1 != narrow) {
            runs.push((line, narrow));
        }
    }
    if runs.len() > PARTS {
        let first = runs.iter().position(|run| run.1).unwrap_or(0);
        let last = runs.iter().rposition(|run| run.1).unwrap_or(0);
        runs = (runs.iter().enumerate())
            .filter(|(at, _)| *at <= first || *at > last)
            .map(|(_, run)| *run)
            .collect();
    }
    let bounds = runs
        .iter()
        .map(|run| run.0)
        .chain([usize::MAX])
        .collect::<Vec<_>>();
    bounds
        .windows(2)
        .map(|bound| {
            by_family.each_ref().map(|boxes| {
                let lines = boxes
                    .iter()
                    .filter(|part| (bound[0]..bound[1]).contains(&part.line));
                lines.cloned().collect()
            })
        })
        .collect()
}

/// A tree for each family.
fn trees(by_family: &[Vec<Arc<RuleBox>>; 2], chains: &mut Chains) -> Name {
    let mut branches = Vec::new();
    for (family, boxes) in Family::ALL.into_iter().zip(by_family) {
        if let Some(root) = tree::grow(boxes, family, chains) {
            branches.push((only(family.version()), Verdict::Goto(root)));
        }
    }
    chains.intern(vec![vec![Statement::Dispatch {
        fields: [Field::Family].into(),
        map: VerdictMap::Elements(branches.into()),
    }]])
}

/// The rules of both families in order; where a box asks for the same in both, one rule stands for it.
fn merged(by_family: &[Vec<Arc<RuleBox>>; 2]) -> Vec<Vec<Statement>> {
    let lines = by_family
        .iter()
        .flatten()
        .map(|part| part.line)
        .collect::<BTreeSet<_>>();
    let mut rest = by_family.each_ref().map(Vec::as_slice);
    let mut rules = Vec::new();
    for line in lines {
        let [v4, v6] = [0, 1].map(|family: usize| {
            let count = rest[family].iter().take_while(|part| part.line == line).count();
            let (own, behind) = rest[family].split_at(count);
            rest[family] = behind;
            let everything = tree::everything(Family::ALL[family]);
            own.iter().map(|part| part.rule(&everything)).collect::<Vec<_>>()
        });
        // Within a line the order does not matter.
        let (both, v4): (Vec<_>, Vec<_>) = v4.into_iter().partition(|rule| v6.contains(rule));
        let v6 = v6.into_iter().filter(|rule| !both.contains(rule));
        rules.extend(v4.into_iter().map(|rule| of_family(Family::V4, rule)));
        rules.extend(v6.map(|rule| of_family(Family::V6, rule)));
        rules.extend(both);
    }
    rules
}

/// Has a rule match packets of one family only.
fn of_family(family: Family, mut rule: Vec<Statement>) -> Vec<Statement> {
    let says_so = rule.iter().any(|statement| match statement {
        Statement::Match { fields, .. } => fields.iter().any(|field| {
            matches!(
                field,
                Field::Source(_) | Field::Destination(_) | Field::IcmpType(_) | Field::IcmpCode(_)
            )
        }),
        _ => false,
    });
    if !says_so {
        rule.insert(0, is(Field::Family, [only(family.version())]));
    }
    rule
}
