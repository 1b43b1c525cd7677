//! The flow cache and what is known beside it: takes what conntrack tells, and does to the cache what follows. Asks
//! no kernel.

mod comparing;
mod moving;

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use ravelin_datapath::{
    CachedFlow, CachedState, DatapathError, FlowCache, FlowCacheReader as _, Inserted, Path,
};
use ravelin_kernel::ConntrackEvent;
use ravelin_model::{Connection, FlowTuple, TcpState, protocol};

use super::carried::{Carried, Identity};
use super::ending::{Ending, Endings};
use super::{Cache, Locals, eligible};
use crate::records::Ended;

/// Connections without room that are remembered: what conntrack holds by default on a large machine.
const MOST_REFUSED: usize = 1 << 18;

/// What was done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    pub(super) events: u64,
    pub(super) inserted: u64,
    /// Of those, the ones there was no room for earlier.
    pub(super) late: u64,
    pub(super) removed: u64,
    pub(super) full: u64,
    pub(super) drift: u64,
    pub(super) moves: u64,
    /// Connections that found no room at a move.
    pub(super) left_behind: u64,
}

/// What follows for the cache from what is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It is as it should be.
    Nothing,
    Insert(CachedFlow),
    Remove,
    /// What was told does not say whether it belongs there.
    Ask,
}

/// Owns the cache.
#[derive(Debug)]
pub(super) struct Keeper {
    cache: Option<Cache>,
    /// The cache is to be kept in step; else it stays empty.
    caching: bool,
    locals: Locals,
    endings: Endings,
    carried: Carried,
    /// To be put into the cache as soon as conntrack lets their TCP windows be.
    fresh: HashMap<FlowTuple, CachedFlow>,
    unsure: HashSet<FlowTuple>,
    ended: Vec<Ended>,
    /// Those there was no room for, as far as they are remembered.
    refused: HashSet<Identity>,
    figures: Figures,
}

impl Keeper {
    pub(super) fn new(cache: Option<Cache>, carried: Carried) -> Self {
        Self {
            cache,
            caching: false,
            locals: Locals::default(),
            endings: Endings::default(),
            carried,
            fresh: HashMap::new(),
            unsure: HashSet::new(),
            ended: Vec::new(),
            refused: HashSet::new(),
            figures: Figures::default(),
        }
    }

    pub(super) fn figures(&self) -> Figures {
        self.figures
    }

    /// The cache, for what has nothing to do with connections.
    pub(super) fn cache(&mut self) -> Option<&mut dyn FlowCache> {
        match &mut self.cache {
            Some(cache) => Some(cache.map.as_mut()),
            None => None,
        }
    }

    /// Most connections of each family.
    pub(super) fn capacity(&self) -> u64 {
        let occupancy = self.cache.as_ref().map(|cache| cache.map.occupancy());
        occupancy.map_or(0, |occupancy| occupancy.capacity)
    }

    /// Whether there is something that conntrack may have forgotten.
    pub(super) fn has_anything(&self) -> bool {
        let entries = self.cache.as_ref().map(|cache| cache.map.occupancy());
        entries.is_some_and(|entries| entries.ipv4 + entries.ipv6 > 0) || !self.carried.is_empty()
    }

    /// Begins or ends to keep the cache in step; empties it at the end.
    pub(super) fn set_caching(&mut self, caching: bool) {
        self.caching = caching;
        if !caching {
            self.fresh.clear();
            self.unsure.clear();
            self.refused.clear();
            self.remove_where(|_| true);
        }
    }

    /// Takes other addresses for those of this box.
    pub(super) fn set_locals(&mut self, locals: Locals) {
        if self.locals != locals {
            self.locals = locals;
            let locals = self.locals.clone();
            self.remove_where(|flow| locals.has(flow.original.source) || locals.has(flow.reply.source));
        }
    }

    /// Takes connections out and keeps them out.
    pub(super) fn take_out(&mut self, endings: &[Ending], now: Instant) {
        for ending in endings {
            self.endings.add(ending, now);
            if self
                .cached(&ending.original)
                .is_some_and(|flow| flow.connection == ending.id)
            {
                self.remove(&ending.original);
            }
        }
    }

    /// Forgets why connections should have ended that did not.
    pub(super) fn expire(&mut self, now: Instant) {
        self.endings.expire(now);
    }

