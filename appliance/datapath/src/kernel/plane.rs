//! The parts of the kernel's data plane as one.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ravelin_compile::{AddressImage, CounterId, NameImage, PolicyImages};
use ravelin_model::{Hook, InterfaceStatistics, MapInfo, ProgramInfo, Revision};

use super::address_tables::AddressTables;
use super::attachments::Attachments;
use super::caches::{self, Caches};
use super::control::{Control, Halved};
use super::events::Events;
use super::flow_cache::Misses;
use super::flow_table::{FlowOccupancy, KernelFlowTable};
use super::image_maps::ImageMap;
use super::name_tables::NameTables;
use super::objects::{LoadedProgram, Loader};
use super::pins::{self, Pins};
use super::policy_tables::PolicyTables;
use super::run_time::RunTime;
use super::schema::Schema;
use super::statistics::Statistics;
use super::test_run::{self, TestRunOutcome};
use super::{KernelConfig, info, prerequisites};
use crate::flow_cache::cache_bytes;
use crate::{
    AttachTarget, Attached, CacheLookups, Datapath, DatapathError, EventBatches, EventFigures, EventTuning,
    FlowCache, HitCounter, Probe, Switches, Unavailable,
};

/// Programs, switches, lists and statistics in the kernel. Dropping it leaves everything at work.
#[derive(Debug)]
pub struct KernelDatapath {
    programs: Vec<LoadedProgram>,
    loader: Loader,
    pins: Pins,
    control: Control,
    addresses: AddressTables,
    names: NameTables,
    policy: PolicyTables,
    attachments: Attachments,
    statistics: Statistics,
    misses: Misses,
    events: Events,
    flow_occupancy: Arc<FlowOccupancy>,
    caches: Caches,
    run_time: RunTime,
}

/// [`crate::Loaded`] with its types told.
#[derive(Debug)]
pub struct KernelParts {
    /// Programs, switches, lists, statistics.
    pub datapath: KernelDatapath,
    /// Flow maps.
    pub flows: KernelFlowTable,
    /// Connections XDP may forward.
    pub cache: Box<dyn FlowCache>,
    /// Events of the ring buffer.
    pub events: EventBatches,
}

impl KernelDatapath {
    /// As [`super::load`].
    ///
    /// # Errors
    /// As [`super::load`].
    pub fn load(config: &KernelConfig) -> Result<KernelParts, DatapathError> {
        prerequisites::check(&config.bpffs)?;
        let schema = Schema::of(config)?;
        let pins = Pins::prepare(&config.bpffs, &schema)?;
        let cache = caches::prepare(&pins, &schema, config.cached_connections)?;
        let loader = Loader::new(config, schema, &pins.maps)?;
        let programs = loader.load_all(cache.maps(&pins.cache)).map_err(refused)?;
        let (events, receiver) = Events::open(&pins.maps)?;
        let flow_occupancy = Arc::new(FlowOccupancy::default());
        let flows = KernelFlowTable::open(&pins.maps, Arc::clone(&flow_occupancy))?;
        let (caches, cache) = Caches::open(&pins, cache)?;
        let datapath = Self {
            control: Control::open(&pins.maps)?,
            addresses: AddressTables::open(&pins.maps)?,
            names: NameTables::open(&pins.maps)?,
            policy: PolicyTables::open(&pins.maps)?,
            attachments: Attachments::open(&pins.maps, &pins.links)?,
            statistics: Statistics::open(&pins.maps)?,
            misses: Misses::open(&pins.maps)?,
            programs,
            loader,
            pins,
            events,
            flow_occupancy,
            caches,
            run_time: RunTime::new(None),
        };
        Ok(KernelParts {
            datapath,
            flows,
            cache,
            events: receiver,
        })
    }

    pub(super) fn measure_run_time_through(&mut self, helper: Option<UnixStream>) {
        self.run_time = RunTime::new(helper);
    }

