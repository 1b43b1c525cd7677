//! The two tasks of control.
//!
//! ```text
//!  ControlHandle ──Command, 64──► ┌────────┐ ──closure, 64──► thread "datapath"
//!  links (watch) ───────────────► │ engine │ ──transaction──► store
//!  next expiry, reconcile timer ► └────────┘ ──FlowTimeouts (watch)──► flow table
//!                                     │ Snapshot (watch)        │ Event
//!                                     ├──► ControlHandle        ▼
//!                                     └──► ┌────────┐ ──────► hub (ring of 4096) ──► EventStream
//!  data plane ──RawEvent, 1024───────────► │ events │
//!                                          └────────┘
//! ```
//!
//! Full queues: a sender of commands or closures waits; the data plane counts events it cannot queue; a subscriber
//! of the hub that falls behind gets a gap. Reads never pass the engine, so they do not wait for a change.

use std::sync::Arc;

use ravelin_datapath::RawEvent;
use ravelin_kernel::Link;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::command::{ChangeRequest, Command, Reply};
use crate::config::Parts;
use crate::engine::{Engine, EngineParts};
use crate::plane::Plane;
use crate::snapshot::Snapshot;
use crate::stream::Hub;
use crate::{Config, ControlError, ControlHandle, events};

/// Changes waiting for the engine.
const COMMANDS: usize = 64;

/// Tasks that run behind a handle, by name. None of them ends before [`ControlHandle::shut_down`] or the loss of
/// the links, and a panic ends one: whoever supervises should then end the process, for a new one to start from
/// what is stored. Dropping this leaves them running.
pub type Tasks = [(&'static str, JoinHandle<()>); 3];

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
        config,
    } = parts;
    let Config {
        import_limit_bytes,
        address_capacity,
        reconcile_every,
    } = config;
    let plane = Plane::start(datapath);
    let hub = Hub::new();
    let engine = Engine::open(EngineParts {
        store: store.clone(),
        plane: plane.clone(),
        hub: hub.clone(),
        flow_timeouts,
        address_capacity,
    })
    .await?;
    let snapshots = engine.snapshots();
    let (sender, commands) = mpsc::channel(COMMANDS);
    let (stop, stopped) = watch::channel(false);
    let inputs = Inputs {
        commands,
        links: links.watch(),
        stopped,
    };
    let tasks = [
        ("control", tokio::spawn(run(engine, inputs, reconcile_every))),
        (
            "events",
            tokio::spawn(pump(events, snapshots.clone(), hub.clone())),
        ),
        ("datapath", tokio::spawn(plane.clone().ended())),
    ];
    let handle = ControlHandle {
        commands: sender,
        snapshots,
        plane,
        store,
        hub,
        links,
        flow_summary,
        import_limit_bytes,
        stop: Arc::new(stop),
    };
    Ok((handle, tasks))
}

/// What the engine listens to.
struct Inputs {
    commands: mpsc::Receiver<Command>,
    links: watch::Receiver<Arc<Vec<Link>>>,
    stopped: watch::Receiver<bool>,
}

async fn run(mut engine: Engine, inputs: Inputs, reconcile_every: std::time::Duration) {
    let Inputs {
        mut commands,
        mut links,
        mut stopped,
    } = inputs;
    let mut reconcile = interval(reconcile_every);
    reconcile.set_missed_tick_behavior(MissedTickBehavior::Delay);
    reconcile.tick().await;
    let first = Arc::clone(&links.borrow_and_update());
    engine.boot(&first).await;
    loop {
        tokio::select! {
            command = commands.recv() => match command {
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
            () = sleep(engine.until_expiry()) => engine.expire().await,
            _ = reconcile.tick() => engine.reconcile().await,
            // Ok: told to stop. Err: every handle is gone.
            _ = stopped.changed() => break,
        }
    }
    engine.close();
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
        ChangeRequest::AddEntries { id, values, reply } => {
            answer(reply, engine.add_entries(&id, &values, &actor).await);
        }
        ChangeRequest::DeleteEntry { id, entry, reply } => {
            answer(reply, engine.delete_entry(&id, entry, &actor).await);
        }
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
    if let Err(error @ (ControlError::Datapath(_) | ControlError::Store(_))) = &outcome {
        tracing::error!(
            error = ravelin_model::chain(error),
            "a change failed; the old state stays"
        );
    }
    drop(reply.send(outcome));
}

/// Tells the data plane's events in the words of the model.
async fn pump(mut events: mpsc::Receiver<RawEvent>, snapshots: watch::Receiver<Arc<Snapshot>>, hub: Hub) {
    while let Some(RawEvent(raw)) = events.recv().await {
        let now = Arc::clone(&snapshots.borrow());
        match events::event(&raw, &now) {
            Some(event) => hub.publish(event),
            None => tracing::debug!(
                kind = raw.kind,
                version = raw.version,
                "unknown event of the data plane"
            ),
        }
    }
    // Without a data plane there are no events, and that is no reason to end the process.
    std::future::pending::<()>().await;
}