    /// Takes news.
    pub(super) fn news(&mut self, event: ConntrackEvent) {
        self.figures.events += 1;
        match event {
            ConntrackEvent::New(connection) | ConntrackEvent::Updated(connection) => self.told(&connection),
            ConntrackEvent::Destroyed(connection) => self.destroyed(connection),
        }
    }

    /// Takes what is known of a connection now. What is to be put in goes in with [`Self::flush`]; what is not known
    /// well enough comes with [`Self::take_unsure`].
    pub(super) fn told(&mut self, connection: &Connection) {
        let original = connection.original;
        match self.step(connection) {
            Step::Nothing => {}
            Step::Insert(flow) => {
                self.fresh.insert(original, flow);
            }
            Step::Remove => self.remove(&original),
            Step::Ask => {
                self.unsure.insert(original);
            }
        }
    }

    /// Takes a connection of a whole reading; `empty`: the cache was, so nothing is looked up. Answers it if it is TCP
    /// and belongs into the cache: its windows must be let be before XDP forwards. That is asked for each time, as who
    /// put it in may have been killed right after.
    pub(super) fn read(&mut self, connection: &Connection, empty: bool) -> Option<CachedFlow> {
        if !self.caching {
            return None;
        }
        if !empty {
            self.told(connection);
        }
        let flow = eligible(connection, &self.locals).ok()?;
        if self.endings.has(connection) {
            return None;
        }
        if empty {
            self.put_in(&flow);
        }
        (flow.original.protocol == protocol::TCP).then_some(flow)
    }

    fn destroyed(&mut self, connection: Connection) {
        let original = connection.original;
        self.refused.remove(&(original, connection.id));
        if self
            .cached(&original)
            .is_some_and(|flow| flow.connection == connection.id)
        {
            self.remove(&original);
        }
        let reason = self.endings.take(&connection);
        self.ended.extend(self.carried.end(connection, reason));
    }

    /// Puts in what is to be put in. `let_be` has conntrack accept TCP outside of the window, as it does not see what
    /// XDP forwards; connections it fails for stay out.
    pub(super) fn flush(&mut self, let_be: &mut dyn FnMut(&[CachedFlow]) -> bool) {
        if self.fresh.is_empty() {
            return;
        }
        let mut fresh: Vec<CachedFlow> = self.fresh.drain().map(|(_, flow)| flow).collect();
        let tcp = |flow: &CachedFlow| flow.original.protocol == protocol::TCP;
        let strange: Vec<CachedFlow> = (fresh.iter().copied())
            .filter(|flow| tcp(flow) && !self.is_in(flow))
            .collect();
        if !strange.is_empty() && !let_be(&strange) {
            fresh.retain(|flow| !tcp(flow) || self.is_in(flow));
        }
        for flow in &fresh {
            self.insert(flow);
        }
    }

    /// What conntrack has to be asked for.
    pub(super) fn take_unsure(&mut self) -> Vec<FlowTuple> {
        self.unsure.drain().collect()
    }

    /// Connections that ended and whose counts are known.
    pub(super) fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// Takes the last counts of what was taken out.
    pub(super) fn collect(&mut self) -> Result<(), DatapathError> {
        let Some(cache) = &mut self.cache else {
            return Ok(());
        };
        for removed in cache.map.collect()? {
            let identity = (removed.flow.original, removed.flow.connection);
            self.ended.extend(self.carried.add(identity, removed.counts));
        }
        Ok(())
    }

    /// Every connection of the cache that no reading of conntrack had.
    fn unseen(&self, seen: &HashSet<Identity>) -> Vec<FlowTuple> {
        let mut unseen = Vec::new();
        if let Some(cache) = &self.cache {
            cache.map.for_each(&mut |state| {
                let identity = (state.flow.original, state.flow.connection);
                if !seen.contains(&identity) {
                    unseen.push(state.flow.original);
                }
            });
        }
        unseen
    }

    /// Takes out what a whole reading did not have; what was in it was told.
    pub(super) fn keep_only(&mut self, seen: &HashSet<Identity>) {
        for original in self.unseen(seen) {
            self.remove(&original);
        }
        self.forget_all_but(seen);
    }

    /// Forgets what is remembered of connections no reading had.
    fn forget_all_but(&mut self, seen: &HashSet<Identity>) {
        self.carried.retain(seen);
        self.refused.retain(|identity| seen.contains(identity));
    }

    /// What is in the cache under the tuple of who began a connection, or about to be.
    fn cached(&self, original: &FlowTuple) -> Option<CachedFlow> {
        let fresh = self.fresh.get(original).copied();
        fresh.or_else(|| Some(self.cache.as_ref()?.reader.get(original)?.flow))
    }

