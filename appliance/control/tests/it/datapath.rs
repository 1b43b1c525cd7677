//! The simulated data plane with a script: it records what it was told, and refuses what the test says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use ravelin_compile::{AddressImage, CounterId, ImageTooLarge, NameImage, NftRuleset, PolicyImages};
use ravelin_control::{Judge, Judging, LiveConnections, PacketFilter, PacketFilterError};
use ravelin_datapath::{
    AttachTarget, Attached, CacheLookups, Datapath, DatapathError, EventBatches, EventFigures, EventTuning,
    FlowCache, HitCounter, Loaded, Probe, RawEvent, Switches, simulate_with_events,
};
use ravelin_model::{
    Attachment, Cell, Direction, DomainName, Hook, InterfaceStatistics, LiveFlows, MapInfo, ProgramInfo,
    Protocol, Reason, Revision,
};
use tokio::sync::mpsc;

/// A call that can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Attach,
    MeasureRunTime,
    Switches,
    Addresses,
    Names,
    Policy,
    Filter,
    RemoveFilter,
}

/// Live connections, and what was asked of them.
#[derive(Debug, Default)]
pub struct Connections {
    /// What comes of judging them: figures, or why there are none.
    pub outcome: Option<Result<LiveFlows, String>>,
    /// In order.
    pub judgements: Vec<Judgement>,
    /// Times ways were to be learned again.
    pub forgotten: u32,
}

/// Live connections were judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// By the policy of this revision; None: by none.
    pub by: Option<Revision>,
    /// Those it does not allow were to be ended.
    pub cut: bool,
    /// Of the table nftables had then.
    pub filter: Option<Revision>,
}

#[derive(Debug, Default)]
pub struct Script {
    pub switches: Switches,
    pub measures_run_time: bool,
    pub addresses: Option<AddressImage>,
    pub names: Option<NameImage>,
    pub attached: BTreeMap<u32, AttachTarget>,
    pub refuse: BTreeSet<Call>,
    /// Hooks that do not exist here.
    pub missing_hooks: BTreeSet<Hook>,
    pub hits: BTreeMap<u32, HitCounter>,
    pub name_hits: BTreeMap<usize, HitCounter>,
    pub statistics: BTreeMap<u32, Vec<(Reason, u64)>>,
    /// The policy eBPF has.
    pub policy: Option<PolicyImages>,
    /// The table nftables has.
    pub filter: Option<Arc<NftRuleset>>,
    /// What the filter says it has, where that is not true.
    pub filter_lies: bool,
    /// What counters of the policy show, in eBPF and in nftables.
    pub policy_hits: BTreeMap<CounterId, HitCounter>,
    pub filter_hits: BTreeMap<CounterId, HitCounter>,
    pub filter_epoch: String,
    /// The kernel of the filter has flowtables.
    pub has_flowtables: bool,
    /// What a probe finds.
    pub probe: Option<Probe>,
    /// Loads of an address image so far.
    pub address_loads: u32,
    /// Calls that changed something, in order.
    pub calls: Vec<Call>,
    pub connections: Connections,
}

impl Script {
    /// Whether packets from the address are dropped now.
    pub fn drops(&self, address: &str) -> bool {
        let address: IpAddr = address.parse().expect("address");
        let image = self.addresses.as_ref();
        self.switches.ddos_protection && image.is_some_and(|image| image.lookup(address, 1).is_some())
    }

    /// Row of the hit counters that counts packets from the address.
    pub fn row_of(&self, address: &str) -> u32 {
        let address: IpAddr = address.parse().expect("address");
        let image = self.addresses.as_ref().expect("an image");
        image.lookup(address, 1).expect("listed").counter
    }

    /// Whether queries for the name are blocked now.
    pub fn blocks(&self, name: &str) -> bool {
        let name: DomainName = name.parse().expect("name");
        let table = self.names.as_ref();
        self.switches.dns_blocklist && table.is_some_and(|table| table.lookup(&name).is_some())
    }
}

/// The test's end of the data plane.
#[derive(Debug, Clone)]
pub struct Told {
    script: Arc<Mutex<Script>>,
    pub events: mpsc::Sender<RawEvent>,
}

impl Told {
    pub fn now(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panicked holding it")
    }

    /// What was asked of live connections since the last time.
    pub fn judgements(&self) -> Vec<Judgement> {
        std::mem::take(&mut self.now().connections.judgements)
    }
}

/// Who knows live connections.
#[derive(Debug)]
pub struct Followed(pub Told);

impl LiveConnections for Followed {
    fn judge(&self, judge: Option<Arc<Judge>>, cut: bool) -> Judging<'_> {
        let mut script = self.0.now();
        let judgement = Judgement {
            by: judge.map(|judge| judge.ruleset().revision),
            cut,
            filter: script.filter.as_ref().map(|filter| filter.revision()),
        };
        script.connections.judgements.push(judgement);
        let outcome = script.connections.outcome.clone();
        Box::pin(std::future::ready(
            outcome.unwrap_or_else(|| Ok(LiveFlows::default())),
        ))
    }

    fn forget_paths(&self) {
        self.0.now().connections.forgotten += 1;
    }
}

