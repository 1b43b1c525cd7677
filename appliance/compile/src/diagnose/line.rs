//! Lines against the lines in front of them.

use std::collections::{BTreeMap, BTreeSet};

use ravelin_model::ZoneNumber;

use super::extent::{self, Family, Run};
use super::index::{Entry, Index, Zones};
use super::service::Fit;
use super::{Diagnostic, DiagnosticCode, Names, Severity, references, service};
use crate::{Line, Origin, Ruleset};

/// Most lines one looks at for one question.
const LOOKED_AT_MAX: usize = 4096;

/// Most lines of those it is compared with.
const COMPARED_MAX: usize = 256;

/// Most lines that together cover one.
const TOGETHER_MAX: usize = 64;

/// What a line matches of one family.
struct Part {
    source: Vec<Run>,
    destination: Vec<Run>,
}

/// What a line matches.
struct Reach {
    zones: Zones,
    /// IPv4 and IPv6; a family it matches nothing of is not there.
    parts: Vec<(Family, Part)>,
    /// A side has too many runs to look at.
    too_large: bool,
}

struct Lines<'a> {
    ruleset: &'a Ruleset,
    reaches: Vec<Reach>,
    indices: [Index; 2],
}

pub(super) fn diagnose(ruleset: &Ruleset, names: &Names<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let lines = Lines::new(ruleset);
    let mut deciding = vec![false; ruleset.lines.len()];
    for (n, line) in ruleset.lines.iter().enumerate() {
        let reach = &lines.reaches[n];
        if reach.parts.is_empty() && !reach.too_large {
            diagnostics.extend(names.of(&line.origin).map(|subject| never_matches(line, subject)));
        } else if let Some(covering) = lines.covering(n) {
            diagnostics.extend(covered(&lines, names, n, &covering));
        } else {
            deciding[n] = true;
        }
    }
    let mut general: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, _) in deciding.iter().enumerate().filter(|(_, deciding)| **deciding) {
        if let Some(later) = lines.generalising(n, &deciding) {
            general.entry(later).or_default().push(n);
        }
    }
    for (later, earlier) in general {
        diagnostics.extend(generalises(ruleset, names, later, &earlier));
    }
}

impl<'a> Lines<'a> {
    fn new(ruleset: &'a Ruleset) -> Self {
        let mut indices = Family::BOTH.map(Index::new);
        let reaches: Vec<Reach> = ruleset
            .lines
            .iter()
            .map(|line| Reach::of(line, ruleset))
            .collect();
        for (n, (line, reach)) in ruleset.lines.iter().zip(&reaches).enumerate() {
            // A line with a limit covers nothing: over the limit it does not match.
            if line.rate_limit.is_some() {
                continue;
            }
            let number = u32::try_from(n).expect("no more lines than counters");
            for family in Family::BOTH {
                let entry = Entry {
                    line: number,
                    fit: Fit::of(&line.services, family),
                };
                let index = &mut indices[place(family)];
                let part = reach.parts.iter().find(|(of, _)| *of == family);
                if let Some((_, part)) = part {
                    index.add(entry, reach.zones, &part.source, &part.destination);
                } else if reach.too_large {
                    let all = [(0, family.last())];
                    index.add(entry, reach.zones, &all, &all);
                }
            }
        }
        Self {
            ruleset,
            reaches,
            indices,
        }
    }

    /// Lines in front of the line that decide everything it matches; None: not everything, or it is too large or
    /// no line anybody wrote.
    fn covering(&self, n: usize) -> Option<BTreeSet<usize>> {
        if self.reaches[n].too_large || self.ruleset.lines[n].origin == Origin::AntiLockout {
            return None;
        }
        let mut budget = Budget::default();
        let mut covering = BTreeSet::new();
        for (family, part) in &self.reaches[n].parts {
            let corner = (part.source.first()?.0, part.destination.first()?.0);
            let inner = Inner {
                n,
                family: *family,
                part,
            };
            // Whatever covers the line has one here.
            let candidates = self.in_front(&inner, corner, &mut budget);
            if candidates.is_empty() {
                return None;
            }
            let found = [Along::Destination, Along::Source]
                .into_iter()
                .find_map(|along| self.cover_along(&inner, along, &candidates, &mut budget));
            covering.extend(found?);
        }
        Some(covering)
    }

