//! The objects that are tuned: changed, and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ravelin_datapath::EventTuning;
use ravelin_model::{HardwareChange, Told, Tunable, TunedObject, chain};

use super::costs::Costs;
use crate::event_workers::EventWorkers;
use crate::plane::Plane;
use crate::{FlowCacheKeeper, Hardware, MovedFlows};

/// Sizes of the flow cache whose bytes are asked for: powers of 2 from the least to the most there may be.
const CACHE_SIZES: std::ops::RangeInclusive<u32> = 6..=22;

/// What is tuned, where it really is.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    pub(crate) plane: Plane,
    pub(crate) workers: EventWorkers,
    pub(crate) flow_cache: Option<Arc<dyn FlowCacheKeeper>>,
    pub(crate) hardware: Option<Arc<dyn Hardware>>,
}

impl Objects {
    /// What they cost; nothing without a data plane.
    pub(super) async fn costs(&self) -> Costs {
        let sizes = self.plane.call(|datapath| {
            let sizes = CACHE_SIZES.map(|exponent| 1_u32 << exponent);
            let bytes = |connections: u32| (u64::from(connections), datapath.cache_bytes(connections));
            Ok(sizes.map(bytes).collect::<Vec<_>>())
        });
        let one = EventTuning {
            buffers: 1,
            batch: 1,
            ..EventTuning::default()
        };
        Costs::new(sizes.await.unwrap_or_default(), one.bytes())
    }

    /// Changes an object and reads it back. The text says why it is as it was.
    pub(super) async fn change(&self, object: &TunedObject, to: u64) -> Result<u64, String> {
        let narrow = u32::try_from(to).map_err(|_| format!("{to} is too large"))?;
        match object.tunable {
            Tunable::FlowCacheConnections => self.resize_cache(narrow).await,
            Tunable::EventBuffers => self.tune_events(|tuning| &mut tuning.buffers, narrow).await,
            Tunable::EventBatch => self.tune_events(|tuning| &mut tuning.batch, narrow).await,
            Tunable::EventRate => self.tune_events(|tuning| &mut tuning.rate, narrow).await,
            Tunable::EventWorkers => Ok(self.workers.set(narrow).await.into()),
            Tunable::ReceiveQueues => {
                let interface = object.interface.clone().unwrap_or_default();
                self.spread(interface, narrow).await
            }
        }
    }

    /// Has the programs use a cache of another size, with every connection of the old one. Until the keeper has moved
    /// them, the old one is at work.
    async fn resize_cache(&self, connections: u32) -> Result<u64, String> {
        let keeper = self.flow_cache.as_ref().ok_or("nobody keeps the flow cache")?;
        let cache = self
            .plane
            .call(move |datapath| datapath.stage_cache(connections))
            .await
            .map_err(|error| chain(&error))?;
        let plane = self.plane.clone();
        let use_it = Box::new(move || {
            plane
                .call_blocking(|datapath| datapath.use_staged_cache())
                .map_err(|error| chain(&error))
        });
        match keeper.move_to(cache, use_it).await {
            Ok(MovedFlows { moved, refused }) => {
                tracing::info!(connections, moved, refused, "the flow cache has another size");
            }
            Err(problem) => {
                let dropped = self.plane.call(|datapath| {
                    datapath.drop_staged_cache();
                    Ok(())
                });
                dropped.await.map_err(|error| chain(&error))?;
                return Err(problem);
            }
        }
        let capacity = self.plane.call(|datapath| Ok(datapath.cache_capacity())).await;
        capacity.map(u64::from).map_err(|error| chain(&error))
    }

    async fn tune_events(&self, member: fn(&mut EventTuning) -> &mut u32, to: u32) -> Result<u64, String> {
        let tuned = self.plane.call(move |datapath| {
            let mut tuning = datapath.event_figures()?.tuning;
            *member(&mut tuning) = to;
            datapath.tune_events(&tuning)
        });
        let mut now = tuned.await.map_err(|error| chain(&error))?;
        Ok(u64::from(*member(&mut now)))
    }

