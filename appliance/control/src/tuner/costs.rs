//! Bytes tuned objects take.

use std::collections::BTreeMap;

use ravelin_model::{Tunable, TunedObject};

/// What objects cost, as the data plane tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Costs {
    /// Bytes of flow caches for so many connections of each family.
    cache: BTreeMap<u64, u64>,
    /// Bytes of an event in a buffer.
    event: u64,
}

impl Costs {
    /// `cache`: bytes of flow caches by connections of each family, each size that may be asked for or one above it.
    pub fn new(cache: impl IntoIterator<Item = (u64, u64)>, event_bytes: u64) -> Self {
        Self {
            cache: cache.into_iter().collect(),
            event: event_bytes,
        }
    }

    /// Bytes of a flow cache: those of the next larger one known.
    fn cache(&self, connections: u64) -> u64 {
        let known = self.cache.range(connections..).next();
        known
            .or_else(|| self.cache.last_key_value())
            .map_or(0, |(_, bytes)| *bytes)
    }

    /// Bytes an object takes, the others being as they are: a buffer is as large as a batch.
    pub(crate) fn of(&self, object: &TunedObject, values: &BTreeMap<TunedObject, u64>) -> u64 {
        let value = values.get(object).copied().unwrap_or(0);
        match object.tunable {
            Tunable::FlowCacheConnections => self.cache(value),
            Tunable::EventBuffers => {
                let batch = values
                    .iter()
                    .find(|(other, _)| other.tunable == Tunable::EventBatch);
                let batch = batch.map_or(1, |(_, events)| *events);
                value.saturating_mul(batch).saturating_mul(self.event)
            }
            // A batch takes its room in the buffers; tasks and rates take none to speak of.
            Tunable::EventBatch | Tunable::EventWorkers | Tunable::EventRate | Tunable::ReceiveQueues => 0,
        }
    }

    /// Bytes all of them take.
    pub(crate) fn total(&self, values: &BTreeMap<TunedObject, u64>) -> u64 {
        let each = values.keys().map(|object| self.of(object, values));
        each.fold(0, u64::saturating_add)
    }
}
