//! The tasks of control.
//!
//! ```text
//!  ControlHandle ──Command, 64──► ┌────────┐ ──closure, 64──► thread "datapath"
//!  links (watch) ───────────────► │ engine │ ──closure, 16──► thread "nftables"
//!                                 │        │ ──transaction──► store
//!  next expiry, reconcile timer ► │        │ ──FlowTimeouts (watch)──► flow table
//!  DaemonStatus ────────────────► │        │ ──NetworkServices (watch)──► network services ──► agent
//!  SyncStatus, HwOffloadStatus ─► └────────┘ ──FlowSettings, Judge (watch)──► flow cache
//!                                     │ Snapshot (watch)        │ Event
//!                                     ├──► ControlHandle        ▼
//!                                     └──► ┌────────┐ ──────► hub (ring of 4096) ──► EventStream
//!  data plane ──EventBatch, by buffers───► │ events │ ──verdict, 1024──► ┌──────────┐
//!  nftables ──LoggedPacket, kernel───────► │        │                    │ verdicts │ ──batches──► store
//!                                          └────────┘                    └──────────┘
//! ```
//!
//! Full queues: a sender of commands or closures waits; the data plane counts events it cannot queue; a subscriber
//! of the hub that falls behind gets a gap; verdicts the store cannot keep up with are counted. Reads never pass the engine, so they do not wait for a change.

use std::sync::Arc;
use std::time::Duration;

use ravelin_kernel::Link;
use ravelin_model::{HwOffloadStatus, SyncStatus};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use crate::cards::Cards;
use crate::command::{ChangeRequest, Command, Reply};
use crate::config::Parts;
use crate::engine::{Engine, EngineParts, Flows, NetworkParts, PolicyConfig};
use crate::event_workers::{EventSinks, EventWorkers};
use crate::measure::Sources;
use crate::network::{DaemonStatus, tell_daemons};
use crate::packet_filter::Filter;
use crate::plane::Plane;
use crate::policy_counters::PolicyCounters;
use crate::snapshot::Snapshot;
use crate::stream::Hub;
use crate::tuner::{self, Meter, Objects, TunerParts};
use crate::verdicts::{self, VerdictLog};
use crate::{Config, ControlError, ControlHandle, PacketLogSource};

/// Changes waiting for the engine.
const COMMANDS: usize = 64;

