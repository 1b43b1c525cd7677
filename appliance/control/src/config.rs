//! What control is told at start.

use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::Judge;
use ravelin_datapath::{Datapath, EventBatches, FlowSummary, FlowTimeouts};
use ravelin_kernel::{Link, Links, LoggedPacket, PacketLog};
use ravelin_model::{FlowSettings, HwOffloadStatus, SyncStatus, chain};
use ravelin_store::Store;
use tokio::sync::{mpsc, watch};

use crate::{Clock, FlowCacheKeeper, Hardware, LiveConnections, Network, NetworkDaemons, PacketFilter};

/// Limits and times.
#[derive(Debug, Clone)]
pub struct Config {
    /// Longest text of an import, in bytes.
    pub import_limit_bytes: u64,
    /// Most address entries in all lists together, where there is no data plane to say.
    pub address_capacity: usize,
    /// How often what is attached is compared with what should be.
    pub reconcile_every: Duration,
    /// When the policy is enforced.
    pub enforce: Enforce,
    /// TCP ports of this box that answer to management zones whatever the rules say.
    pub management_ports: Vec<u16>,
    /// Verdicts kept.
    pub verdict_log_rows: u64,
    /// Verdicts nftables logs in a second at most.
    pub verdict_log_rate: u32,
    /// How often hit counters of the policy are read.
    pub counters_read_every: Duration,
    /// How often they are stored.
    pub counters_saved_every: Duration,
    /// The clock schedules go by.
    pub clock: Clock,
    /// The box forwards from when the policy is in force; else that is others' business.
    pub forward: bool,
}

/// NFLOG group of verdicts.
pub const LOG_GROUP: u16 = 5;

/// When the policy is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enforce {
    /// As soon as a zone other than `local` has an interface.
    #[default]
    Zoned,
    /// From the start: without a zone, nothing passes but loopback.
    Always,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            import_limit_bytes: 256 << 20,
            address_capacity: 131_072,
            reconcile_every: Duration::from_secs(5),
            enforce: Enforce::default(),
            management_ports: vec![22, 443],
            verdict_log_rows: 100_000,
            verdict_log_rate: 1000,
            counters_read_every: Duration::from_secs(5),
            counters_saved_every: Duration::from_secs(60),
            clock: Clock::default(),
            forward: false,
        }
    }
}

/// Where the links of the machine are told.
#[derive(Debug, Clone)]
pub enum LinkSource {
    /// By the kernel.
    Kernel(Links),
    /// By whoever holds the sender, counters included.
    Told(watch::Receiver<Arc<Vec<Link>>>),
}

impl LinkSource {
    /// Links and their changes. The channel closes when nobody follows them any more.
    pub fn watch(&self) -> watch::Receiver<Arc<Vec<Link>>> {
        match self {
            Self::Kernel(links) => links.watch(),
            Self::Told(links) => links.clone(),
        }
    }

    /// Links with counters read now; where that fails, as of their last change.
    pub(crate) async fn now(&self) -> Vec<Link> {
        if let Self::Kernel(links) = self {
            match links.snapshot().await {
                Ok(links) => return links,
                Err(error) => tracing::warn!(error = chain(&error), "the links could not be read"),
            }
        }
        self.watch().borrow().to_vec()
    }
}

/// Where logged packets are told.
#[derive(Debug)]
pub enum PacketLogSource {
    /// By the kernel.
    Kernel(Box<PacketLog>),
    /// By whoever holds the sender.
    Told(mpsc::Receiver<LoggedPacket>),
}

impl PacketLogSource {
    /// The next packet; None: there will be none any more. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Option<LoggedPacket> {
        match self {
            Self::Kernel(log) => match log.next().await {
                Ok(packet) => Some(packet),
                Err(error) => {
                    tracing::error!(%error, "packets nftables logs can no longer be read");
                    None
                }
            },
            Self::Told(packets) => packets.recv().await,
        }
    }

    /// Packets that were logged and could not be read in time.
    pub(crate) fn lost(&self) -> u64 {
        match self {
            Self::Kernel(log) => log.lost(),
            Self::Told(_) => 0,
        }
    }
}

/// What control is made of.
#[derive(Debug)]
pub struct Parts {
    /// What was set over REST.
    pub store: Store,
    /// The data plane, or why there is none, to follow "there is no data plane: ".
    pub datapath: Result<Box<dyn Datapath>, String>,
    /// Events of the data plane.
    pub events: EventBatches,
    /// nftables, or why it cannot be used.
    pub packet_filter: Result<Box<dyn PacketFilter>, String>,
    /// Packets it logs.
    pub packet_log: PacketLogSource,
    /// Links of the machine.
    pub links: LinkSource,
    /// Where the flow table reads its time-outs.
    pub flow_timeouts: watch::Sender<FlowTimeouts>,
    /// Where the flow table tells what it counted.
    pub flow_summary: watch::Receiver<FlowSummary>,
    /// Where whoever keeps the flow cache reads what is to be done.
    pub flow_settings: watch::Sender<FlowSettings>,
    /// Where it reads the policy in force; None: no policy is enforced.
    pub judge: watch::Sender<Option<Arc<Judge>>>,
    /// Where it tells how it goes.
    pub sync: watch::Receiver<SyncStatus>,
    /// Where whoever has cards forward tells how that goes.
    pub hw_offload: watch::Receiver<HwOffloadStatus>,
    /// Who knows live connections; None: nobody does, and commits judge none.
    pub live: Option<Arc<dyn LiveConnections>>,
    /// Who keeps the flow cache; None: nobody does, and its size stays.
    pub flow_cache: Option<Arc<dyn FlowCacheKeeper>>,
    /// Who knows network cards; None: nobody is asked.
    pub hardware: Option<Arc<dyn Hardware>>,
    /// Who sets links, addresses and routes; None: nobody does.
    pub network: Option<Arc<dyn Network>>,
    /// Who tells daemons of others; None: there are none.
    pub network_daemons: Option<Arc<dyn NetworkDaemons>>,
    /// Limits and times.
    pub config: Config,
}
