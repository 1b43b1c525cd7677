//! Many rules as a tree of interval maps, so that a packet is tried against few.
//!
//! A node looks one thing up (protocol, an address, a port) and goes to the chain of the interval. Where intervals are
//! cut is chosen among the ends of the rules' own ranges, by the lowest hashes: a rule more or less moves few cuts, so
//! most chains, which are named by content, stay what they are. Behind a rule that matches everything that comes to a
//! chain nothing is put.

use std::sync::Arc;

use super::chains::{Chains, LINEAR_RULES};
use super::lines::WITH_PORTS;
use super::table::{Family, Field, Name, Range, Statement, Verdict, VerdictMap};

/// What is cut along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Protocol,
    Destination,
    Source,
    DestinationPort,
    SourcePort,
}

pub(super) const DIMENSIONS: usize = 5;

impl Dimension {
    pub(super) const ALL: [Self; DIMENSIONS] = [
        Self::Protocol,
        Self::Destination,
        Self::Source,
        Self::DestinationPort,
        Self::SourcePort,
    ];

    /// Every protocol or port.
    pub(super) fn all_services(self) -> Range {
        match self {
            Self::Protocol => (0, u128::from(u8::MAX)),
            _ => (0, u128::from(u16::MAX)),
        }
    }

    fn field(self, family: Family) -> Field {
        match self {
            Self::Protocol => Field::Protocol,
            Self::Destination => Field::Destination(family),
            Self::Source => Field::Source(family),
            Self::DestinationPort => Field::DestinationPort,
            Self::SourcePort => Field::SourcePort,
        }
    }
}

/// The packets that can come to a chain: a range of each dimension.
pub(super) type Region = [Range; DIMENSIONS];

/// Every packet of a family.
pub(super) fn everything(family: Family) -> Region {
    Dimension::ALL.map(|dimension| match dimension {
        Dimension::Destination | Dimension::Source => family.all(),
        _ => dimension.all_services(),
    })
}

/// A rule: what it asks of each dimension, and the rest.
#[derive(Debug)]
pub(super) struct RuleBox {
    /// Its line; boxes are sorted by it.
    pub(super) line: usize,
    /// Sorted and disjoint; None: not known here, anything may match.
    pub(super) dimensions: [Option<Arc<[Range]>>; DIMENSIONS],
    /// The statements that ask it; None: nothing to ask.
    pub(super) matches: [Option<Statement>; DIMENSIONS],
    /// It matches whatever is in its dimensions.
    pub(super) exact: bool,
    /// What else it asks, and what it does.
    pub(super) end: Vec<Statement>,
}

impl RuleBox {
    /// The rule for packets of a region: what all of them have is not asked.
    pub(super) fn rule(&self, region: &Region) -> Vec<Statement> {
        let asked = (0..DIMENSIONS).filter(|at| !self.covers_along(*at, region[*at]));
        let matches = asked.filter_map(|at| self.matches[at].clone());
        matches.chain(self.end.iter().cloned()).collect()
    }

    /// Whether its line says from or to whom.
    pub(super) fn names_addresses(&self) -> bool {
        let sides = [Dimension::Source, Dimension::Destination];
        sides.iter().any(|side| self.matches[*side as usize].is_some())
    }

    fn covers_along(&self, dimension: usize, (first, last): Range) -> bool {
        self.dimensions[dimension].as_ref().is_some_and(|ranges| {
            let at = ranges.partition_point(|range| range.1 < first);
            ranges
                .get(at)
                .is_some_and(|range| range.0 <= first && last <= range.1)
        })
    }

    /// Whether every packet of the region matches.
    fn covers(&self, region: &Region) -> bool {
        self.exact && (0..DIMENSIONS).all(|at| self.covers_along(at, region[at]))
    }
}

