//! What a data plane does, whoever does it: the kernel (feature `kernel`) or memory ([`crate::simulate`]).

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ravelin_compile::{AddressImage, CounterId, NameImage, PolicyImages};
use ravelin_model::{
    Action, Attachment, InterfaceStatistics, MapInfo, ProgramInfo, Reason, Revision, ZoneNumber,
};

use crate::{DatapathError, EventBatches, FlowCache};

/// An interface to attach to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachTarget {
    /// Kernel name.
    pub name: String,
    /// Kernel index.
    pub index: u32,
    /// Faces the outside.
    pub external: bool,
}

/// What an attach came to: some hooks may have failed while others hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attached {
    /// Programs that sit on the interface now.
    pub attachments: Vec<Attachment>,
    /// What is missing and why, one sentence each.
    pub problems: Vec<String>,
}

/// Features and options of the data plane; set together, so no packet sees a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// Count packets.
    pub statistics: bool,
    /// Count flows.
    pub flow_monitoring: bool,
    /// Drop listed sources.
    pub ddos_protection: bool,
    /// … only on interfaces flagged external.
    pub ddos_external_only: bool,
    /// Block listed names.
    pub dns_blocklist: bool,
    /// … by dropping instead of answering.
    pub dns_drop: bool,
    /// Judge new connections by the policy. Off: nftables alone does.
    pub policy_classifier: bool,
    /// Forward what is in the flow cache by XDP.
    pub flow_offload: bool,
}

/// Packets and bytes of a hit counter, summed over CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HitCounter {
    /// Packets.
    pub packets: u64,
    /// Bytes, Ethernet header included.
    pub bytes: u64,
}

/// Packets the fast path looked for in the flow cache while [`Switches::statistics`] was on, since the maps were made;
/// hits of interfaces that are gone, since the start. What begins or ends connections and what it never forwards is
/// not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheLookups {
    /// Packets it forwarded.
    pub hits: u64,
    /// Packets of a shape it could have forwarded, whose connection is not in the cache.
    pub misses: u64,
}

/// How events come from the programs to whoever reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventTuning {
    /// Buffers there are for events on their way.
    pub buffers: u32,
    /// Events a buffer holds at most.
    pub batch: u32,
    /// Events each CPU may send in a second.
    pub rate: u32,
}

impl EventTuning {
    /// Bytes such buffers take together.
    pub fn bytes(&self) -> u64 {
        u64::from(self.buffers) * u64::from(self.batch) * size_of::<RawEvent>() as u64
    }
}

/// How that goes; counts are since the start, those of the programs since the maps were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFigures {
    /// Events read from the programs.
    pub read: u64,
    /// Events over the rate.
    pub suppressed: u64,
    /// Events lost: the ring was full, nobody read them, or nobody could.
    pub lost: u64,
    /// Buffers that were free when one was needed.
    pub buffer_hits: u64,
    /// Times none was, and events waited in the ring.
    pub buffer_misses: u64,
    /// Batches handed on.
    pub batches: u64,
    /// Batches that wait for whoever reads them.
    pub waiting: u64,
    /// Bytes all buffers take.
    pub bytes: u64,
    /// What is in force.
    pub tuning: EventTuning,
}

/// What the classifier made of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Classification {
    /// It did not look at it, or cannot tell: nftables walks its chains.
    #[default]
    None,
    /// It found a rule that only nftables can decide by.
    Deferred,
    /// It found what decides.
    Decided {
        /// What becomes of a new connection.
        action: Action,
        /// What the deciding line counts on.
        counter: CounterId,
    },
}

/// What the loaded programs would do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Whether XDP drops or answers it, and why.
    pub reason: Reason,
    /// What the policy says.
    pub classification: Classification,
    /// The mark nftables would see; 0: none.
    pub mark: u32,
    /// Zone of the interface it comes in by, as far as the classifier came.
    pub from: Option<ZoneNumber>,
    /// Zone it would leave by, as far as the classifier came.
    pub to: Option<ZoneNumber>,
    /// Destination after translation, as far as the classifier came.
    pub destination: Option<IpAddr>,
    /// Destination port after translation; 0 where the protocol has none.
    pub destination_port: u16,
}

/// A data plane. Calls block for microseconds to milliseconds: call from a thread that may.
///
/// A data plane starts with what an earlier process left in it, or empty. Call [`Self::load_addresses`],
/// [`Self::load_names`] and [`Self::set_switches`] first and [`Self::attach`] afterwards: programs of an earlier
/// process stay at work with their own tables until their interface is attached anew, so that no packet meets
/// an empty list.
pub trait Datapath: Send + fmt::Debug {
    /// Attaches the programs to an interface, or refreshes what is attached. Idempotent.
    /// Adopts links an earlier process left pinned, without a gap.
    fn attach(&mut self, target: &AttachTarget) -> Result<Attached, DatapathError>;

    /// Forgets an interface that is gone or shall no longer be looked at.
    fn detach(&mut self, index: u32) -> Result<(), DatapathError>;

    /// Sets every switch with one store.
    fn set_switches(&mut self, switches: Switches) -> Result<(), DatapathError>;

    /// Fills the inactive half of the address index and makes it the live one. Returns when no packet
    /// uses the old half any more.
    fn load_addresses(&mut self, image: &AddressImage) -> Result<(), DatapathError>;

    /// The same for the name table. The hit counters of the sets start anew at 0.
    fn load_names(&mut self, image: &NameImage) -> Result<(), DatapathError>;

    /// Most entries [`Self::load_addresses`] takes, which is also the number of hit counters.
    fn address_capacity(&self) -> usize;

    /// Most buckets [`Self::load_names`] takes.
    fn name_bucket_capacity(&self) -> usize;

