//! Programs, switches, lists and statistics in memory.

use std::collections::BTreeMap;

use ravelin_abi::rv_zone_limit::RV_ZONE_IFINDEX_LIMIT;
use ravelin_compile::{AddressImage, CounterId, ImageTooLarge, NameImage, PolicyImages};
use ravelin_model::{Attachment, Hook, InterfaceStatistics, MapInfo, ProgramInfo, Reason, Revision};

use super::cache::SimCache;
use super::events::SimEvents;
use super::maps::{self, Occupancy};
use crate::flow_cache::{cache_bytes, check_capacity};
use crate::slots::Slots;
use crate::{
    AttachTarget, Attached, CacheLookups, Classification, Datapath, DatapathError, EventFigures, EventTuning,
    FlowCache, HitCounter, Probe, Switches,
};

#[derive(Debug)]
pub(super) struct SimDatapath {
    /// Kernel names by index.
    interfaces: BTreeMap<u32, String>,
    slots: Slots,
    switches: Switches,
    addresses: Option<AddressImage>,
    names: Option<NameImage>,
    policy: Option<PolicyImages>,
    cache: SimCache,
    staged: Option<SimCache>,
    events: SimEvents,
}

impl SimDatapath {
    pub(super) fn new(events: SimEvents, cache: SimCache) -> Self {
        Self {
            interfaces: BTreeMap::new(),
            slots: Slots::default(),
            switches: Switches::default(),
            addresses: None,
            names: None,
            policy: None,
            cache,
            staged: None,
            events,
        }
    }
}

impl Datapath for SimDatapath {
    fn attach(&mut self, target: &AttachTarget) -> Result<Attached, DatapathError> {
        if target.index >= RV_ZONE_IFINDEX_LIMIT {
            return Err(DatapathError::InterfaceIndex {
                index: target.index,
                limit: RV_ZONE_IFINDEX_LIMIT,
            });
        }
        if self.slots.assign(target.index).is_none() {
            return Err(DatapathError::TooManyInterfaces(Slots::COUNT));
        }
        self.interfaces.insert(target.index, target.name.clone());
        let attachment = |hook| Attachment {
            interface: target.name.clone(),
            interface_index: target.index,
            hook,
            mode: None,
            program_id: 0,
        };
        Ok(Attached {
            attachments: Hook::ALL.map(attachment).to_vec(),
            problems: Vec::new(),
        })
    }

    fn detach(&mut self, index: u32) -> Result<(), DatapathError> {
        self.slots.release(index);
        self.interfaces.remove(&index);
        Ok(())
    }

    fn set_switches(&mut self, switches: Switches) -> Result<(), DatapathError> {
        self.switches = switches;
        Ok(())
    }

    fn load_addresses(&mut self, image: &AddressImage) -> Result<(), DatapathError> {
        fits("addresses", image.entries(), self.address_capacity())?;
        self.addresses = Some(image.clone());
        Ok(())
    }

    fn load_names(&mut self, image: &NameImage) -> Result<(), DatapathError> {
        fits("name buckets", image.buckets.len(), self.name_bucket_capacity())?;
        self.names = Some(image.clone());
        Ok(())
    }

    fn address_capacity(&self) -> usize {
        maps::ADDRESSES as usize
    }

    fn name_bucket_capacity(&self) -> usize {
        maps::NAME_BUCKETS as usize
    }

    fn address_hits(&self, counters: &[u32]) -> Result<Vec<HitCounter>, DatapathError> {
        known(counters, self.address_capacity())?;
        Ok(vec![HitCounter::default(); counters.len()])
    }

    fn reset_address_hits(&mut self, counters: &[u32]) -> Result<(), DatapathError> {
        known(counters, self.address_capacity())
    }

    fn name_hits(&self, sets: usize) -> Result<Vec<(HitCounter, HitCounter)>, DatapathError> {
        Ok(vec![Default::default(); sets])
    }

