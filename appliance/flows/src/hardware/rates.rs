//! Which connections are busy, and could be in a card.

use std::collections::HashMap;
use std::time::Instant;

use ravelin_datapath::FlowCacheReader;

use super::cards::Cards;
use super::plan::plan;
use super::table::Candidate;
use crate::sync::Identity;

/// Packets of each connection when the cache was last read.
#[derive(Debug)]
struct Before {
    at: Instant,
    packets: HashMap<Identity, u64>,
}

/// How much more connections have in the flow cache than when it was last read.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    before: Option<Before>,
}

impl Rates {
    /// The next reading is the first.
    pub(crate) fn forget(&mut self) {
        self.before = None;
    }

    /// Connections cards could forward, with their rates: packets XDP forwarded since the last time.
    pub(crate) fn candidates(
        &mut self,
        cache: &dyn FlowCacheReader,
        cards: &Cards,
        now: Instant,
    ) -> Vec<Candidate> {
        let mut packets = HashMap::new();
        cache.for_each(&mut |state| {
            let count = state
                .directions
                .iter()
                .map(|direction| direction.count.packets)
                .sum();
            packets.insert((state.flow.original, state.flow.connection), count);
        });
        let before = self.before.replace(Before { at: now, packets });
        let (Some(before), Some(current)) = (before, &self.before) else {
            return Vec::new();
        };
        let elapsed = now.saturating_duration_since(before.at).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX).max(1);
        let mut found = Vec::new();
        for (identity, count) in &current.packets {
            let Some(earlier) = before.packets.get(identity) else {
                continue;
            };
            let rate = count.saturating_sub(*earlier).saturating_mul(1000) / elapsed;
            if rate == 0 {
                continue;
            }
            let ways = cache
                .ways(&identity.0)
                .filter(|ways| ways.flow.connection == identity.1);
            if let Some(Ok(rules)) = ways.map(|ways| plan(&ways, cards)) {
                found.push(Candidate {
                    original: identity.0,
                    connection: identity.1,
                    rate,
                    rules,
                });
            }
        }
        found
    }
}