    /// Lines that cover one side whole and all of the other side one behind another, beginning with some of the
    /// `candidates` for the first addresses.
    fn cover_along(
        &self,
        inner: &Inner<'_>,
        along: Along,
        candidates: &[usize],
        budget: &mut Budget,
    ) -> Option<Vec<usize>> {
        let (along_runs, across_runs) = match along {
            Along::Source => (&inner.part.source, &inner.part.destination),
            Along::Destination => (&inner.part.destination, &inner.part.source),
        };
        let across = across_runs.first()?.0;
        let furthest = |candidates: &[usize], at| {
            candidates
                .iter()
                .filter_map(|line| Some((*line, self.reach_along(*line, inner, along, at)?)))
                .max_by_key(|(line, end)| (*end, std::cmp::Reverse(*line)))
        };
        let mut covering: Vec<usize> = Vec::new();
        for (first, last) in along_runs {
            let mut at = *first;
            loop {
                let (line, end) = if covering.is_empty() {
                    furthest(candidates, at)?
                } else {
                    let corner = match along {
                        Along::Source => (at, across),
                        Along::Destination => (across, at),
                    };
                    furthest(&self.in_front(inner, corner, budget), at)?
                };
                covering.push(line);
                if *last <= end {
                    break;
                }
                if covering.len() == TOGETHER_MAX {
                    return None;
                }
                at = end + 1;
            }
        }
        Some(covering)
    }

    /// Lines in front of the line that match the addresses and have all of its services, as many as the budget
    /// allows. The first that covers all of it is the last one.
    fn in_front(&self, inner: &Inner<'_>, corner: (u128, u128), budget: &mut Budget) -> Vec<usize> {
        let Inner { n, family, part } = *inner;
        let (lists, line) = (&self.ruleset.lists, &self.ruleset.lines[n]);
        let fit = Fit::of(&line.services, family);
        let (source, destination) = corner;
        let mut found = Vec::new();
        for group in self.indices[place(family)].find(self.reaches[n].zones, source, destination) {
            let in_front = group.iter().take_while(|entry| (entry.line as usize) < n);
            for entry in in_front {
                if !budget.look() {
                    return found;
                }
                if !entry.fit.allows(&fit) {
                    continue;
                }
                if !budget.compare() {
                    return found;
                }
                let outer = &self.ruleset.lines[entry.line as usize];
                let matches = extent::reach(&outer.source, lists, family, source).is_some()
                    && extent::reach(&outer.destination, lists, family, destination).is_some()
                    && service::cover(&outer.services, &line.services, family);
                if matches {
                    found.push(entry.line as usize);
                    if extent::covers(&outer.source, lists, family, &part.source)
                        && extent::covers(&outer.destination, lists, family, &part.destination)
                    {
                        return found;
                    }
                }
            }
        }
        found
    }

    /// How far line `outer`, which has all services of the inner one, goes along one side from `at`, if it covers
    /// the other side.
    fn reach_along(&self, outer: usize, inner: &Inner<'_>, along: Along, at: u128) -> Option<u128> {
        let (lists, outer) = (&self.ruleset.lists, &self.ruleset.lines[outer]);
        let (along, across, across_runs) = match along {
            Along::Source => (&outer.source, &outer.destination, &inner.part.destination),
            Along::Destination => (&outer.destination, &outer.source, &inner.part.source),
        };
        let end = extent::reach(along, lists, inner.family, at)?;
        extent::covers(across, lists, inner.family, across_runs).then_some(end)
    }

    /// A rule behind the line, one of the `deciding`, that covers it by itself and does something else with it.
    fn generalising(&self, n: usize, deciding: &[bool]) -> Option<usize> {
        let line = &self.ruleset.lines[n];
        if line.origin == Origin::AntiLockout {
            return None;
        }
        let reach = &self.reaches[n];
        let (family, part) = reach.parts.first()?;
        let fit = Fit::of(&line.services, *family);
        let (source, destination) = (part.source.first()?.0, part.destination.first()?.0);
        let mut budget = Budget::default();
        let mut found: Option<usize> = None;
        for group in self.indices[place(*family)].find(reach.zones, source, destination) {
            // General rules come last.
            for entry in group.iter().rev() {
                let later = entry.line as usize;
                if later <= n || !budget.look() {
                    break;
                }
                if !entry.fit.allows(&fit) || !deciding[later] {
                    continue;
                }
                if !budget.compare() {
                    break;
                }
                let general = &self.ruleset.lines[later];
                if general.action != line.action
                    && matches!(general.origin, Origin::Rule(_))
                    && found.is_none_or(|found| later < found)
                    && self.covers_alone(later, n)
                {
                    found = Some(later);
                }
            }
        }
        found
    }

