//! Which connections are in cards. Knows no clock and no kernel but by what it is given.

mod connection;
mod guards;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use ravelin_kernel::{FlowerRule, FlowerState, RuleName};
use ravelin_model::{FlowCount, FlowTuple, HwOffloadConfig, HwOffloadFailure};

use super::cards::{Cards, limit};
use super::rules::FlowRules;
use connection::count;
pub(crate) use connection::{Candidate, Counted, Installed, Sums};
use guards::guard_names;

/// Connections put in at a time, so that whoever waits for one to be taken out does not wait long.
const AT_ONCE: usize = 256;
/// How many times as busy a connection must be to take the place of another.
const BUSIER: u64 = 2;

/// Connections in cards: both directions, or neither.
#[derive(Debug)]
pub(crate) struct Table<R> {
    rules: R,
    installed: HashMap<FlowTuple, Installed>,
    /// Guards that are in the card.
    guarded: BTreeSet<u32>,
    /// Rules that could not be taken out yet.
    doomed: BTreeSet<RuleName>,
    free: Vec<u32>,
    next: u32,
    pub(crate) sums: Sums,
}

impl<R: FlowRules> Table<R> {
    pub(crate) fn new(rules: R) -> Self {
        Self {
            rules,
            installed: HashMap::new(),
            guarded: BTreeSet::new(),
            doomed: BTreeSet::new(),
            free: Vec::new(),
            next: 0,
            sums: Sums::default(),
        }
    }

    pub(crate) fn installed(&self) -> &HashMap<FlowTuple, Installed> {
        &self.installed
    }

    /// Rules of ours that should be gone and are not.
    pub(crate) fn doomed(&self) -> &BTreeSet<RuleName> {
        &self.doomed
    }

    /// Rules for frames that come in by an interface.
    pub(crate) fn used(&self, interface: u32) -> u64 {
        let rules = self.installed.values().flat_map(|installed| installed.rules);
        rules.filter(|rule| rule.ingress == interface).count() as u64
    }

    /// Takes out what does not hold any more.
    pub(crate) fn keep_only(&mut self, holds: impl Fn(&FlowTuple, &Installed) -> bool) {
        let gone = self
            .installed
            .iter()
            .filter(|(original, installed)| !holds(original, installed));
        let gone: Vec<FlowTuple> = gone.map(|(original, _)| *original).collect();
        for original in gone {
            self.remove(&original);
        }
        self.bury();
    }

    /// Takes out everything, guards too, and what an earlier process left at these interfaces. Answers whether it is
    /// known of each what was left there.
    pub(crate) fn clear(&mut self, interfaces: impl IntoIterator<Item = u32>) -> bool {
        self.keep_only(|_, _| false);
        self.guarded.clear();
        let mut known = true;
        for interface in interfaces {
            match self.rules.rules(interface) {
                Ok(found) => self.doomed.extend(found.into_iter().map(|state| state.name)),
                Err(problem) => {
                    tracing::warn!(interface, problem, "what is left in the card could not be read");
                    known = false;
                }
            }
        }
        self.bury();
        known
    }

    /// Reads what cards counted, and takes out what is idle, what is not in the card, and what nobody here put in.
    pub(crate) fn read(&mut self, interfaces: &[u32], idle: Duration, now: Instant) -> Vec<Counted> {
        let mut found: HashMap<RuleName, FlowerState> = HashMap::new();
        let mut unread = BTreeSet::new();
        for interface in interfaces {
            match self.rules.rules(*interface) {
                Ok(states) => found.extend(states.into_iter().map(|state| (state.name, state))),
                Err(problem) => {
                    tracing::warn!(interface, problem, "rules in the card could not be read");
                    unread.insert(*interface);
                }
            }
        }
        let mut counted = Vec::new();
        for (original, installed) in &mut self.installed {
            counted.extend(count(original, installed, &found, now));
        }
        for counted in &counted {
            for count in counted.counts {
                self.sums.packets += count.packets;
                self.sums.bytes += count.bytes;
            }
        }
        self.check_guards(&found, &unread, interfaces);
        let guarded = self.guarded.clone();
        self.keep_only(|_, installed| {
            installed.names.iter().zip(installed.rules).all(|(name, rule)| {
                let there = found.get(name).is_some_and(|state| state.in_hardware);
                // What cannot be read is not taken for gone, but it does not last either.
                (there || unread.contains(&name.interface)) && guarded.contains(&rule.ingress)
            }) && now.saturating_duration_since(installed.used) < idle
        });
        self.bury_strays(&found);
        counted
    }