    /// Runs the program of a hook on a frame that comes in on, or goes out of, an interface of this network
    /// namespace; 0: on none. Counters, flows and events see the packet.
    ///
    /// # Errors
    /// [`DatapathError::TestRun`] where the kernel does not take the frame or the interface.
    pub fn test_run(
        &self,
        hook: Hook,
        frame: &[u8],
        interface_index: u32,
    ) -> Result<TestRunOutcome, DatapathError> {
        test_run::run(self.program(hook)?, frame, interface_index)
    }

    fn program(&self, hook: Hook) -> Result<&LoadedProgram, DatapathError> {
        let program = self.programs.iter().find(|program| program.source.hook == hook);
        program.ok_or(DatapathError::MissingPart {
            what: "program for",
            name: hook.name(),
        })
    }

    /// The switches as they are in the kernel.
    pub fn switches(&self) -> Switches {
        self.control.switches()
    }

    fn occupancy(&self, map: &str) -> Option<u64> {
        let rows = match map {
            "dns_blocklist" => self.names.rows?,
            "zones" => self.attachments.interfaces().count(),
            "flow_map4" => return Some(self.flow_occupancy.entries4.load(Relaxed)),
            "flow_map6" => return Some(self.flow_occupancy.entries6.load(Relaxed)),
            _ => return self.caches.occupancy(map),
        };
        Some(rows as u64)
    }

    /// A map of images, and which of its rows is live.
    fn images(&self, map: &str) -> Option<(&ImageMap, usize)> {
        match map {
            "xdp_blocklist" => Some((&self.addresses.index, self.control.live_half(Halved::Addresses))),
            "policy" => Some((&self.policy.policy, self.control.live_half(Halved::Policy))),
            "policy_classes" => Some((&self.policy.classes, self.control.live_half(Halved::Policy))),
            _ => None,
        }
    }

    /// Removes the maps of other versions once no link runs a program that uses them.
    fn remove_stale_maps(&self) -> Result<(), DatapathError> {
        let stale = self.pins.stale();
        if stale.is_empty() || !self.attachments.all_run(&self.programs)? {
            return Ok(());
        }
        for directory in stale {
            let mut failures = Vec::new();
            pins::remove_directory(&directory, &mut failures);
            tracing::info!(
                directory = %directory.display(),
                failures = failures.len(),
                "removed the maps of another version"
            );
        }
        Ok(())
    }
}

/// Tells a kernel that refuses eBPF as such from one that refuses what we load.
fn refused(error: DatapathError) -> DatapathError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(now) = cause {
        match now.downcast_ref::<std::io::Error>() {
            Some(io) if io.raw_os_error() == Some(libc::EPERM) => {
                return Unavailable::Refused(std::io::Error::from_raw_os_error(libc::EPERM)).into();
            }
            _ => cause = now.source(),
        }
    }
    error
}

impl Datapath for KernelDatapath {
    fn attach(&mut self, target: &AttachTarget) -> Result<Attached, DatapathError> {
        let attached = self
            .attachments
            .attach(target, &self.programs, &mut self.statistics)?;
        self.remove_stale_maps()?;
        Ok(attached)
    }

    fn detach(&mut self, index: u32) -> Result<(), DatapathError> {
        self.attachments.detach(index, &mut self.statistics)
    }

    fn set_switches(&mut self, switches: Switches) -> Result<(), DatapathError> {
        self.control.set_switches(switches);
        Ok(())
    }

    fn load_addresses(&mut self, image: &AddressImage) -> Result<(), DatapathError> {
        self.addresses.load(&mut self.control, image)
    }

    fn load_names(&mut self, image: &NameImage) -> Result<(), DatapathError> {
        self.names.load(&mut self.control, image)
    }

    fn address_capacity(&self) -> usize {
        self.addresses.capacity()
    }

    fn name_bucket_capacity(&self) -> usize {
        self.names.capacity()
    }

    fn address_hits(&self, counters: &[u32]) -> Result<Vec<HitCounter>, DatapathError> {
        self.addresses.hits.get(counters)
    }