/// Tasks that run behind a handle, by name. None of them ends before [`ControlHandle::shut_down`] or the loss of
/// the links, and a panic ends one: whoever supervises should then end the process, for a new one to start from
/// what is stored. Dropping this leaves them running.
pub type Tasks = [(&'static str, JoinHandle<()>); 7];

/// Reads what is stored and starts the tasks. They bring the data plane to what is stored;
/// [`ControlHandle::started`] tells when that is done.
#[allow(clippy::disallowed_methods, reason = "this is the place that spawns")]
pub async fn spawn(parts: Parts) -> Result<(ControlHandle, Tasks), ControlError> {
    let Parts {
        store,
        datapath,
        events,
        links,
        flow_timeouts,
        flow_summary,
        flow_settings,
        judge,
        sync,
        hw_offload,
        live,
        flow_cache,
        hardware,
        network,
        network_daemons,
        packet_filter,
        packet_log,
        config,
    } = parts;
    let Config {
        import_limit_bytes,
        address_capacity,
        reconcile_every,
        enforce,
        management_ports,
        verdict_log_rows,
        verdict_log_rate,
        counters_read_every,
        counters_saved_every,
        clock,
        forward,
    } = config;
    let plane = Plane::start(datapath);
    let filter = Filter::start(packet_filter);
    let counters = PolicyCounters::open(&store, plane.clone(), filter.clone()).await?;
    let hub = Hub::new();
    let figures = Arc::default();
    let services = watch::Sender::new(None);
    let wanted_services = services.subscribe();
    let (daemons, daemon_status) = watch::channel(DaemonStatus::default());
    let engine = Engine::open(EngineParts {
        store: store.clone(),
        plane: plane.clone(),
        hub: hub.clone(),
        flow_timeouts,
        flows: Flows {
            settings: flow_settings,
            judge,
            sync: sync.clone(),
            hw_offload: hw_offload.clone(),
            live,
        },
        address_capacity,
        filter: filter.clone(),
        cards: Cards::new(hardware.clone()),
        network: NetworkParts {
            network,
            links: links.clone(),
            services,
            daemons: daemon_status.clone(),
            forward,
        },
        counters: counters.clone(),
        policy_config: PolicyConfig {
            enforce,
            management_ports,
            verdict_log_rate,
            clock: clock.clone(),
        },
        figures: Arc::clone(&figures),
    })
    .await?;
    let snapshots = engine.snapshots();
    let (sender, commands) = mpsc::channel(COMMANDS);
    let (stop, stopped) = watch::channel(false);
    let inputs = Inputs {
        commands,
        links: links.watch(),
        sync: sync.clone(),
        hw_offload: hw_offload.clone(),
        daemons: daemon_status,
        stopped,
    };
    let every = Every {
        reconcile: reconcile_every,
        counters_read: counters_read_every,
        counters_saved: counters_saved_every,
    };
    let workers = EventWorkers::new();
    let meter = Meter {
        plane: plane.clone(),
        workers: workers.clone(),
        sources: Sources::new(store.clone(), snapshots.clone()),
        sync: sync.clone(),
    };
    let (tuning, tuned) = watch::channel(Arc::default());
    let tuner = TunerParts {
        objects: Objects {
            plane: plane.clone(),
            workers: workers.clone(),
            flow_cache,
            hardware: hardware.clone(),
        },
        meter: meter.clone(),
        snapshots: snapshots.clone(),
        hub: hub.clone(),
        status: tuning,
        stopped: stop.subscribe(),
    };
    let (log, logged) = VerdictLog::new(hub.clone());
    let sinks = EventSinks {
        snapshots: snapshots.clone(),
        hub: hub.clone(),
        log: log.clone(),
    };
    let tasks = [
        ("control", tokio::spawn(run(engine, inputs, every))),
        (
            "events",
            tokio::spawn(pump(
                workers.run(events, sinks),
                packet_log,
                snapshots.clone(),
                log.clone(),
            )),
        ),
        ("tuner", tokio::spawn(tuner::run(tuner))),
        ("datapath", tokio::spawn(plane.clone().ended())),
        ("nftables", tokio::spawn(filter.ended())),
        (
            "network services",
            tokio::spawn(tell_daemons(network_daemons, wanted_services, daemons)),
        ),
        (
            "verdicts",
            tokio::spawn(verdicts::store(
                logged,
                store.clone(),
                verdict_log_rows,
                log.clone(),
            )),
        ),
    ];
    let handle = ControlHandle {
        commands: sender,
        snapshots,
        plane,
        store,
        hub,
        links,
        hardware,
        flow_summary,
        sync,
        hw_offload,
        import_limit_bytes,
        counters,
        clock,
        verdicts: log,
        meter,
        figures,
        tuning: tuned,
        simulation_differences: Arc::default(),
        recovery: Arc::default(),
        stop: Arc::new(stop),
    };
    Ok((handle, tasks))
}

/// What the engine listens to.
struct Inputs {
    commands: mpsc::Receiver<Command>,
    links: watch::Receiver<Arc<Vec<Link>>>,
    sync: watch::Receiver<SyncStatus>,
    hw_offload: watch::Receiver<HwOffloadStatus>,
    daemons: watch::Receiver<DaemonStatus>,
    stopped: watch::Receiver<bool>,
}

/// How often what is done.
struct Every {
    reconcile: Duration,
    counters_read: Duration,
    counters_saved: Duration,
}

/// Ticks from one period after now on.
async fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    ticks
}

async fn run(mut engine: Engine, inputs: Inputs, every: Every) {
    let Inputs {
        mut commands,
        mut links,
        mut sync,
        mut hw_offload,
        mut daemons,
        mut stopped,
    } = inputs;
    let mut reconcile = ticks(every.reconcile).await;
    let mut counters_read = ticks(every.counters_read).await;
    let mut counters_saved = ticks(every.counters_saved).await;
    let first = Arc::clone(&links.borrow_and_update());
    engine.boot(&first).await;
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                // Told to stop just before: whoever asks hears that there is nobody any more.
                Some(_) if *stopped.borrow() => break,
                Some(command) => execute(&mut engine, command).await,
                None => break,
            },
            changed = links.changed() => {
                if changed.is_err() {
                    tracing::error!("the links of the machine can no longer be followed");
                    break;
                }
                let links = Arc::clone(&links.borrow_and_update());
                engine.follow_links(&links).await;
            }
            // Err: nobody keeps the flow cache any more; what it last told stays.
            Ok(()) = sync.changed() => engine.follow_sync().await,
            // Err: no card is asked any more.
            Ok(()) = hw_offload.changed() => engine.follow_hw_offload().await,
            // Err: nobody tells daemons any more.
            Ok(()) = daemons.changed() => engine.follow_daemons().await,
            () = sleep(engine.until_network()) => engine.bring_network().await,
            () = sleep(engine.until_expiry()) => engine.expire().await,
            () = sleep(engine.until_policy_change()) => engine.follow_time().await,
            _ = reconcile.tick() => engine.reconcile().await,
            _ = counters_read.tick() => engine.read_counters().await,
            _ = counters_saved.tick() => engine.save_counters().await,
            // Ok: told to stop. Err: every handle is gone.
            _ = stopped.changed() => break,
        }
    }
    engine.close().await;
}

