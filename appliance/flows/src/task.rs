//! Starting everything of this crate.
//!
//! ```text
//! control ── FlowTimeouts (watch) ──► sweep ──────────── FlowSummary (watch) ──► control, metrics
//!         ── FlowSettings (watch) ─┬► thread "conntrack" ── SyncStatus (watch) ──► control, metrics
//! kernel ─── links (watch) ────────┤        │ Ended, bounded, never waits
//!                                  ├► thread "hardware" ─── HwOffloadStatus (watch) ──► control, metrics
//!                                  └► records ──► store, collector
//! ```

use std::io;
use std::sync::Arc;
use std::thread;

use ravelin_datapath::FlowSummary;
use ravelin_kernel::Link;
use ravelin_model::{FlowSettings, SyncStatus};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::hardware::{Hardware, HardwareInputs};
use crate::live::Desk;
use crate::records::{self, RecordParts, RecordSink};
use crate::sync::{Cache, Carried, CommandReceiver, Commands, Follower, Inputs, simulated};
use crate::{FlowsHandle, Parts, sweep};

/// Tasks that run behind a handle, by name. None of them ends before the sender of the time-outs or of the settings
/// is dropped; a panic ends one.
pub type Tasks = Vec<(&'static str, JoinHandle<()>)>;

/// The task that has cards forward; where cards are asked. When it has ended, nothing of ours is in a card.
pub const CARDS: &str = "hardware";

/// Starts following flows. The thread that follows conntrack is of the network namespace of the calling thread.
#[allow(
    clippy::disallowed_methods,
    reason = "the tasks of this crate are spawned here"
)]
pub fn spawn(parts: Parts) -> (FlowsHandle, Tasks) {
    let Parts {
        table,
        timeouts,
        cache,
        links,
        settings,
        judge,
        store,
        conntrack,
        event_buffer_bytes,
    } = parts;
    let (summary_sender, summary) = watch::channel(FlowSummary::default());
    let (status, sync) = watch::channel(SyncStatus::default());
    let mut tasks: Tasks = Vec::new();
    if let Some(table) = table {
        tasks.push(("flows", tokio::spawn(sweep::run(table, timeouts, summary_sender))));
    }
    let (records, task) = records::spawn(RecordParts {
        store: store.clone(),
        settings: settings.clone(),
        judge: judge.clone(),
    });
    tasks.push(("flow records", task));
    let cache = cache.map(Cache::new);
    let reader = cache.as_ref().map(Cache::reader);
    let carried = Carried::default();
    let started = Commands::new().and_then(|(commands, receiver)| {
        if conntrack {
            let following = Following {
                cache,
                links: links.clone(),
                settings: settings.clone(),
                commands: receiver,
                carried: carried.clone(),
                records,
                status,
                event_buffer_bytes,
            };
            let ended = following.start()?;
            tasks.push(("conntrack", tokio::spawn(async move { drop(ended.await) })));
            tasks.push((
                "conntrack settings",
                tokio::spawn(ring(settings.clone(), links.clone(), commands.clone())),
            ));
        } else {
            let simulated = simulated(cache, settings.clone(), links.clone(), receiver, status);
            tasks.push((
                "conntrack",
                tokio::spawn(async move {
                    simulated.await;
                    // The task of the records ends when nobody has any for it.
                    drop(records);
                }),
            ));
        }
        Ok(commands)
    });
    let commands = started
        .inspect_err(|error| {
            // A task that must not end has ended: whoever supervises ends the process.
            tracing::error!(%error, "the thread that follows conntrack could not be started");
            tasks.push(("conntrack", tokio::spawn(std::future::ready(()))));
        })
        .ok();
    let hardware = if conntrack {
        let inputs = HardwareInputs {
            cache: reader.clone(),
            links: links.clone(),
            settings: settings.clone(),
            sync: sync.clone(),
            carried: carried.clone(),
        };
        match Hardware::start(inputs) {
            Ok((hardware, ended)) => {
                tasks.push((CARDS, tokio::spawn(async move { drop(ended.await) })));
                hardware
            }
            Err(error) => Hardware::none(&format!("its thread could not be started: {error}")),
        }
    } else {
        Hardware::none("the data plane is simulated: no card is asked")
    };
    let handle = FlowsHandle {
        summary,
        sync,
        cache: reader,
        links,
        judge,
        store,
        conntrack,
        commands,
        carried,
        settings,
        desk: Arc::<Desk>::default(),
        hardware,
    };
    (handle, tasks)
}

/// What the thread that follows conntrack gets.
struct Following {
    cache: Option<Cache>,
    links: watch::Receiver<Arc<Vec<Link>>>,
    settings: watch::Receiver<FlowSettings>,
    commands: CommandReceiver,
    carried: Carried,
    records: RecordSink,
    status: watch::Sender<SyncStatus>,
    event_buffer_bytes: usize,
}

impl Following {
    /// Starts the thread; the receiver is told when it has ended, however it did.
    fn start(self) -> io::Result<oneshot::Receiver<()>> {
        let Self {
            cache,
            links,
            settings,
            commands,
            carried,
            records,
            status,
            event_buffer_bytes,
        } = self;
        let follower = Follower::new(Inputs {
            cache,
            links,
            settings,
            commands,
            carried,
            records,
            status,
            event_buffer_bytes,
        });
        let (alive, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("conntrack".to_owned())
            .spawn(move || {
                let _alive = alive;
                follower.run();
            })?;
        Ok(ended)
    }
}

/// Wakes the thread whenever there is something new for it.
async fn ring(
    mut settings: watch::Receiver<FlowSettings>,
    mut links: watch::Receiver<Arc<Vec<Link>>>,
    commands: Commands,
) {
    loop {
        let over = tokio::select! {
            changed = settings.changed() => changed.is_err(),
            // Where links can be followed no longer, those of the end stay.
            Ok(()) = links.changed() => false,
        };
        commands.wake();
        if over {
            return;
        }
    }
}