#[derive(Debug)]
struct Scripted {
    sim: Box<dyn Datapath>,
    script: Arc<Mutex<Script>>,
}

/// A data plane, its events, and the test's end of it.
pub fn scripted() -> (Box<dyn Datapath>, EventBatches, Told) {
    scripted_on(Arc::new(Mutex::new(Script::default())))
}

/// The data plane an earlier engine left.
pub fn left_behind(told: &Told) -> (Box<dyn Datapath>, EventBatches, Told) {
    scripted_on(Arc::clone(&told.script))
}

fn scripted_on(script: Arc<Mutex<Script>>) -> (Box<dyn Datapath>, EventBatches, Told) {
    let (Loaded { datapath, events, .. }, sender) = simulate_with_events();
    let told = Told {
        script: Arc::clone(&script),
        events: sender,
    };
    (
        Box::new(Scripted {
            sim: datapath,
            script,
        }),
        events,
        told,
    )
}

impl Scripted {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panicked holding it")
    }

    fn permit(&self, call: Call) -> Result<(), DatapathError> {
        if self.script().refuse.contains(&call) {
            let what = "scripted refusal";
            return Err(ImageTooLarge {
                what,
                needed: 2,
                capacity: 1,
            }
            .into());
        }
        self.script().calls.push(call);
        Ok(())
    }
}

impl Datapath for Scripted {
    fn attach(&mut self, target: &AttachTarget) -> Result<Attached, DatapathError> {
        self.permit(Call::Attach)?;
        let mut attached = self.sim.attach(target)?;
        let mut script = self.script();
        attached
            .attachments
            .retain(|a| !script.missing_hooks.contains(&a.hook));
        attached.problems = script
            .missing_hooks
            .iter()
            .map(|hook| format!("no {hook} here"))
            .collect();
        script.attached.insert(target.index, target.clone());
        Ok(attached)
    }

    fn detach(&mut self, index: u32) -> Result<(), DatapathError> {
        self.script().attached.remove(&index);
        self.sim.detach(index)
    }

    fn set_switches(&mut self, switches: Switches) -> Result<(), DatapathError> {
        self.permit(Call::Switches)?;
        self.script().switches = switches;
        self.sim.set_switches(switches)
    }

    fn load_addresses(&mut self, image: &AddressImage) -> Result<(), DatapathError> {
        self.permit(Call::Addresses)?;
        self.sim.load_addresses(image)?;
        let mut script = self.script();
        script.addresses = Some(image.clone());
        script.address_loads += 1;
        Ok(())
    }

    fn load_names(&mut self, image: &NameImage) -> Result<(), DatapathError> {
        self.permit(Call::Names)?;
        self.sim.load_names(image)?;
        let mut script = self.script();
        script.names = Some(image.clone());
        script.name_hits.clear();
        Ok(())
    }

    fn address_capacity(&self) -> usize {
        // Small, so that a test can fill it.
        8
    }

    fn name_bucket_capacity(&self) -> usize {
        self.sim.name_bucket_capacity()
    }

    fn address_hits(&self, counters: &[u32]) -> Result<Vec<HitCounter>, DatapathError> {
        let script = self.script();
        let hits = counters
            .iter()
            .map(|row| script.hits.get(row).copied().unwrap_or_default());
        Ok(hits.collect())
    }

    fn reset_address_hits(&mut self, counters: &[u32]) -> Result<(), DatapathError> {
        let mut script = self.script();
        for row in counters {
            script.hits.remove(row);
        }
        Ok(())
    }

    fn name_hits(&self, sets: usize) -> Result<Vec<(HitCounter, HitCounter)>, DatapathError> {
        let script = self.script();
        let hits = |set| {
            (
                script.name_hits.get(&set).copied().unwrap_or_default(),
                HitCounter::default(),
            )
        };
        Ok((0..sets).map(hits).collect())
    }

    fn load_policy(&mut self, images: &PolicyImages) -> Result<(), DatapathError> {
        self.permit(Call::Policy)?;
        self.script().policy = Some(images.clone());
        self.sim.load_policy(images)
    }

    fn policy_revision(&self) -> Result<Option<Revision>, DatapathError> {
        self.sim.policy_revision()
    }

    fn policy_hits(&self, counters: &[CounterId]) -> Result<Vec<HitCounter>, DatapathError> {
        let script = self.script();
        let hits = counters
            .iter()
            .map(|counter| script.policy_hits.get(counter).copied().unwrap_or_default());
        Ok(hits.collect())
    }

    fn reset_policy_hits(&mut self, counters: &[CounterId]) -> Result<(), DatapathError> {
        let mut script = self.script();
        for counter in counters {
            script.policy_hits.remove(counter);
        }
        Ok(())
    }

    fn policy_counter_capacity(&self) -> usize {
        // Small, so that a test can go around.
        self.sim.policy_counter_capacity().min(256)
    }

    fn probe(&self, frame: &[u8], index: u32) -> Result<Probe, DatapathError> {
        match self.script().probe {
            Some(probe) => Ok(probe),
            None => self.sim.probe(frame, index),
        }
    }

