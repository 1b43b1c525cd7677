//! What lines of the policy counted, through commits, restarts and reboots. The back-ends count from 0 when their
//! counters are made; what they counted before is kept here and in the store.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ravelin_compile::{CounterId, fixed_counter};
use ravelin_datapath::HitCounter;
use ravelin_model::Policy;
use ravelin_store::{CounterEpoch, Store, StoredCounter, StoredCounters};
use time::OffsetDateTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::stored;
use crate::packet_filter::{Filter, boot_id};
use crate::plane::Plane;
use crate::retired::add;
use crate::{ControlError, Hits};

/// What the counters of both back-ends show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) epoch: CounterEpoch,
    pub(crate) nft: HashMap<CounterId, HitCounter>,
    pub(crate) ebpf: HashMap<CounterId, HitCounter>,
}

/// One counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Total {
    hits: HitCounter,
    last_hit_at: Option<OffsetDateTime>,
    /// What the back-ends showed when that was added up.
    nft: HitCounter,
    ebpf: HitCounter,
    /// Differs from what is stored.
    changed: bool,
}

/// Every counter there is, added up.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    epoch: Option<CounterEpoch>,
    totals: HashMap<CounterId, Total>,
    /// Counters somebody has.
    known: Vec<CounterId>,
}

impl Totals {
    /// As they were stored.
    pub(crate) fn new(stored: StoredCounters) -> Self {
        let StoredCounters { epoch, counters } = stored;
        let totals = counters.into_iter().map(|counter| {
            let total = Total {
                hits: hits((counter.packets, counter.bytes)),
                last_hit_at: counter.last_hit_at,
                nft: hits(counter.nft),
                ebpf: hits(counter.ebpf),
                changed: false,
            };
            (counter.counter, total)
        });
        Self {
            epoch,
            totals: totals.collect(),
            known: Vec::new(),
        }
    }

    /// Adds what the back-ends counted since the last time. A back-end that shows less, or has another epoch, began
    /// anew in between: all it shows is new.
    pub(crate) fn take(&mut self, shown: &Shown, now: OffsetDateTime) {
        let before = self.epoch.clone().unwrap_or_default();
        let (nft_anew, ebpf_anew) = (before.nft != shown.epoch.nft, before.ebpf != shown.epoch.ebpf);
        if nft_anew || ebpf_anew {
            for total in self.totals.values_mut() {
                total.changed = true;
                if nft_anew {
                    total.nft = HitCounter::default();
                }
                if ebpf_anew {
                    total.ebpf = HitCounter::default();
                }
            }
            self.epoch = Some(shown.epoch.clone());
        }
        for &counter in &self.known {
            let nft = shown.nft.get(&counter).copied().unwrap_or_default();
            let ebpf = shown.ebpf.get(&counter).copied().unwrap_or_default();
            if nft == HitCounter::default() && ebpf == nft && !self.totals.contains_key(&counter) {
                continue;
            }
            let total = self.totals.entry(counter).or_default();
            if (nft, ebpf) == (total.nft, total.ebpf) {
                continue;
            }
            let grown = add(grown(nft, total.nft), grown(ebpf, total.ebpf));
            if grown.packets > 0 {
                total.hits = add(total.hits, grown);
                total.last_hit_at = Some(now);
            }
            (total.nft, total.ebpf, total.changed) = (nft, ebpf, true);
        }
    }

    /// What counters counted.
    pub(crate) fn get(&self, counter: CounterId) -> Hits {
        let Total {
            hits, last_hit_at, ..
        } = self.totals.get(&counter).copied().unwrap_or_default();
        Hits {
            packets: hits.packets,
            bytes: hits.bytes,
            last_hit_at,
        }
    }

    /// Says which counters somebody has; what others counted is forgotten.
    pub(crate) fn set_known(&mut self, policy: &Policy) {
        let fixed = 1..fixed_counter::FIRST_FREE;
        let rules = policy.rules.iter().map(|rule| rule.number);
        let pairs = policy.zone_pairs.values().map(|pair| pair.number);
        let published = policy.published_services.values().map(|service| service.number);
        self.known = fixed.chain(rules).chain(pairs).chain(published).collect();
        let known: HashSet<CounterId> = self.known.iter().copied().collect();
        self.totals.retain(|counter, _| known.contains(counter));
    }

    /// Counters that come to new objects. The back-ends have set them to 0.
    pub(crate) fn start(&mut self, counters: &[CounterId]) {
        for counter in counters {
            self.totals.remove(counter);
        }
    }