    fn covers_alone(&self, outer: usize, inner: usize) -> bool {
        let lists = &self.ruleset.lists;
        let (outer, reach) = (&self.ruleset.lines[outer], &self.reaches[inner]);
        reach.parts.iter().all(|(family, part)| {
            service::cover(&outer.services, &self.ruleset.lines[inner].services, *family)
                && extent::covers(&outer.source, lists, *family, &part.source)
                && extent::covers(&outer.destination, lists, *family, &part.destination)
        })
    }
}

/// What one question may still cost.
struct Budget {
    looks: usize,
    comparisons: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            looks: LOOKED_AT_MAX,
            comparisons: COMPARED_MAX,
        }
    }
}

impl Budget {
    fn look(&mut self) -> bool {
        spend(&mut self.looks)
    }

    fn compare(&mut self) -> bool {
        spend(&mut self.comparisons)
    }
}

fn spend(left: &mut usize) -> bool {
    let allowed = *left > 0;
    *left = left.saturating_sub(1);
    allowed
}

/// The line that may be covered, in one family.
#[derive(Clone, Copy)]
struct Inner<'a> {
    n: usize,
    family: Family,
    part: &'a Part,
}

/// The side several lines cover together.
#[derive(Clone, Copy)]
enum Along {
    Source,
    Destination,
}

impl Reach {
    fn of(line: &Line, ruleset: &Ruleset) -> Self {
        let number = |zone: Option<ZoneNumber>| zone.map_or(0, ZoneNumber::get);
        let mut reach = Self {
            zones: (number(line.from), number(line.to)),
            parts: Vec::with_capacity(2),
            too_large: false,
        };
        for family in Family::BOTH {
            if !service::exist(&line.services, family) {
                continue;
            }
            let side = |term| extent::runs(term, &ruleset.lists, family);
            match (side(&line.source), side(&line.destination)) {
                (Some(source), Some(destination)) if !source.is_empty() && !destination.is_empty() => {
                    reach.parts.push((family, Part { source, destination }));
                }
                (Some(_), Some(_)) => {}
                _ => reach.too_large = true,
            }
        }
        if reach.too_large {
            reach.parts.clear();
        }
        reach
    }
}

fn place(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}

fn never_matches(line: &Line, subject: ravelin_model::ObjectRef) -> Diagnostic {
    let nothing = |term: &crate::AddressTerm| !term.is_any() && term.addresses.is_empty() && !term.negate;
    let detail = if nothing(&line.source) || nothing(&line.destination) {
        "It matches no packet: its lists are empty."
    } else {
        "It matches no packet: its addresses and services are never of one family."
    };
    Diagnostic {
        severity: Severity::Warning,
        code: DiagnosticCode::NeverMatches,
        subject,
        related: Vec::new(),
        detail: detail.to_owned(),
    }
}

fn covered(lines: &Lines<'_>, names: &Names<'_>, n: usize, covering: &BTreeSet<usize>) -> Option<Diagnostic> {
    let line = &lines.ruleset.lines[n];
    let before = || covering.iter().map(|n| &lines.ruleset.lines[*n]);
    let same = before().all(|before| before.action == line.action);
    let code = match &line.origin {
        // Others let in what it publishes: it needs no rule, but its translation.
        Origin::PublishedService(_) if same => return None,
        Origin::PublishedService(_) => DiagnosticCode::PublishedServiceShadowed,
        _ if same => DiagnosticCode::Redundant,
        _ => DiagnosticCode::Shadowed,
    };
    let who = match covering.len() {
        1 if before().any(|before| before.origin == Origin::AntiLockout) => {
            "the access to the management ports".to_owned()
        }
        1 => "the line named".to_owned(),
        many => format!("{many} lines together"),
    };
    let detail = if same {
        format!("It never decides: in front of it, {who} does the same with all it matches.")
    } else {
        format!("It never decides: in front of it, {who} decides on all it matches.")
    };
    Some(Diagnostic {
        severity: if same { Severity::Info } else { Severity::Warning },
        code,
        subject: names.of(&line.origin)?,
        related: references(before().filter_map(|before| names.of(&before.origin))),
        detail,
    })
}

fn generalises(ruleset: &Ruleset, names: &Names<'_>, later: usize, earlier: &[usize]) -> Option<Diagnostic> {
    let line = &ruleset.lines[later];
    let detail = match earlier.len() {
        1 => "It covers a line in front of it that does something else.".to_owned(),
        many => format!("It covers {many} lines in front of it that do something else."),
    };
    Some(Diagnostic {
        severity: Severity::Info,
        code: DiagnosticCode::Generalisation,
        subject: names.of(&line.origin)?,
        related: references(
            earlier
                .iter()
                .take(COMPARED_MAX)
                .filter_map(|n| names.of(&ruleset.lines[*n].origin)),
        ),
        detail,
    })
}
