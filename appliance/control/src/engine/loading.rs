//! Bringing the data plane to what is wanted: images first, then the switches that use them.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use ravelin_compile::{AddressImage, AddressSource, NameImage, NameSource};
use ravelin_datapath::{HitCounter, Switches};
use ravelin_model::{DomainPattern, EntryValue, Feature, ListId, chain};

use super::live::{LiveAddresses, LiveNames};
use super::{CounterChange, Engine, FreedHits, Handover, Source, Work};
use crate::ControlError;
use crate::clock::Now;
use crate::retired::add;
use crate::snapshot::{EntryOfRow, Snapshot};

impl Engine {
    /// Does everything of a change that the data plane must know. On failure some of it may be done.
    pub(super) async fn apply(
        &mut self,
        source: &mut Source<'_>,
        next: &mut Snapshot,
        work: &Work,
    ) -> Result<FreedHits, ControlError> {
        // Before packets are judged by anything new: a card that refuses leaves nothing to take back but cards.
        if let Some(commit) = &work.policy {
            self.set_cards(&commit.cards).await?;
        }
        if self.plane.missing().is_some() {
            self.apply_policy(source, next, work).await?;
            return Ok(Vec::new());
        }
        let now = self.now();
        let reused = self.take_rows(work).await?;
        let needs = |feature: Feature, live: Option<&BTreeSet<ListId>>| {
            let wanted = next.settings.loaded_lists(feature);
            wanted.filter(|wanted| {
                !now.settings.get(feature).enabled
                    || now.faults.contains_key(&feature)
                    || live != Some(wanted)
                    || !wanted.is_disjoint(&work.touched)
            })
        };
        let addresses = needs(
            Feature::DdosProtection,
            self.live.addresses.as_ref().map(|live| &live.lists),
        );
        let names = needs(
            Feature::DnsBlocklist,
            self.live.names.as_ref().map(|live| &live.lists),
        );
        if let Some(lists) = addresses {
            self.load_addresses(source, lists, next).await?;
        }
        if let Some(lists) = names {
            self.load_names(source, lists, next).await?;
        }
        self.apply_policy(source, next, work).await?;
        self.set_switches(next).await?;
        for (new, _) in &work.attach {
            self.attach(new.clone(), next).await?;
        }
        let left = self.freed_hits(work).await?;
        Ok(reused.into_iter().chain(left).collect())
    }

    /// Brings the policy into force: that of a commit, or the same one where the change is to a list it names or to
    /// its feature.
    async fn apply_policy(
        &mut self,
        source: &mut Source<'_>,
        next: &mut Snapshot,
        work: &Work,
    ) -> Result<(), ControlError> {
        let (compiled, counters) = match &work.policy {
            Some(policy) => (policy.compiled.clone(), &policy.counters),
            None => (
                self.compile_policy(source, next, &work.touched).await?,
                &CounterChange::default(),
            ),
        };
        match compiled {
            Some(wanted) => self.load_policy(wanted, counters, next).await,
            None => Ok(()),
        }
    }

    /// Clears the hit counters of new entries. Answers what those had counted that come straight from an entry
    /// that goes.
    async fn take_rows(&self, work: &Work) -> Result<FreedHits, ControlError> {
        let mut hits = Vec::new();
        for Handover { list, change, .. } in &work.rows {
            let reused = change.reused();
            let fresh: Vec<u32> = change.fresh.keys().copied().collect();
            let counted = self
                .plane
                .call(move |datapath| {
                    let counted = datapath.address_hits(&reused)?;
                    datapath.reset_address_hits(&fresh)?;
                    Ok(counted)
                })
                .await?;
            hits.push((list.clone(), sum(counted)));
        }
        Ok(hits)
    }

    /// What the counters of entries that went had counted, read after no packet counts on them any more.
    async fn freed_hits(&self, work: &Work) -> Result<FreedHits, ControlError> {
        let mut hits = Vec::new();
        for Handover { list, change, .. } in &work.rows {
            let freed = change.left();
            let counted = self
                .plane
                .call(move |datapath| datapath.address_hits(&freed))
                .await?;
            hits.push((list.clone(), sum(counted)));
        }
        Ok(hits)
    }

