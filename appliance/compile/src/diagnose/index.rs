//! Lines found by an address pair they may match.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::extent::{Family, Run};
use super::service::Fit;

/// Lines of one family, by the smallest prefixes around their destinations and around their sources, then by zones.
#[derive(Debug)]
pub(super) struct Index {
    family: Family,
    /// Lengths of prefixes in use, each once.
    lengths: Vec<u32>,
    /// Numbers of prefixes.
    prefixes: HashMap<Prefix, u32, Mixing>,
    /// By the number of the destination, then of the source.
    lines: Vec<BTreeMap<u32, Groups>>,
}

/// Sorted by zones; the lines of each in order.
type Groups = Vec<(Zones, Vec<Entry>)>;

/// Most places one line has in the index.
const PLACES_MAX: usize = 64;

/// From and to; 0: any.
pub(super) type Zones = (u8, u8);

/// Length and the bits in front.
type Prefix = (u32, u128);

/// A line, with what tells most lines apart at a glance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its place.
    pub(super) line: u32,
    /// Its services.
    pub(super) fit: Fit,
}

impl Index {
    pub(super) fn new(family: Family) -> Self {
        Self {
            family,
            lengths: Vec::new(),
            prefixes: HashMap::default(),
            lines: Vec::new(),
        }
    }

    /// Adds a line; lines come in order.
    pub(super) fn add(&mut self, entry: Entry, zones: Zones, source: &[Run], destination: &[Run]) {
        let destinations = self.numbers(destination, PLACES_MAX);
        let sources = self.numbers(source, PLACES_MAX / destinations.len());
        for destination in destinations {
            for source in &sources {
                let groups = self.lines[destination as usize].entry(*source).or_default();
                match groups.binary_search_by_key(&zones, |(zones, _)| *zones) {
                    Ok(at) => groups[at].1.push(entry),
                    Err(at) => groups.insert(at, (zones, vec![entry])),
                }
            }
        }
    }

    /// Groups of lines, each in order, among which are all that cover the zones and match the addresses.
    pub(super) fn find<'a>(&'a self, (from, to): Zones, source: u128, destination: u128) -> Vec<&'a [Entry]> {
        let mut wider = vec![(from, to), (0, to), (from, 0), (0, 0)];
        wider.sort_unstable();
        wider.dedup();
        let mut sources = self.around(source);
        sources.sort_unstable();
        let mut found = Vec::new();
        let mut take = |groups: &'a Groups| {
            found.extend(wider.iter().filter_map(|wanted| {
                let at = groups.binary_search_by_key(wanted, |(zones, _)| *zones).ok()?;
                Some(groups[at].1.as_slice())
            }));
        };
        for destination in self.around(destination) {
            let by_source = &self.lines[destination as usize];
            // Most destinations have few sources, and one has most of them.
            if by_source.len() < sources.len() {
                let around = by_source
                    .iter()
                    .filter(|(source, _)| sources.binary_search(source).is_ok());
                around.for_each(|(_, groups)| take(groups));
            } else {
                let around = sources.iter().filter_map(|source| by_source.get(source));
                around.for_each(&mut take);
            }
        }
        found
    }

    /// Numbers of the prefixes around the address.
    fn around(&self, address: u128) -> Vec<u32> {
        self.lengths
            .iter()
            .filter_map(|length| self.prefixes.get(&prefix(self.family, *length, address)).copied())
            .collect()
    }

    /// Numbers of the smallest prefixes around each of the runs; where they are too many, of that around all.
    fn numbers(&mut self, runs: &[Run], most: usize) -> Vec<u32> {
        match runs {
            [(first, _), .., (_, last)] if runs.len() > most => vec![self.number((*first, *last))],
            runs => runs.iter().map(|run| self.number(*run)).collect(),
        }
    }

    fn number(&mut self, (first, last): Run) -> u32 {
        let differing = u128::BITS - (first ^ last).leading_zeros();
        let around = prefix(self.family, self.family.bits() - differing, first);
        if !self.lengths.contains(&around.0) {
            self.lengths.push(around.0);
        }
        let next = u32::try_from(self.prefixes.len()).expect("fewer than there are lines times places");
        let number = *self.prefixes.entry(around).or_insert(next);
        if number == next {
            self.lines.push(BTreeMap::new());
        }
        number
    }
}

fn prefix(family: Family, length: u32, address: u128) -> Prefix {
    (length, address.checked_shr(family.bits() - length).unwrap_or(0))
}

type Mixing = BuildHasherDefault<Mixer>;

/// Hashes the few numbers of a key faster than what withstands chosen keys: who writes the policy gains nothing by it.
#[derive(Debug, Default)]
struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        // The table takes the low bits, and the product is best in its high ones.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.mix((*byte).into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    #[expect(clippy::cast_possible_truncation, reason = "half by half")]
    fn write_u128(&mut self, number: u128) {
        self.mix(number as u64);
        self.mix((number >> 64) as u64);
    }
}
