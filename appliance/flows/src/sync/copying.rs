//! Copying a cache into an empty one of another size.

use std::cmp::Reverse;
use std::time::Duration;

use ravelin_datapath::{CachedState, FlowCache, Inserted, RemovedFlow};

/// What became of the connections.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// Connections that are in both now.
    pub(super) moved: u64,
    /// Those the new one has no room for, with their last counts.
    pub(super) refused: Vec<RemovedFlow>,
}

impl Copied {
    fn add(&mut self, state: &CachedState, into: &mut dyn FlowCache) {
        match into.restore(state) {
            Inserted::New | Inserted::Known => self.moved += 1,
            Inserted::Full | Inserted::Unsuited => self.refused.push(RemovedFlow {
                flow: state.flow,
                counts: state.directions.map(|direction| direction.count),
            }),
        }
    }
}

/// Copies every connection of a cache that is halted. Where there is no room for all, those XDP forwarded packets of
/// last come first.
pub(super) fn copy(from: &dyn FlowCache, into: &mut dyn FlowCache) -> Copied {
    let mut copied = Copied::default();
    let (entries, room) = (from.occupancy(), into.occupancy().capacity);
    if entries.ipv4 <= room && entries.ipv6 <= room {
        from.for_each(&mut |state| copied.add(state, into));
        return copied;
    }
    let mut states = Vec::with_capacity(usize::try_from(entries.ipv4 + entries.ipv6).unwrap_or(0));
    from.for_each(&mut |state| states.push(*state));
    states.sort_unstable_by_key(|state| Reverse(used(state)));
    for state in &states {
        copied.add(state, into);
    }
    copied
}

/// The greater, the more recently XDP forwarded a packet of it; None: it never did.
fn used(state: &CachedState) -> Option<Reverse<Duration>> {
    let idle = state.directions.iter().filter_map(|direction| direction.idle);
    idle.min().map(Reverse)
}

#[cfg(test)]
mod tests;