    fn reset_address_hits(&mut self, counters: &[u32]) -> Result<(), DatapathError> {
        self.addresses.hits.reset(counters)
    }

    fn name_hits(&self, sets: usize) -> Result<Vec<(HitCounter, HitCounter)>, DatapathError> {
        self.names.hits(sets)
    }

    fn load_policy(&mut self, images: &PolicyImages) -> Result<(), DatapathError> {
        self.policy.load(&mut self.control, images)
    }

    fn policy_revision(&self) -> Result<Option<Revision>, DatapathError> {
        self.policy.revision(&self.control)
    }

    fn policy_hits(&self, counters: &[CounterId]) -> Result<Vec<HitCounter>, DatapathError> {
        self.policy.hits.get(counters)
    }

    fn reset_policy_hits(&mut self, counters: &[CounterId]) -> Result<(), DatapathError> {
        self.policy.hits.reset(counters)
    }

    fn policy_counter_capacity(&self) -> usize {
        self.policy.hits.capacity()
    }

    fn probe(&self, frame: &[u8], interface_index: u32) -> Result<Probe, DatapathError> {
        test_run::probe(
            self.program(Hook::Xdp)?,
            self.loader.magics.probe,
            frame,
            interface_index,
        )
    }

    fn statistics(&self) -> Result<Vec<InterfaceStatistics>, DatapathError> {
        self.attachments
            .interfaces()
            .map(|(index, interface)| {
                Ok(InterfaceStatistics {
                    interface: interface.name.clone(),
                    interface_index: index,
                    cells: self.statistics.cells(interface.slot)?,
                })
            })
            .collect()
    }

    fn cache_lookups(&self) -> Result<CacheLookups, DatapathError> {
        Ok(CacheLookups {
            hits: self.statistics.forwarded(self.attachments.slots())?,
            misses: self.misses.read()?,
        })
    }

    fn cache_capacity(&self) -> u32 {
        self.caches.capacity()
    }

    fn cache_bytes(&self, connections: u32) -> u64 {
        cache_bytes(connections)
    }

    fn stage_cache(&mut self, connections: u32) -> Result<Box<dyn FlowCache>, DatapathError> {
        self.caches.stage(connections, &self.pins, &self.loader)
    }

    fn use_staged_cache(&mut self) -> Result<(), DatapathError> {
        self.caches
            .use_staged(&self.pins, &mut self.programs, &mut self.attachments)
    }

    fn drop_staged_cache(&mut self) {
        self.caches.give_up(&self.pins);
    }

    fn tune_events(&mut self, tuning: &EventTuning) -> Result<EventTuning, DatapathError> {
        self.control.set_event_rate(tuning.rate);
        self.events.tune(tuning);
        Ok(self.event_figures()?.tuning)
    }

    fn event_figures(&self) -> Result<EventFigures, DatapathError> {
        self.events.figures(self.control.event_rate())
    }

    fn programs(&self) -> Result<Vec<ProgramInfo>, DatapathError> {
        let at_work = self.attachments.at_work()?;
        let attachments = |id: u32| -> Vec<_> {
            let of_program = at_work.iter().filter(|attachment| attachment.program_id == id);
            of_program.cloned().collect()
        };
        let measured = self.run_time.is_measured();
        self.programs
            .iter()
            .map(|program| info::program(program, attachments(program.id), measured))
            .collect()
    }

    fn maps(&self) -> Result<Vec<MapInfo>, DatapathError> {
        let map = |name| match self.images(name) {
            Some((images, live)) => info::image_map(&self.pins.maps, images, live),
            None => info::map(self.pins.of(name), name, self.occupancy(name)),
        };
        self.loader.schema.names().into_iter().map(map).collect()
    }

    fn measure_run_time(&mut self, on: bool) -> Result<(), DatapathError> {
        self.run_time
            .set(on)
            .map_err(|error| DatapathError::MeasureRunTime(error.into()))
    }
}