    /// What is not stored yet.
    fn unsaved(&self) -> Option<(CounterEpoch, Vec<StoredCounter>)> {
        let changed: Vec<StoredCounter> = self
            .totals
            .iter()
            .filter(|(_, total)| total.changed)
            .map(|(counter, total)| StoredCounter {
                counter: *counter,
                packets: total.hits.packets,
                bytes: total.hits.bytes,
                last_hit_at: total.last_hit_at,
                nft: (total.nft.packets, total.nft.bytes),
                ebpf: (total.ebpf.packets, total.ebpf.bytes),
            })
            .collect();
        let epoch = self.epoch.clone()?;
        (!changed.is_empty()).then_some((epoch, changed))
    }
}

/// Header of a frame, which nftables does not count.
const ETHERNET_BYTES: u64 = 14;

/// What the data plane counted of frames as what nftables would have counted of the packets in them.
fn of_packets(frames: HitCounter) -> HitCounter {
    let headers = frames.packets.saturating_mul(ETHERNET_BYTES);
    HitCounter {
        bytes: frames.bytes.saturating_sub(headers),
        ..frames
    }
}

fn hits((packets, bytes): (u64, u64)) -> HitCounter {
    HitCounter { packets, bytes }
}

fn grown(now: HitCounter, before: HitCounter) -> HitCounter {
    if now.packets < before.packets || now.bytes < before.bytes {
        return now;
    }
    HitCounter {
        packets: now.packets - before.packets,
        bytes: now.bytes - before.bytes,
    }
}

/// The counters, shared by the engine, which hands them over in a commit, and whoever reads them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PolicyCounters {
    totals: Arc<Mutex<Totals>>,
    plane: Plane,
    filter: Filter,
    /// Which counters of eBPF: they live as long as their map.
    ebpf_epoch: Arc<str>,
}

/// Name of the map with the hit counters.
const RULE_HITS: &str = "rule_hits";

impl PolicyCounters {
    pub(crate) async fn open(store: &Store, plane: Plane, filter: Filter) -> Result<Self, ControlError> {
        let totals = Totals::new(store.policy_counters().await.map_err(stored)?);
        let ebpf_epoch = if plane.missing().is_some() {
            String::new()
        } else {
            let maps = plane.call(|datapath| datapath.maps()).await?;
            let map = maps.iter().find(|map| map.name == RULE_HITS);
            format!("{}:{}", boot_id(), map.map_or(0, |map| map.id))
        };
        Ok(Self {
            totals: Arc::new(Mutex::new(totals)),
            plane,
            filter,
            ebpf_epoch: ebpf_epoch.into(),
        })
    }

    /// Keeps everybody from reading until the guard is dropped: while counters change hands, what the back-ends show
    /// is neither the old object's nor the new one's.
    pub(crate) async fn hold(&self) -> OwnedMutexGuard<Totals> {
        Arc::clone(&self.totals).lock_owned().await
    }

    /// Reads the back-ends and adds up, for whoever holds the counters.
    pub(crate) async fn read(&self, totals: &mut Totals, now: OffsetDateTime) -> Result<(), ControlError> {
        let shown = self.shown(totals.known.clone()).await?;
        totals.take(&shown, now);
        Ok(())
    }

    /// Reads the back-ends and adds up.
    pub(crate) async fn refresh(&self, now: OffsetDateTime) -> Result<OwnedMutexGuard<Totals>, ControlError> {
        let mut totals = self.hold().await;
        self.read(&mut totals, now).await?;
        Ok(totals)
    }

    async fn shown(&self, known: Vec<CounterId>) -> Result<Shown, ControlError> {
        let mut shown = Shown::default();
        if self.filter.missing().is_none() {
            let (epoch, counters) = self
                .filter
                .call(|filter| Ok((filter.epoch()?, filter.counters()?)))
                .await?;
            shown.epoch.nft = epoch;
            shown.nft = counters.into_iter().collect();
        }
        if self.plane.missing().is_none() {
            shown.epoch.ebpf = self.ebpf_epoch.to_string();
            shown.ebpf = self
                .plane
                .call(move |datapath| {
                    let hits = datapath.policy_hits(&known)?;
                    Ok(known.into_iter().zip(hits.into_iter().map(of_packets)).collect())
                })
                .await?;
        }
        Ok(shown)
    }

    /// Stores what changed since the last time.
    pub(crate) async fn save(&self, store: &Store, now: OffsetDateTime) -> Result<(), ControlError> {
        let mut totals = self.refresh(now).await?;
        if let Some((epoch, changed)) = totals.unsaved() {
            store
                .save_policy_counters(&epoch, &changed)
                .await
                .map_err(stored)?;
            for counter in &changed {
                if let Some(total) = totals.totals.get_mut(&counter.counter) {
                    total.changed = false;
                }
            }
        }
        Ok(())
    }
}