    fn step(&self, connection: &Connection) -> Step {
        if !self.caching || self.cache.is_none() {
            return Step::Nothing;
        }
        let cached = self.cached(&connection.original);
        let same = |flow: &CachedFlow| {
            flow.connection == connection.id
                && flow.original == connection.original
                && flow.reply == connection.reply
        };
        let known = cached.as_ref().is_some_and(same);
        let untold = connection.original.protocol == protocol::TCP && connection.tcp_state.is_none();
        let belongs = if untold {
            // A change of the state would have been told.
            let established = Connection {
                tcp_state: Some(TcpState::Established),
                ..connection.clone()
            };
            eligible(&established, &self.locals)
        } else {
            eligible(connection, &self.locals)
        };
        match (belongs, cached) {
            (Ok(_), cached) if self.endings.has(connection) => Step::Remove.if_there(cached),
            (Ok(_), _) if untold && !known => Step::Ask,
            (Ok(flow), Some(cached)) if flow == cached => Step::Nothing,
            (Ok(flow), _) => Step::Insert(flow),
            (Err(_), cached) => Step::Remove.if_there(cached),
        }
    }

    fn is_in(&self, flow: &CachedFlow) -> bool {
        let state = (self.cache.as_ref()).and_then(|cache| cache.reader.get(&flow.original));
        state.is_some_and(|state| is_same(&state.flow, flow))
    }

    fn insert(&mut self, flow: &CachedFlow) {
        // Whoever had these tuples before is gone, whether or not that was told; and what has ended is not brought
        // back to life.
        for tuple in [flow.original, flow.reply] {
            let cache = self.cache.as_ref();
            let there = cache.and_then(|cache| cache.reader.get(&tuple));
            if there.is_some_and(|state| is_over(&state) || !is_same(&state.flow, flow)) {
                self.remove(&tuple);
            }
        }
        self.put_in(flow);
    }

    fn put_in(&mut self, flow: &CachedFlow) {
        let Some(cache) = &mut self.cache else {
            return;
        };
        match cache.map.insert(flow) {
            Inserted::New => {
                self.figures.inserted += 1;
                let late = self.refused.remove(&(flow.original, flow.connection));
                self.figures.late += u64::from(late);
            }
            // Once each, however often it is tried.
            Inserted::Full => self.figures.full += u64::from(self.refuse(flow)),
            Inserted::Known | Inserted::Unsuited => {}
        }
    }

    /// Remembers that there was no room; whether that is new.
    fn refuse(&mut self, flow: &CachedFlow) -> bool {
        let identity = (flow.original, flow.connection);
        if self.refused.len() < MOST_REFUSED {
            self.refused.insert(identity)
        } else {
            !self.refused.contains(&identity)
        }
    }

    /// Whether there are connections there was no room for.
    pub(super) fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Takes out what has this tuple in either direction.
    fn remove(&mut self, tuple: &FlowTuple) {
        self.fresh.remove(tuple);
        let Some(cache) = &mut self.cache else {
            return;
        };
        if let Some(state) = cache.reader.get(tuple)
            && cache.map.remove(tuple)
        {
            self.figures.removed += 1;
            self.carried.expect((state.flow.original, state.flow.connection));
        }
    }

    fn remove_where(&mut self, which: impl Fn(&CachedFlow) -> bool) {
        let mut doomed = Vec::new();
        if let Some(cache) = &self.cache {
            cache.map.for_each(&mut |state| {
                if which(&state.flow) {
                    doomed.push(state.flow.original);
                }
            });
        }
        self.fresh.retain(|_, flow| !which(flow));
        for original in doomed {
            self.remove(&original);
        }
    }
}

/// Whether both are one connection, whatever it counts on.
fn is_same(a: &CachedFlow, b: &CachedFlow) -> bool {
    let identity = |flow: &CachedFlow| (flow.connection, flow.original, flow.reply);
    identity(a) == identity(b)
}

/// Whether XDP forwards nothing of it any more.
fn is_over(state: &CachedState) -> bool {
    state
        .directions
        .iter()
        .any(|direction| direction.path == Path::Ended)
}

impl Step {
    fn if_there(self, cached: Option<CachedFlow>) -> Self {
        if cached.is_some() { self } else { Self::Nothing }
    }
}

#[cfg(test)]
mod tests;