/// Ranges sorted, those that overlap or touch made one.
pub(super) fn union(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// What is left of a range without those taken, which are sorted and disjoint.
pub(super) fn subtract(range: Range, taken: &[Range]) -> Vec<Range> {
    let (mut first, last) = range;
    let mut left = Vec::new();
    for (begin, end) in taken.iter().filter(|taken| taken.1 >= range.0 && taken.0 <= last) {
        if *begin > first {
            left.push((first, begin - 1));
        }
        if *end >= last {
            return left;
        }
        first = end + 1;
    }
    left.push((first, last));
    left
}

/// Fewer rules than this are not worth a map.
const WORTH_A_MAP: usize = 24;
/// Rules a leaf should have.
const LEAF_RULES: usize = 12;
/// Children of a node at most.
const CHILDREN: usize = 1024;
/// A map may double its rules so often …
const COPIES: usize = 2;
/// … and all maps together so often, plus some.
const ALL_COPIES: usize = 3;
/// The kernel takes chains that go 16 deep; this leaves room for those around the tree.
const DEPTH: usize = 8;

/// The chain that finds the first of the boxes that matches a packet of the family; None: there are no boxes.
pub(super) fn grow(boxes: &[Arc<RuleBox>], family: Family, chains: &mut Chains) -> Option<Name> {
    let mut tree = Tree {
        family,
        chains,
        copies_left: boxes.len() * ALL_COPIES + 1024,
    };
    tree.node(boxes.to_vec(), &everything(family), 0)
}

#[derive(Debug)]
struct Tree<'a> {
    family: Family,
    chains: &'a mut Chains,
    copies_left: usize,
}

/// A way to cut.
#[derive(Debug)]
struct Cut {
    dimension: Dimension,
    /// First numbers of the intervals.
    starts: Vec<u128>,
    /// Most rules in one of them.
    most: usize,
    /// Rules in all of them.
    copies: usize,
}

impl Tree<'_> {
    fn node(&mut self, mut boxes: Vec<Arc<RuleBox>>, region: &Region, depth: usize) -> Option<Name> {
        if let Some(at) = boxes.iter().position(|part| part.covers(region)) {
            boxes.truncate(at + 1);
        }
        if boxes.is_empty() {
            return None;
        }
        let cut = if boxes.len() < WORTH_A_MAP || depth == DEPTH {
            None
        } else {
            self.best_cut(&boxes, region)
        };
        match cut {
            Some(cut) => Some(self.branch(&boxes, region, &cut, depth)),
            None => Some(
                self.chains
                    .in_order(boxes.iter().map(|part| part.rule(region)).collect()),
            ),
        }
    }

    fn branch(&mut self, boxes: &[Arc<RuleBox>], region: &Region, cut: &Cut, depth: usize) -> Name {
        self.copies_left = self
            .copies_left
            .saturating_sub(cut.copies - boxes.len().min(cut.copies));
        let at = cut.dimension as usize;
        let mut children: Vec<Vec<Arc<RuleBox>>> = vec![Vec::new(); cut.starts.len()];
        for part in boxes {
            each_interval(part, at, region, &cut.starts, |child| {
                children[child].push(part.clone())
            });
        }
        let mut map: Vec<(Range, Verdict)> = Vec::with_capacity(children.len());
        for (child, boxes) in children.into_iter().enumerate() {
            let first = cut.starts[child];
            let last = cut.starts.get(child + 1).map_or(region[at].1, |next| next - 1);
            let mut inner = *region;
            inner[at] = (first, last);
            let Some(name) = self.node(boxes, &inner, depth + 1) else {
                continue;
            };
            match map.last_mut() {
                Some(((_, end), Verdict::Goto(before))) if *before == name && *end + 1 == first => {
                    *end = last
                }
                _ => map.push(((first, last), Verdict::Goto(name))),
            }
        }
        self.chains.intern(vec![vec![Statement::Dispatch {
            fields: [cut.dimension.field(self.family)].into(),
            map: VerdictMap::Elements(map.into()),
        }]])
    }

    /// The cut that leaves the fewest rules to try, if one is worth it.
    fn best_cut(&self, boxes: &[Arc<RuleBox>], region: &Region) -> Option<Cut> {
        let ported = WITH_PORTS.iter().any(|number| {
            let number = u128::from(*number);
            region[Dimension::Protocol as usize] == (number, number)
        });
        let cuts = Dimension::ALL
            .into_iter()
            // What is no port must not be taken for one.
            .filter(|dimension| {
                ported || !matches!(dimension, Dimension::DestinationPort | Dimension::SourcePort)
            })
            .filter_map(|dimension| best_along(boxes, dimension, region));
        let best = cuts.min_by_key(|cut| (cut.most, cut.copies))?;
        let enough_less = if boxes.len() > LINEAR_RULES {
            best.most < boxes.len()
        } else {
            best.most * 2 <= boxes.len() && best.copies <= boxes.len() * 2
        };
        (enough_less && best.copies - boxes.len().min(best.copies) <= self.copies_left).then_some(best)
    }
}

