//! Verdicts of lines that are logged: into the stream of events, and into a bounded log in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ravelin_abi::rv_mark;
use ravelin_compile::CounterId;
use ravelin_kernel::LoggedPacket;
use ravelin_model::{Action, Event, PolicyVerdict, VerdictBackend, VerdictLine, ZoneId, ZoneNumber, chain};
use ravelin_store::Store;
use time::OffsetDateTime;
use tokio::sync::mpsc;

use crate::snapshot::Snapshot;
use crate::stream::Hub;

/// Verdicts waiting to be stored.
const QUEUE: usize = 1024;

/// Verdicts stored in one transaction.
const BATCH: usize = 256;

/// Verdicts with the time they were heard of.
type Logged = (OffsetDateTime, PolicyVerdict);

/// Where verdicts go. Never waits: what the store cannot keep up with is counted. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct VerdictLog {
    hub: Hub,
    queue: mpsc::Sender<Logged>,
    lost: Arc<AtomicU64>,
    /// Logged by nftables and not read in time.
    unread: Arc<AtomicU64>,
}

impl VerdictLog {
    /// A log, and what is to be stored.
    pub(crate) fn new(hub: Hub) -> (Self, mpsc::Receiver<Logged>) {
        let (queue, logged) = mpsc::channel(QUEUE);
        let log = Self {
            hub,
            queue,
            lost: Arc::default(),
            unread: Arc::default(),
        };
        (log, logged)
    }

    pub(crate) fn add(&self, verdict: PolicyVerdict) {
        if self
            .queue
            .try_send((OffsetDateTime::now_utc(), verdict.clone()))
            .is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.hub.publish(Event::PolicyVerdict(verdict));
    }

    pub(crate) fn set_unread(&self, packets: u64) {
        self.unread.store(packets, Ordering::Relaxed);
    }

    /// Verdicts that are not in the store.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed) + self.unread.load(Ordering::Relaxed)
    }
}

/// Stores verdicts as they come, as many at a time as there are.
pub(crate) async fn store(mut logged: mpsc::Receiver<Logged>, store: Store, keep: u64, log: VerdictLog) {
    let lost = Arc::clone(&log.lost);
    drop(log);
    let mut batch = Vec::with_capacity(BATCH);
    while logged.recv_many(&mut batch, BATCH).await > 0 {
        if let Err(error) = store.append_verdicts(&batch, keep).await {
            lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
            tracing::warn!(error = chain(&error), "verdicts could not be stored");
        }
        batch.clear();
    }
    std::future::pending::<()>().await;
}

/// What nftables logged, in the words of the model.
pub(crate) fn of_nftables(packet: &LoggedPacket, now: &Snapshot) -> PolicyVerdict {
    let LoggedPacket {
        at: _,
        revision,
        mark,
        input: interface_index,
        output: _,
        source,
        destination,
        protocol,
        source_port,
        destination_port,
        packet_bytes,
    } = *packet;
    let (line, known) = line(mark & rv_mark::RV_MARK_COUNTER, now).unzip();
    let to = (mark & rv_mark::RV_MARK_TO_ZONE) >> rv_mark::RV_MARK_TO_ZONE_SHIFT;
    let action = match mark >> rv_mark::RV_MARK_VERDICT_SHIFT {
        1 => Some(Action::Accept),
        2 => Some(Action::Drop),
        3 => Some(Action::Reject),
        _ => known,
    };
    let enforced = now.enforced.as_ref();
    let from = match interface_index {
        None => Some(ZoneNumber::LOCAL),
        Some(index) => enforced.and_then(|enforced| enforced.ruleset.zone_of_interface.get(&index).copied()),
    };
    PolicyVerdict {
        action: action.unwrap_or(Action::Drop),
        line,
        revision,
        backend: VerdictBackend::Nftables,
        from: from.and_then(|from| zone(from.get(), now)),
        to: u8::try_from(to).ok().and_then(|to| zone(to, now)),
        interface: interface_index
            .and_then(|index| now.ports.get(&index))
            .map(|port| port.target.name.clone()),
        source,
        destination,
        protocol,
        source_port,
        destination_port,
        packet_bytes,
    }
}

/// What counts on a counter, and what becomes of its packets.
pub(crate) fn line(counter: CounterId, now: &Snapshot) -> Option<(VerdictLine, Action)> {
    now.enforced.as_ref()?.lines.get(&counter).cloned()
}

/// The zone with that number.
pub(crate) fn zone(number: u8, now: &Snapshot) -> Option<ZoneId> {
    let number = ZoneNumber::new(number.into())?;
    let zone = now.enforced.as_ref()?.ruleset.zones.get(&number)?;
    Some(zone.id.clone())
}
