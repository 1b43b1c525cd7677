//! The simulated data plane: the same calls in memory. No packet ever passes through it, so it counts none.

mod cache;
mod events;
mod flows;
mod maps;
mod plane;

use tokio::sync::mpsc;

use crate::{FlowCache, Loaded, RawEvent};

/// A data plane in memory. Its programs claim no XDP mode, and no program or map is listed as in the kernel.
pub fn simulate() -> Loaded {
    simulate_with_events().0
}

/// A flow cache of its own, with room for so many connections of each family.
pub fn simulate_cache(connections: u32) -> Box<dyn FlowCache> {
    cache::SimCache::new(connections).1
}

/// The same, with a sender for the events its programs would send.
pub fn simulate_with_events() -> (Loaded, mpsc::Sender<RawEvent>) {
    let (told, sender, events) = events::SimEvents::start();
    let (room, cache) = cache::SimCache::new(maps::CACHED_CONNECTIONS);
    let loaded = Loaded {
        datapath: Box::new(plane::SimDatapath::new(told, room)),
        flows: Box::new(flows::SimFlowTable),
        cache,
        events,
    };
    (loaded, sender)
}

#[cfg(test)]
mod tests;