    fn statistics(&self) -> Result<Vec<InterfaceStatistics>, DatapathError> {
        let mut interfaces = self.sim.statistics()?;
        let script = self.script();
        for interface in &mut interfaces {
            let counted = script.statistics.get(&interface.interface_index);
            interface.cells = counted
                .into_iter()
                .flatten()
                .map(|&(reason, packets)| Cell {
                    direction: Direction::Ingress,
                    protocol: Protocol::Ipv4Udp,
                    reason,
                    packets,
                    bytes: packets * 100,
                })
                .collect();
        }
        Ok(interfaces)
    }

    fn cache_lookups(&self) -> Result<CacheLookups, DatapathError> {
        self.sim.cache_lookups()
    }

    fn cache_capacity(&self) -> u32 {
        self.sim.cache_capacity()
    }

    fn cache_bytes(&self, connections: u32) -> u64 {
        self.sim.cache_bytes(connections)
    }

    fn stage_cache(&mut self, connections: u32) -> Result<Box<dyn FlowCache>, DatapathError> {
        self.sim.stage_cache(connections)
    }

    fn use_staged_cache(&mut self) -> Result<(), DatapathError> {
        self.sim.use_staged_cache()
    }

    fn drop_staged_cache(&mut self) {
        self.sim.drop_staged_cache();
    }

    fn tune_events(&mut self, tuning: &EventTuning) -> Result<EventTuning, DatapathError> {
        self.sim.tune_events(tuning)
    }

    fn event_figures(&self) -> Result<EventFigures, DatapathError> {
        self.sim.event_figures()
    }

    fn programs(&self) -> Result<Vec<ProgramInfo>, DatapathError> {
        let script = self.script();
        let attachments: Vec<Attachment> = script
            .attached
            .values()
            .flat_map(|target| {
                let there = Hook::ALL
                    .into_iter()
                    .filter(|hook| !script.missing_hooks.contains(hook));
                there.map(|hook| Attachment {
                    interface: target.name.clone(),
                    interface_index: target.index,
                    hook,
                    mode: None,
                    program_id: 0,
                })
            })
            .collect();
        Ok(vec![ProgramInfo {
            id: 0,
            name: "scripted".to_owned(),
            tag: String::new(),
            attachments,
            verified_instructions: 0,
            jited_bytes: 0,
            memory_bytes: 0,
            run_time: None,
        }])
    }

    fn maps(&self) -> Result<Vec<MapInfo>, DatapathError> {
        self.sim.maps()
    }

    fn measure_run_time(&mut self, on: bool) -> Result<(), DatapathError> {
        if on {
            self.permit(Call::MeasureRunTime)?;
        }
        self.script().measures_run_time = on;
        Ok(())
    }
}

#[derive(Debug)]
struct ScriptedFilter {
    script: Arc<Mutex<Script>>,
}

impl ScriptedFilter {
    fn permit(&self, call: Call) -> Result<MutexGuard<'_, Script>, PacketFilterError> {
        let mut script = self.script.lock().expect("no test panicked holding it");
        if script.refuse.contains(&call) {
            return Err("scripted refusal".into());
        }
        script.calls.push(call);
        Ok(script)
    }
}

impl PacketFilter for ScriptedFilter {
    fn apply(&mut self, wanted: &Arc<NftRuleset>) -> Result<(), PacketFilterError> {
        let mut script = self.permit(Call::Filter)?;
        // As the kernel does: counters that stay go on, others begin at 0.
        script
            .filter_hits
            .retain(|counter, _| wanted.counters().contains(counter));
        script.filter = Some(Arc::clone(wanted));
        Ok(())
    }

    fn remove(&mut self) -> Result<(), PacketFilterError> {
        let mut script = self.permit(Call::RemoveFilter)?;
        script.filter = None;
        script.filter_hits.clear();
        Ok(())
    }

    fn revision(&mut self) -> Result<Option<Revision>, PacketFilterError> {
        let script = self.script.lock().expect("no test panicked holding it");
        if script.filter_lies {
            return Ok(Some(Revision(u64::MAX)));
        }
        Ok(script.filter.as_ref().map(|table| table.revision()))
    }

    fn counters(&mut self) -> Result<Vec<(CounterId, HitCounter)>, PacketFilterError> {
        let script = self.script.lock().expect("no test panicked holding it");
        Ok(script
            .filter_hits
            .iter()
            .map(|(counter, hits)| (*counter, *hits))
            .collect())
    }

    fn has_flowtables(&mut self) -> Result<bool, PacketFilterError> {
        let script = self.script.lock().expect("no test panicked holding it");
        Ok(script.has_flowtables)
    }

    fn epoch(&mut self) -> Result<String, PacketFilterError> {
        let script = self.script.lock().expect("no test panicked holding it");
        Ok(script.filter_epoch.clone())
    }
}

/// A filter that records what it is told in the same script.
pub fn scripted_filter(told: &Told) -> Box<dyn PacketFilter> {
    Box::new(ScriptedFilter {
        script: Arc::clone(&told.script),
    })
}