    /// Spreads what an interface receives evenly over its first queues.
    async fn spread(&self, interface: String, queues: u32) -> Result<u64, String> {
        let hardware = self.hardware.clone().ok_or("no network card can be asked")?;
        let changed = tokio::task::spawn_blocking(move || {
            let entries = match hardware.probe(&interface)?.spread {
                Told::Known(spread) => spread.indirection.len(),
                Told::Unsupported => return Err("its card does not spread packets".to_owned()),
                Told::Failed(problem) => return Err(problem),
            };
            let table = (0..queues.max(1)).cycle().take(entries).collect();
            hardware.change(&interface, &HardwareChange::Indirection(table))?;
            let after = hardware.probe(&interface)?.spread;
            let after = after.known().ok_or("its card no longer tells how it spreads")?;
            Ok(in_use(&after.indirection))
        });
        changed.await.map_err(|error| error.to_string())?
    }

    /// Queues in use of those of these interfaces whose card spreads packets.
    pub(super) async fn spreads(&self, interfaces: Vec<String>) -> BTreeMap<String, u64> {
        let Some(hardware) = self.hardware.clone() else {
            return BTreeMap::new();
        };
        let probed = tokio::task::spawn_blocking(move || {
            let spread = |interface: String| {
                let probe = hardware.probe(&interface).ok()?;
                let used = in_use(&probe.spread.known()?.indirection);
                (used > 0).then_some((interface, used))
            };
            interfaces.into_iter().filter_map(spread).collect()
        });
        probed.await.unwrap_or_default()
    }
}

/// How many queues a table names.
fn in_use(indirection: &[u32]) -> u64 {
    let queues: BTreeSet<&u32> = indirection.iter().collect();
    u64::try_from(queues.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use ravelin_model::{Channels, ReceiveSpread};

    use super::*;
    use crate::SimulatedHardware;

    fn eth0() -> TunedObject {
        TunedObject {
            tunable: Tunable::ReceiveQueues,
            interface: Some("eth0".to_owned()),
        }
    }

    fn objects(spread: Told<ReceiveSpread>) -> (Objects, Arc<SimulatedHardware>) {
        let hardware = Arc::new(SimulatedHardware::everywhere());
        let mut card = hardware.probe("eth0").expect("a card");
        card.spread = spread;
        card.channels = Told::Known(Channels {
            combined: 8,
            combined_max: 8,
            ..Channels::default()
        });
        hardware.insert(card);
        let objects = Objects {
            plane: Plane::start(Err("there is none".to_owned())),
            workers: EventWorkers::new(),
            flow_cache: None,
            hardware: Some(Arc::<SimulatedHardware>::clone(&hardware)),
        };
        (objects, hardware)
    }

    #[tokio::test]
    async fn packets_are_spread_evenly_over_the_first_queues_and_read_back() {
        let (objects, hardware) = objects(Told::Known(ReceiveSpread {
            indirection: vec![0; 128],
            ..ReceiveSpread::default()
        }));
        let names = || vec!["eth0".to_owned()];
        assert_eq!(objects.spreads(names()).await, [("eth0".to_owned(), 1)].into());
        assert_eq!(objects.change(&eth0(), 4).await, Ok(4));
        let card = hardware.probe("eth0").expect("a card");
        let table = card.spread.known().expect("a table").indirection.clone();
        let expected: Vec<u32> = (0..4).cycle().take(128).collect();
        assert_eq!(table, expected);
        assert_eq!(objects.spreads(names()).await, [("eth0".to_owned(), 4)].into());
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_changed_and_says_why() {
        let (objects, _) = objects(Told::Unsupported);
        let refused = objects.change(&eth0(), 4).await.expect_err("no spread");
        assert_eq!(refused, "its card does not spread packets");
        assert!(objects.spreads(vec!["eth0".to_owned()]).await.is_empty());
        let cache = TunedObject {
            tunable: Tunable::FlowCacheConnections,
            interface: None,
        };
        let refused = objects.change(&cache, 4096).await.expect_err("no keeper");
        assert_eq!(refused, "nobody keeps the flow cache");
    }
}
