//! Counts of what is no longer there: an entry that was deleted, a name table that was replaced, an interface that
//! is gone. Kept so that the totals of a feature never decrease while the engine runs.

use std::collections::HashMap;

use ravelin_compile::SetMembers;
use ravelin_datapath::HitCounter;
use ravelin_model::{Cell, InterfaceStatistics, ListId, Reason};

/// Packets and bytes by what they are added up under.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retired {
    lists: HashMap<ListId, HitCounter>,
    reasons: HashMap<Reason, HitCounter>,
}

impl Retired {
    /// What a list caught by entries or tables that are gone.
    pub(crate) fn list(&self, list: &ListId) -> HitCounter {
        self.lists.get(list).copied().unwrap_or_default()
    }

    /// Packets with that outcome on interfaces that are gone.
    pub(crate) fn reason(&self, reason: Reason) -> HitCounter {
        self.reasons.get(&reason).copied().unwrap_or_default()
    }

    pub(crate) fn add_list(&mut self, list: &ListId, hits: HitCounter) {
        let sum = self.lists.entry(list.clone()).or_default();
        *sum = add(*sum, hits);
    }

    /// A list that is gone.
    pub(crate) fn forget_list(&mut self, list: &ListId) {
        self.lists.remove(list);
    }

    /// An interface that is about to go.
    pub(crate) fn add_interface(&mut self, interface: &InterfaceStatistics) {
        for Cell {
            reason,
            packets,
            bytes,
            ..
        } in interface.cells.iter().copied()
        {
            let sum = self.reasons.entry(reason).or_default();
            *sum = add(*sum, HitCounter { packets, bytes });
        }
    }

    /// A name table that is about to go.
    pub(crate) fn add_names(&mut self, sets: &[SetMembers], hits: &[(HitCounter, HitCounter)]) {
        for (list, hits) in by_list(sets, hits) {
            self.add_list(&list, hits);
        }
    }
}

/// What each list of a name table caught. A query counts once for every list that has the name.
pub(crate) fn by_list(sets: &[SetMembers], hits: &[(HitCounter, HitCounter)]) -> HashMap<ListId, HitCounter> {
    let mut sums: HashMap<ListId, HitCounter> = HashMap::new();
    for (members, (itself, below)) in sets.iter().zip(hits) {
        for (lists, hits) in [(&members.matching_self, itself), (&members.matching_below, below)] {
            for list in lists {
                let sum = sums.entry(list.clone()).or_default();
                *sum = add(*sum, *hits);
            }
        }
    }
    sums
}

/// Sum of two counters.
pub(crate) fn add(a: HitCounter, b: HitCounter) -> HitCounter {
    HitCounter {
        packets: a.packets + b.packets,
        bytes: a.bytes + b.bytes,
    }
}