    /// Puts in the busiest, in place of the least busy where there is no room, as many as may be at a time. Answers
    /// whether there are more.
    pub(crate) fn fill(
        &mut self,
        mut candidates: Vec<Candidate>,
        cards: &Cards,
        config: &HwOffloadConfig,
        now: Instant,
    ) -> bool {
        candidates.retain(|candidate| {
            candidate.rate >= u64::from(config.min_packets_per_second)
                && !self.installed.contains_key(&candidate.original)
        });
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.rate));
        let more = candidates.len() > AT_ONCE;
        candidates.truncate(AT_ONCE);
        let begin = Instant::now();
        let mut fresh = Vec::new();
        for candidate in candidates {
            if self.make_room(&candidate, cards, config) && self.guard(&candidate) {
                fresh.extend(self.put_in(&candidate, now));
            }
        }
        self.verify(&fresh);
        self.bury();
        if !fresh.is_empty() {
            self.sums.install_time += begin.elapsed();
        }
        more
    }

    /// Takes out the least busy where there are more than there may be: the limit was lowered.
    pub(crate) fn trim(&mut self, cards: &Cards, config: &HwOffloadConfig) {
        let interfaces: BTreeSet<u32> = self.guarded.clone();
        for interface in interfaces {
            while self.used(interface) > limit(interface, cards, config) {
                let Some((original, _)) = self.least_busy(interface) else {
                    break;
                };
                self.remove(&original);
            }
        }
        self.bury();
    }

    /// Of those with a rule at an interface, and its rate.
    fn least_busy(&self, interface: u32) -> Option<(FlowTuple, u64)> {
        let here = |installed: &Installed| installed.rules.iter().any(|rule| rule.ingress == interface);
        let others = self.installed.iter().filter(|(_, installed)| here(installed));
        let least = others.min_by_key(|(original, installed)| (installed.rate, **original));
        least.map(|(original, installed)| (*original, installed.rate))
    }

    /// Room for one more at both interfaces, if need be that of a connection that is far less busy.
    fn make_room(&mut self, candidate: &Candidate, cards: &Cards, config: &HwOffloadConfig) -> bool {
        for rule in &candidate.rules {
            while self.used(rule.ingress) >= limit(rule.ingress, cards, config) {
                match self.least_busy(rule.ingress) {
                    Some((original, rate)) if rate.saturating_mul(BUSIER) < candidate.rate => {
                        self.remove(&original);
                    }
                    _ => return false,
                }
            }
        }
        true
    }

    /// Both directions, or neither.
    fn put_in(&mut self, candidate: &Candidate, now: Instant) -> Option<FlowTuple> {
        let number = self.take_number();
        let rules = candidate.rules.map(FlowerRule::Route);
        let handles = [number * 2 + 1, number * 2 + 2];
        let names = [0, 1].map(|direction: usize| rules[direction].name(handles[direction]));
        for (rule, handle) in rules.iter().zip(handles) {
            if let Err(problem) = self.rules.replace(handle, rule) {
                tracing::debug!(problem, ?rule, "a card refused a rule");
                self.fail(HwOffloadFailure::Refused);
                // Nobody knows whether a refused rule is not there after all.
                self.doomed.extend(names);
                self.free.push(number);
                self.bury();
                return None;
            }
        }
        let installed = Installed {
            connection: candidate.connection,
            rules: candidate.rules,
            names,
            counts: [FlowCount::default(); 2],
            rate: candidate.rate,
            since: now,
            read: now,
            used: now,
            number,
        };
        self.installed.insert(candidate.original, installed);
        Some(candidate.original)
    }

    /// Takes out again what did not get into the card.
    fn verify(&mut self, fresh: &[FlowTuple]) {
        let mut known: BTreeMap<u32, Option<BTreeSet<RuleName>>> = BTreeMap::new();
        for original in fresh {
            let Some(installed) = self.installed.get(original) else {
                continue;
            };
            let mut failure = None;
            for name in installed.names {
                let rules = known.entry(name.interface).or_insert_with(|| {
                    let states = self.rules.rules(name.interface).ok()?;
                    let inside = states.into_iter().filter(|state| state.in_hardware);
                    Some(inside.map(|state| state.name).collect())
                });
                match rules {
                    None => failure = Some(HwOffloadFailure::Unreadable),
                    Some(rules) if !rules.contains(&name) => failure = Some(HwOffloadFailure::NotInHardware),
                    Some(_) => {}
                }
            }
            match failure {
                None => self.sums.installs += 1,
                Some(failure) => {
                    self.fail(failure);
                    self.take(original);
                }
            }
        }
    }

    fn fail(&mut self, failure: HwOffloadFailure) {
        let place = HwOffloadFailure::ALL.iter().position(|known| *known == failure);
        if let Some(count) = place.and_then(|place| self.sums.failures.get_mut(place)) {
            *count += 1;
        }
    }

    fn take_number(&mut self) -> u32 {
        // One whose rules may still be there is not given again, of an earlier process either.
        let doomed = |number: u32| {
            let handles = [number * 2 + 1, number * 2 + 2];
            self.doomed
                .iter()
                .any(|name| name.preference > 3 && handles.contains(&name.handle))
        };
        if let Some(place) = self.free.iter().position(|number| !doomed(*number)) {
            return self.free.swap_remove(place);
        }
        self.next += 1;
        while doomed(self.next) {
            self.next += 1;
        }
        self.next
    }

    fn remove(&mut self, original: &FlowTuple) {
        if self.take(original) {
            self.sums.removals += 1;
        }
    }

    fn take(&mut self, original: &FlowTuple) -> bool {
        let Some(installed) = self.installed.remove(original) else {
            return false;
        };
        self.doomed.extend(installed.names);
        self.free.push(installed.number);
        true
    }

    /// Takes out what is to go; what cannot be is tried again.
    fn bury(&mut self) {
        let Self { doomed, rules, .. } = self;
        doomed.retain(|name| match rules.delete(*name) {
            Ok(()) => false,
            Err(problem) => {
                tracing::error!(
                    problem,
                    ?name,
                    "a rule could not be taken out of a card; it is tried again"
                );
                true
            }
        });
    }

    /// Rules of ours that belong to nothing: of a process that died, or of a request whose answer was lost.
    fn bury_strays(&mut self, found: &HashMap<RuleName, FlowerState>) {
        let known: BTreeSet<RuleName> = self
            .installed
            .values()
            .flat_map(|installed| installed.names)
            .collect();
        for name in found.keys() {
            let guard = self.guarded.contains(&name.interface) && guard_names(name.interface).contains(name);
            if !known.contains(name) && !guard {
                self.doomed.insert(*name);
            }
        }
        self.bury();
    }
}