    /// Compiles and loads the entries of the lists.
    pub(super) async fn load_addresses(
        &mut self,
        source: &mut Source<'_>,
        lists: BTreeSet<ListId>,
        next: &mut Snapshot,
    ) -> Result<(), ControlError> {
        let clock = Now::read();
        let capacity = self.plane.address_capacity();
        let mut sources = Vec::new();
        let mut entries = EntryOfRow::new();
        for id in &lists {
            let number = source.list(id).await?.number;
            for stored in source.entries(id).await? {
                let (EntryValue::Address(address), Some(row)) = (stored.entry.value, stored.counter) else {
                    continue;
                };
                if row as usize >= capacity {
                    let reason = format!("'{id}' uses hit counter {row}, the data plane has {capacity}");
                    return Err(ControlError::NoRoom(reason));
                }
                sources.push(AddressSource {
                    network: address.network,
                    expires_ns: address.expires_at.map_or(0, |at| clock.monotonic_ns(at)),
                    counter: row,
                    list: number,
                });
                entries.insert(row, (id.clone(), stored.entry.id));
            }
        }
        let image = compile(move || AddressImage::build(&sources, capacity))
            .await
            .map_err(|error| ControlError::NoRoom(error.to_string()))?;
        let image = Arc::new(image);
        let loaded = Arc::clone(&image);
        self.plane
            .call(move |datapath| datapath.load_addresses(&loaded))
            .await?;
        self.live.addresses = Some(LiveAddresses { image, lists, clock });
        self.flows.forget_paths();
        next.entries = Arc::new(entries);
        next.faults.remove(&Feature::DdosProtection);
        Ok(())
    }

    /// Compiles and loads the names of the lists.
    pub(super) async fn load_names(
        &mut self,
        source: &mut Source<'_>,
        lists: BTreeSet<ListId>,
        next: &mut Snapshot,
    ) -> Result<(), ControlError> {
        let mut patterns: Vec<(ListId, Vec<DomainPattern>)> = Vec::new();
        for id in &lists {
            patterns.push((id.clone(), source.patterns(id).await?));
        }
        let capacity = self.plane.name_bucket_capacity();
        // Random and secret, so that nobody can choose names that crowd one bucket.
        let key = RandomState::new().hash_one(0);
        let image = compile(move || {
            let names: Vec<NameSource<'_>> = patterns
                .iter()
                .flat_map(|(list, patterns)| patterns.iter().map(move |pattern| NameSource { pattern, list }))
                .collect();
            NameImage::build(&names, key, capacity)
        })
        .await
        .map_err(|error| ControlError::NoRoom(error.to_string()))?;
        let image = Arc::new(image);
        let loaded = Arc::clone(&image);
        let old = self.live.names.as_ref().map(|live| Arc::clone(&live.image));
        let sets = old.as_ref().map_or(0, |old| old.sets.len());
        // Read in the same call, because loading sets the counters to 0.
        let counted = self
            .plane
            .call(move |datapath| {
                let counted = datapath.name_hits(sets)?;
                datapath.load_names(&loaded)?;
                Ok(counted)
            })
            .await?;
        if let Some(old) = old {
            Arc::make_mut(&mut self.live.retired).add_names(&old.sets, &counted);
        }
        next.names = Some(Arc::clone(&image));
        self.live.names = Some(LiveNames { image, lists });
        next.faults.remove(&Feature::DnsBlocklist);
        Ok(())
    }

    /// Sets the switches where they differ from what is set.
    pub(super) async fn set_switches(&mut self, next: &mut Snapshot) -> Result<(), ControlError> {
        let switches = next.settings.switches(&next.faults, next.classifying);
        if self.live.switches != Some(switches) {
            self.plane
                .call(move |datapath| datapath.set_switches(switches))
                .await?;
            let sources = |switches: Switches| (switches.ddos_protection, switches.ddos_external_only);
            if self.live.switches.map(sources) != Some(sources(switches)) {
                self.flows.forget_paths();
            }
            self.live.switches = Some(switches);
        }
        self.measure_run_time(next).await;
        Ok(())
    }

    /// Has run times measured or not. Being refused holds up nothing else: kernels want CAP_SYS_ADMIN for it
    /// (kernel/bpf/syscall.c, `bpf_enable_stats`), which the engine does not keep.
    async fn measure_run_time(&mut self, next: &mut Snapshot) {
        let on = next.settings.measures_run_time();
        if self.live.measure_run_time == Some(on) {
            return;
        }
        self.live.measure_run_time = Some(on);
        next.shortfalls.remove(&Feature::Statistics);
        let measured = self
            .plane
            .call(move |datapath| datapath.measure_run_time(on))
            .await;
        if let Err(error) = measured {
            let reason = format!("run times are not measured: {}", chain(&error));
            next.shortfalls.insert(Feature::Statistics, reason);
        }
    }
}

/// Runs a compiler where it blocks nobody.
pub(super) async fn compile<T: Send + 'static>(build: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(build).await {
        Ok(built) => built,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn sum(hits: Vec<HitCounter>) -> HitCounter {
    hits.into_iter().fold(HitCounter::default(), add)
}