    /// Hits of address entries since the counter was last reset, by counter.
    fn address_hits(&self, counters: &[u32]) -> Result<Vec<HitCounter>, DatapathError>;

    /// Sets a counter to 0, before an entry gets it.
    fn reset_address_hits(&mut self, counters: &[u32]) -> Result<(), DatapathError>;

    /// Queries matched by set number, for the first `sets` of the live name table: (the name itself, names
    /// below it).
    fn name_hits(&self, sets: usize) -> Result<Vec<(HitCounter, HitCounter)>, DatapathError>;

    /// Puts images into the free rows of the policy's maps and makes them the live ones with one store. Returns when
    /// no packet uses the old ones any more. Classes that are live already, the same [`std::sync::Arc`], are not
    /// copied again.
    fn load_policy(&mut self, images: &PolicyImages) -> Result<(), DatapathError>;

    /// Revision of the policy that is live, read from the data plane; None before this process loaded one.
    fn policy_revision(&self) -> Result<Option<Revision>, DatapathError>;

    /// Packets the programs dropped by the policy, by counter, since the counter was last reset.
    fn policy_hits(&self, counters: &[CounterId]) -> Result<Vec<HitCounter>, DatapathError>;

    /// Sets counters to 0, before a line of the policy gets them.
    fn reset_policy_hits(&mut self, counters: &[CounterId]) -> Result<(), DatapathError>;

    /// How many counters the policy may use: ids are below it.
    fn policy_counter_capacity(&self) -> usize;

    /// Runs the loaded XDP program on a frame that comes in on an interface of this network namespace, without a
    /// trace: no counter, no flow, no event.
    fn probe(&self, frame: &[u8], interface_index: u32) -> Result<Probe, DatapathError>;

    /// Statistics of every attached interface.
    fn statistics(&self) -> Result<Vec<InterfaceStatistics>, DatapathError>;

    /// What the fast path found and did not find.
    fn cache_lookups(&self) -> Result<CacheLookups, DatapathError>;

    /// Connections of each family that fit into the flow cache the programs use.
    fn cache_capacity(&self) -> u32;

    /// Bytes a flow cache takes for so many connections of each family.
    fn cache_bytes(&self, connections: u32) -> u64;

    /// Makes an empty flow cache for so many connections of each family, and programs that use it, beside the ones at
    /// work. No packet meets either before [`Self::use_staged_cache`]. One that was staged before is given up.
    fn stage_cache(&mut self, connections: u32) -> Result<Box<dyn FlowCache>, DatapathError>;

    /// Has every interface run the programs that use the staged cache, and gives up the old one. Where that fails,
    /// all of them run the old programs, and the staged cache is given up.
    fn use_staged_cache(&mut self) -> Result<(), DatapathError>;

    /// Gives up the staged cache, if there is one.
    fn drop_staged_cache(&mut self);

    /// Changes how events are read, as far as it can; what is in force afterwards, read back.
    fn tune_events(&mut self, tuning: &EventTuning) -> Result<EventTuning, DatapathError>;

    /// How reading events goes.
    fn event_figures(&self) -> Result<EventFigures, DatapathError>;

    /// Programs loaded.
    fn programs(&self) -> Result<Vec<ProgramInfo>, DatapathError>;

    /// Maps loaded.
    fn maps(&self) -> Result<Vec<MapInfo>, DatapathError>;

    /// Has the kernel time program runs, or not.
    fn measure_run_time(&mut self, on: bool) -> Result<(), DatapathError>;
}

/// Idle time after which an entry of the flow map goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowTimeouts {
    /// TCP, ACK seen, neither FIN nor RST.
    pub tcp_established: Duration,
    /// Other TCP.
    pub tcp_transitory: Duration,
    /// UDP.
    pub udp: Duration,
    /// Everything else.
    pub other: Duration,
}

/// What a sweep of the flow maps saw. One entry is one direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowSweep {
    /// IPv4 entries that stay.
    pub entries4: u64,
    /// IPv6 entries that stay.
    pub entries6: u64,
    /// Of those, TCP established.
    pub tcp_established: u64,
    /// Of those, TCP opening or closing.
    pub tcp_transitory: u64,
    /// Of those, UDP.
    pub udp: u64,
    /// Of those, the rest.
    pub other: u64,
    /// Entries removed because they were idle too long.
    pub expired: u64,
    /// Capacity of each map.
    pub capacity: u64,
}

/// What is known of the flow maps since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowSummary {
    /// The last sweep that succeeded.
    pub last: FlowSweep,
    /// Entries removed by all sweeps.
    pub expired: u64,
    /// Sweeps that succeeded.
    pub sweeps: u64,
    /// Sweeps that failed.
    pub failures: u64,
    /// Time the last sweep took.
    pub duration: Duration,
}

/// The flow maps; the owner is their only writer in user space.
pub trait FlowTable: Send + fmt::Debug {
    /// Counts the entries and removes those idle longer than their time-out.
    fn sweep(&mut self, timeouts: &FlowTimeouts) -> Result<FlowSweep, DatapathError>;
}

/// An event as the data plane tells it; names of lists and interfaces are the reader's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent(pub ravelin_abi::rv_event);

/// The parts of a loaded data plane.
#[derive(Debug)]
pub struct Loaded {
    /// Programs, switches, lists, statistics.
    pub datapath: Box<dyn Datapath>,
    /// Flow maps.
    pub flows: Box<dyn FlowTable>,
    /// Connections XDP may forward.
    pub cache: Box<dyn FlowCache>,
    /// Events of the ring buffer. Where a reader falls behind until buffers and ring are full events are lost, which is
    /// counted in [`Datapath::event_figures`].
    pub events: EventBatches,
}
