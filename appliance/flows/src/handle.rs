//! Asking for what is known of flows, and ending connections.

use std::sync::Arc;

use ravelin_compile::Judge;
use ravelin_datapath::{FlowCache, FlowCacheReader, FlowSummary};
use ravelin_kernel::{ConnectionKey, Conntrack, Link};
use ravelin_model::{FlowSettings, HwOffloadStatus, SyncStatus};
use ravelin_store::Store;
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;

use crate::hardware::{Hardware, HardwareFlow};
use crate::live::Desk;
use crate::sync::{Carried, Command, Commands, Move};
use crate::{Ending, FlowsError, MoveError, MovedCache};

/// What is known of the flows. Cheap to clone; keeps nothing alive.
#[derive(Debug, Clone)]
pub struct FlowsHandle {
    pub(crate) summary: watch::Receiver<FlowSummary>,
    pub(crate) sync: watch::Receiver<SyncStatus>,
    pub(crate) cache: Option<Arc<dyn FlowCacheReader>>,
    pub(crate) links: watch::Receiver<Arc<Vec<Link>>>,
    pub(crate) judge: watch::Receiver<Option<Arc<Judge>>>,
    pub(crate) store: Store,
    pub(crate) conntrack: bool,
    /// To the thread that keeps the cache; None: it could not be started.
    pub(crate) commands: Option<Commands>,
    pub(crate) carried: Carried,
    pub(crate) settings: watch::Receiver<FlowSettings>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) hardware: Hardware,
}

impl FlowsHandle {
    /// As of the last sweep; all 0 before the first.
    pub fn summary(&self) -> FlowSummary {
        *self.summary.borrow()
    }

    /// A receiver that is told after every sweep. It closes when the task ends.
    pub fn watch(&self) -> watch::Receiver<FlowSummary> {
        self.summary.clone()
    }

    /// Where the flow cache stands to conntrack. Told at every change of state and at most twice a second otherwise.
    /// It closes when the cache is no longer kept in step.
    pub fn sync(&self) -> watch::Receiver<SyncStatus> {
        self.sync.clone()
    }

    /// How forwarding by network cards goes. It closes when no card is asked any more.
    pub fn hw_offload(&self) -> watch::Receiver<HwOffloadStatus> {
        self.hardware.status.clone()
    }

    /// Connections in network cards, or that would be, in order of their ids; as of a second ago.
    pub fn hardware_flows(&self) -> Arc<Vec<HardwareFlow>> {
        self.hardware.flows.now()
    }

    /// Shows these as [`Self::hardware_flows`], where no thread asks cards: for simulations.
    pub fn simulate_hardware_flows(&self, flows: Vec<HardwareFlow>) {
        self.hardware.flows.set(flows);
    }

    /// The flow cache in use, whichever that is by then; None: there is none.
    pub fn cache_reader(&self) -> Option<Arc<dyn FlowCacheReader>> {
        self.cache.clone()
    }

    /// Whether there is a kernel to ask about connections.
    pub fn has_conntrack(&self) -> bool {
        self.conntrack
    }

    /// Takes connections out of the flow cache and keeps them out, and out of cards: when this returns, neither XDP nor a
    /// card forwards any of their packets. The reasons are for their records. They stay in conntrack.
    pub async fn take_out(&self, endings: Vec<Ending>) -> Result<(), FlowsError> {
        if !self.conntrack {
            return Err(FlowsError::NoConntrack);
        }
        let told = self.tell(|done| Command::TakeOut(endings, done)).await;
        self.hardware.look().await;
        told.ok_or(FlowsError::Ended)
    }

    /// Goes on with another flow cache, which is empty: halts the one in use, copies every connection with its counts,
    /// calls `use_it` on a thread that may block, and has XDP forward by the new one. Where any of that fails, it goes
    /// on with the old one. Meanwhile the kernel forwards everything. The move is made also where nobody waits for it.
    pub async fn move_cache(
        &self,
        cache: Box<dyn FlowCache>,
        use_it: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<MovedCache, MoveError> {
        let use_it = Box::new(use_it);
        let told = self
            .tell(|done| Command::Move(Move { cache, use_it }, done))
            .await;
        told.unwrap_or(Err(MoveError::Ended))
    }

    /// Tells the thread that keeps the cache, and waits for what it says; None: it is gone.
    async fn tell<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, answer) = oneshot::channel();
        if !self.commands.as_ref()?.send(command(done)).await {
            return None;
        }
        answer.await.ok()
    }

    /// Ends connections: takes them out of the flow cache, then out of conntrack. Answers how many conntrack had.
    pub async fn end(&self, endings: Vec<Ending>) -> Result<u64, FlowsError> {
        let keys: Vec<ConnectionKey> = endings.iter().map(Ending::key).collect();
        self.take_out(endings).await?;
        let deleted = spawn_blocking(move || Conntrack::open()?.delete(&keys)).await;
        let deleted = deleted.map_err(|_| FlowsError::Ended)??;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }

    /// Has XDP learn the way of every connection again: a list or the scope of a feature changed.
    pub fn forget_paths(&self) {
        if let Some(commands) = &self.commands {
            commands.forget_paths();
        }
    }
}