async fn execute(engine: &mut Engine, command: Command) {
    let Command { actor, change } = command;
    match change {
        ChangeRequest::SetEnabled {
            feature,
            enabled,
            reply,
        } => answer(reply, engine.set_enabled(feature, enabled, &actor).await),
        ChangeRequest::SetConfig {
            config,
            precondition,
            reply,
        } => answer(reply, engine.set_config(config, precondition, &actor).await),
        ChangeRequest::SetExternal {
            name,
            external,
            reply,
        } => {
            answer(reply, engine.set_external(&name, external, &actor).await);
        }
        ChangeRequest::CreateList { list, reply } => answer(reply, engine.create_list(list, &actor).await),
        ChangeRequest::RenameList {
            id,
            name,
            precondition,
            reply,
        } => answer(reply, engine.rename_list(&id, name, precondition, &actor).await),
        ChangeRequest::DeleteList {
            id,
            precondition,
            reply,
        } => {
            answer(reply, engine.delete_list(&id, precondition, &actor).await);
        }
        ChangeRequest::CommitPolicy {
            operations,
            options,
            reply,
        } => {
            answer(reply, engine.commit_policy(operations, options, &actor).await);
        }
        ChangeRequest::RestorePolicy {
            revision,
            options,
            reply,
        } => {
            answer(reply, engine.restore_policy(revision, options, &actor).await);
        }
        ChangeRequest::Confirm { revision, reply } => {
            answer(reply, engine.confirm(revision, &actor).await);
        }
        ChangeRequest::AddEntries { id, values, reply } => {
            answer(reply, engine.add_entries(&id, &values, &actor).await);
        }
        ChangeRequest::DeleteEntry { id, entry, reply } => {
            answer(reply, engine.delete_entry(&id, entry, &actor).await);
        }
        ChangeRequest::SetTuning {
            limits,
            precondition,
            reply,
        } => answer(reply, engine.set_tuning(limits, precondition, &actor).await),
        ChangeRequest::ReplaceEntries {
            id,
            precondition,
            values,
            reply,
        } => answer(
            reply,
            engine.replace_entries(&id, precondition, &values, &actor).await,
        ),
    }
}

/// Answers whoever asked, if it is still there. A failure of the engine itself is logged here, because it must be
/// seen even where nobody is left to see the answer.
fn answer<T>(reply: Reply<T>, outcome: Result<T, ControlError>) {
    if let Err(
        error @ (ControlError::Datapath(_)
        | ControlError::Store(_)
        | ControlError::Nftables(_)
        | ControlError::ReadBack { .. }
        | ControlError::CommitFailed { .. }),
    ) = &outcome
    {
        tracing::error!(
            error = ravelin_model::chain(error),
            "a change failed; the old state stays"
        );
    }
    drop(reply.send(outcome));
}

/// Tells the events of the data plane and what nftables logs in the words of the model.
async fn pump(
    workers: impl Future<Output = ()>,
    mut packet_log: PacketLogSource,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    log: VerdictLog,
) {
    let logged = async {
        while let Some(packet) = packet_log.next().await {
            log.set_unread(packet_log.lost());
            let now = Arc::clone(&snapshots.borrow());
            log.add(verdicts::of_nftables(&packet, &now));
        }
    };
    tokio::join!(workers, logged);
}