/// The finest cut along a dimension that does not double too many rules; None: there is nothing to cut.
fn best_along(boxes: &[Arc<RuleBox>], dimension: Dimension, region: &Region) -> Option<Cut> {
    let at = dimension as usize;
    let mut ends = ends_within(boxes, at, region);
    if ends.is_empty() {
        return None;
    }
    // A power of two, so that one rule more seldom moves them all.
    let mut count = match dimension {
        Dimension::Protocol => ends.len(),
        _ => (ends.len().next_power_of_two() / LEAF_RULES).clamp(1, CHILDREN),
    };
    ends.sort_unstable_by_key(|end| (spread(*end), *end));
    loop {
        let mut starts: Vec<u128> = ends[..count.min(ends.len())].to_vec();
        starts.push(region[at].0);
        starts.sort_unstable();
        let mut sizes = vec![0_usize; starts.len()];
        for part in boxes {
            each_interval(part, at, region, &starts, |child| sizes[child] += 1);
        }
        let copies = sizes.iter().sum();
        if copies <= boxes.len() * COPIES || count == 1 {
            return Some(Cut {
                dimension,
                most: sizes.into_iter().max().unwrap_or(0),
                copies,
                starts,
            });
        }
        count = (count / 2).max(1);
    }
}

/// Where ranges begin or have ended, within the region but not at its beginning; each once.
fn ends_within(boxes: &[Arc<RuleBox>], at: usize, region: &Region) -> Vec<u128> {
    let (first, last) = region[at];
    let mut ends = Vec::new();
    for ranges in boxes.iter().filter_map(|part| part.dimensions[at].as_ref()) {
        let from = ranges.partition_point(|range| range.1 < first);
        for range in ranges[from..].iter().take_while(|range| range.0 <= last) {
            if range.0 > first {
                ends.push(range.0);
            }
            if range.1 < last {
                ends.push(range.1 + 1);
            }
        }
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Tells each interval in which something of the box is, once.
fn each_interval(part: &RuleBox, at: usize, region: &Region, starts: &[u128], mut tell: impl FnMut(usize)) {
    let whole = [region[at]];
    let ranges = part.dimensions[at].as_deref().unwrap_or(&whole);
    let (first, last) = region[at];
    let from = ranges.partition_point(|range| range.1 < first);
    let mut next = 0;
    for range in ranges[from..].iter().take_while(|range| range.0 <= last) {
        let begin = starts.partition_point(|start| *start <= range.0.max(first)) - 1;
        let end = starts.partition_point(|start| *start <= range.1.min(last)) - 1;
        for interval in begin.max(next)..=end {
            tell(interval);
        }
        next = end + 1;
    }
}

/// The finalizer of SplitMix64: numbers that are near each other get hashes that are not.
fn spread(number: u128) -> u64 {
    let [low, high] =
        [number & u128::from(u64::MAX), number >> 64].map(|half| u64::try_from(half).unwrap_or(0));
    let mut hash = low ^ high.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
