//! Comparing the cache with a reading of all of conntrack, and putting right what is different.

use std::collections::HashSet;

use ravelin_datapath::{CachedFlow, FlowCacheReader as _};
use ravelin_model::{Connection, FlowTuple};

use super::{Figures, Keeper, Step, is_over};
use crate::sync::carried::Identity;

impl Keeper {
    /// Compares a connection of a reading with the cache; answers what is different. One that fell idle is put in
    /// anew, which is no difference.
    pub(in crate::sync) fn compare(&mut self, connection: &Connection) -> Option<FlowTuple> {
        match self.step(connection) {
            Step::Nothing => {
                self.revive(&connection.original);
                None
            }
            Step::Insert(flow) if self.is_full(&flow) => None,
            Step::Insert(_) | Step::Remove | Step::Ask => Some(connection.original),
        }
    }

    /// What a whole reading did not have, though it is in the cache.
    pub(in crate::sync) fn compare_rest(&mut self, seen: &HashSet<Identity>) -> Vec<FlowTuple> {
        self.forget_all_but(seen);
        self.unseen(seen)
    }

    /// Puts right what was different and, asked for again, still is; whether it is. Goes on with [`Self::flush`], then
    /// [`Self::count_drift`] with the figures of before.
    pub(in crate::sync) fn repair(&mut self, original: &FlowTuple, connection: Option<&Connection>) -> bool {
        match connection {
            Some(connection) if connection.original == *original => {
                let different = self.step(connection) != Step::Nothing;
                self.told(connection);
                different
            }
            _ => {
                let different = self.cached(original).is_some();
                self.remove(original);
                different
            }
        }
    }

    /// What was put in and taken out since these figures was drift.
    pub(in crate::sync) fn count_drift(&mut self, before: &Figures) -> u64 {
        // What there is room for by now was not missing by mistake.
        let late = self.figures.late - before.late;
        let drift = self.figures.inserted - before.inserted - late + self.figures.removed - before.removed;
        self.figures.drift += drift;
        drift
    }

    fn is_full(&self, flow: &CachedFlow) -> bool {
        self.cache.as_ref().is_some_and(|cache| {
            let occupancy = cache.map.occupancy();
            let entries = if flow.original.is_ipv6() {
                occupancy.ipv6
            } else {
                occupancy.ipv4
            };
            entries >= occupancy.capacity
        })
    }

    /// Puts a connection in again of which XDP forwards nothing any more, though it lives.
    fn revive(&mut self, original: &FlowTuple) {
        let cache = self.cache.as_ref();
        if let Some(state) = cache.and_then(|cache| cache.reader.get(original))
            && is_over(&state)
        {
            self.insert(&state.flow);
        }
    }
}