    fn load_policy(&mut self, images: &PolicyImages) -> Result<(), DatapathError> {
        self.policy = Some(images.clone());
        Ok(())
    }

    fn policy_revision(&self) -> Result<Option<Revision>, DatapathError> {
        Ok(self.policy.as_ref().map(PolicyImages::revision))
    }

    fn policy_hits(&self, counters: &[CounterId]) -> Result<Vec<HitCounter>, DatapathError> {
        known(counters, self.policy_counter_capacity())?;
        Ok(vec![HitCounter::default(); counters.len()])
    }

    fn reset_policy_hits(&mut self, counters: &[CounterId]) -> Result<(), DatapathError> {
        known(counters, self.policy_counter_capacity())
    }

    fn policy_counter_capacity(&self) -> usize {
        maps::POLICY_COUNTERS as usize
    }

    fn probe(&self, _: &[u8], _: u32) -> Result<Probe, DatapathError> {
        Ok(Probe {
            reason: Reason::Pass,
            classification: Classification::None,
            mark: 0,
            from: None,
            to: None,
            destination: None,
            destination_port: 0,
        })
    }

    fn statistics(&self) -> Result<Vec<InterfaceStatistics>, DatapathError> {
        let nothing = |(index, name): (&u32, &String)| InterfaceStatistics {
            interface: name.clone(),
            interface_index: *index,
            cells: Vec::new(),
        };
        Ok(self.interfaces.iter().map(nothing).collect())
    }

    fn cache_lookups(&self) -> Result<CacheLookups, DatapathError> {
        Ok(CacheLookups::default())
    }

    fn cache_capacity(&self) -> u32 {
        self.cache.connections
    }

    fn cache_bytes(&self, connections: u32) -> u64 {
        cache_bytes(connections)
    }

    fn stage_cache(&mut self, connections: u32) -> Result<Box<dyn FlowCache>, DatapathError> {
        self.staged = None;
        check_capacity(connections, self.cache.connections)?;
        let (staged, cache) = SimCache::new(connections);
        self.staged = Some(staged);
        Ok(cache)
    }

    fn use_staged_cache(&mut self) -> Result<(), DatapathError> {
        self.cache = self.staged.take().ok_or(DatapathError::NoStagedCache)?;
        Ok(())
    }

    fn drop_staged_cache(&mut self) {
        self.staged = None;
    }

    fn tune_events(&mut self, tuning: &EventTuning) -> Result<EventTuning, DatapathError> {
        Ok(self.events.tune(tuning))
    }

    fn event_figures(&self) -> Result<EventFigures, DatapathError> {
        Ok(self.events.figures())
    }

    fn programs(&self) -> Result<Vec<ProgramInfo>, DatapathError> {
        Ok(Vec::new())
    }

    fn maps(&self) -> Result<Vec<MapInfo>, DatapathError> {
        let (cached4, cached6) = self.cache.occupancy();
        Ok(maps::maps(&Occupancy {
            address_pages: self.addresses.as_ref().map_or(0, |image| image.image().pages()),
            name_buckets: self.names.as_ref().map_or(0, |image| image.buckets.len()),
            policy_rows: usize::from(self.policy.is_some()),
            zones: self.interfaces.len(),
            cached_connections: self.cache.connections,
            cached4,
            cached6,
        }))
    }

    fn measure_run_time(&mut self, _: bool) -> Result<(), DatapathError> {
        Ok(())
    }
}

fn fits(what: &'static str, needed: usize, capacity: usize) -> Result<(), ImageTooLarge> {
    if needed > capacity {
        return Err(ImageTooLarge {
            what,
            needed,
            capacity,
        });
    }
    Ok(())
}

fn known(counters: &[u32], capacity: usize) -> Result<(), DatapathError> {
    match counters.iter().find(|counter| **counter as usize >= capacity) {
        Some(counter) => Err(DatapathError::UnknownCounter {
            counter: *counter,
            capacity,
        }),
        None => Ok(()),
    }
}
