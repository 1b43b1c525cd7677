//! nftables, or what stands for it in tests, on a thread of its own: its calls block.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::thread;

use ravelin_compile::{CounterId, NftRuleset};
use ravelin_datapath::HitCounter;
use ravelin_kernel::{KernelError, Nftables, PacketCount};
use ravelin_model::Revision;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::ControlError;

/// Why a call failed.
pub type PacketFilterError = Box<dyn Error + Send + Sync>;

/// The packet filter behind eBPF. It holds what an earlier process left in it until it is told something else. Calls
/// block for milliseconds to seconds: call from a thread that may.
pub trait PacketFilter: Send + fmt::Debug {
    /// Makes this the table, in one transaction: all of it or nothing. What was counted stays counted.
    fn apply(&mut self, wanted: &Arc<NftRuleset>) -> Result<(), PacketFilterError>;

    /// Takes the table away: every packet passes.
    fn remove(&mut self) -> Result<(), PacketFilterError>;

    /// Asks the filter itself which revision its table is; None: there is no table.
    fn revision(&mut self) -> Result<Option<Revision>, PacketFilterError>;

    /// Packets and bytes by counter since it was made.
    fn counters(&mut self) -> Result<Vec<(CounterId, HitCounter)>, PacketFilterError>;

    /// Whether the kernel could forward packets of known connections by a flowtable.
    fn has_flowtables(&mut self) -> Result<bool, PacketFilterError>;

    /// Another text than before where the counters started anew: after a reboot, or when the table was made anew.
    fn epoch(&mut self) -> Result<String, PacketFilterError>;
}

/// The table of nftables in this network namespace.
#[derive(Debug)]
pub struct KernelFilter {
    nftables: Nftables,
    /// Whoever calls blocks; the socket needs a runtime all the same.
    runtime: Handle,
    boot: String,
}

impl KernelFilter {
    /// Opens the way to the table and changes nothing. To be called on a runtime that outlives the filter.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self {
            nftables: Nftables::open()?,
            runtime: Handle::current(),
            boot: boot_id(),
        })
    }
}

/// Another text after every boot (random(4)).
pub(crate) fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

impl PacketFilter for KernelFilter {
    fn apply(&mut self, wanted: &Arc<NftRuleset>) -> Result<(), PacketFilterError> {
        let applied = self.runtime.block_on(self.nftables.apply(wanted))?;
        tracing::debug!(
            revision = wanted.revision().0,
            added = applied.added,
            removed = applied.removed,
            duration_ms = applied.duration.as_millis(),
            "the table of nftables was changed"
        );
        Ok(())
    }

    fn remove(&mut self) -> Result<(), PacketFilterError> {
        Ok(self.runtime.block_on(self.nftables.remove())?)
    }

    fn revision(&mut self) -> Result<Option<Revision>, PacketFilterError> {
        Ok(self.runtime.block_on(self.nftables.revision())?)
    }

    fn counters(&mut self) -> Result<Vec<(CounterId, HitCounter)>, PacketFilterError> {
        let counters = self.runtime.block_on(self.nftables.counters())?;
        let counters = counters
            .into_iter()
            .map(|(counter, PacketCount { packets, bytes })| (counter, HitCounter { packets, bytes }));
        Ok(counters.collect())
    }

    fn has_flowtables(&mut self) -> Result<bool, PacketFilterError> {
        Ok(self.runtime.block_on(self.nftables.has_flowtables())?)
    }

    fn epoch(&mut self) -> Result<String, PacketFilterError> {
        // A table that was made anew shows less than before, which says as much.
        Ok(self.boot.clone())
    }
}

type Job = Box<dyn FnOnce(&mut dyn PacketFilter) + Send>;

/// Calls waiting for the thread. Senders wait when it is full.
const QUEUE: usize = 16;

/// Asks the filter, or says why there is none. Cheap to clone; the thread ends with the last clone.
#[derive(Clone)]
pub(crate) struct Filter {
    jobs: Result<mpsc::Sender<Job>, Arc<str>>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("missing", &self.missing())
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Moves the filter to its thread; the text says why there is none.
    pub(crate) fn start(filter: Result<Box<dyn PacketFilter>, String>) -> Self {
        let started = filter.and_then(|mut filter| {
            let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE);
            thread::Builder::new()
                .name("nftables".to_owned())
                .spawn(move || {
                    while let Some(job) = jobs.blocking_recv() {
                        job(filter.as_mut());
                    }
                })
                .map_err(|error| format!("its thread could not be started: {error}"))?;
            Ok(sender)
        });
        Self {
            jobs: started.map_err(Into::into),
        }
    }

    /// Why there is no filter; None where there is one.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.jobs.as_ref().err().map(|reason| &**reason)
    }

    /// Returns when the thread has ended, which it does only by a panic; never without a filter. Keeps the thread
    /// running as long as it waits.
    pub(crate) async fn ended(self) {
        match &self.jobs {
            Ok(jobs) => jobs.closed().await,
            Err(_) => std::future::pending().await,
        }
    }

    /// Runs `call` on the thread, after the calls that came before.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut dyn PacketFilter) -> Result<T, PacketFilterError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let missing = |reason: &str| ControlError::Nftables(reason.to_owned().into());
        let jobs = self.jobs.as_ref().map_err(|reason| missing(reason))?;
        let gone = || missing("its thread has ended");
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |filter| {
            // Whoever asked may have gone away; the call itself still had to be made.
            drop(reply.send(call(filter)));
        });
        jobs.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.map_err(ControlError::Nftables)
    }
}

/// A filter that holds its table in memory and touches no packet: for the simulated data plane.
#[derive(Debug, Default)]
pub struct SimulatedFilter {
    table: Option<Arc<NftRuleset>>,
}

impl PacketFilter for SimulatedFilter {
    fn apply(&mut self, wanted: &Arc<NftRuleset>) -> Result<(), PacketFilterError> {
        self.table = Some(Arc::clone(wanted));
        Ok(())
    }

    fn remove(&mut self) -> Result<(), PacketFilterError> {
        self.table = None;
        Ok(())
    }

    fn revision(&mut self) -> Result<Option<Revision>, PacketFilterError> {
        Ok(self.table.as_ref().map(|table| table.revision()))
    }

    fn counters(&mut self) -> Result<Vec<(CounterId, HitCounter)>, PacketFilterError> {
        Ok(Vec::new())
    }

    fn has_flowtables(&mut self) -> Result<bool, PacketFilterError> {
        Ok(false)
    }

    fn epoch(&mut self) -> Result<String, PacketFilterError> {
        Ok("simulated".to_owned())
    }
}
