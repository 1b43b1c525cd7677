//! Starting, wiring and ending the engine.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use ravelin_api_server::{AppState, Limits, Secrets, SecretsError};
use ravelin_control::{
    ControlError, Hardware, KernelFilter, KernelHardware, KernelNetwork, LOG_GROUP, LinkSource, Network,
    PacketFilter, PacketLogSource, SimulatedFilter, SimulatedHardware, SimulatedNetwork,
};
use ravelin_datapath::FlowTimeouts;
use ravelin_kernel::{Links, PacketLog};
use ravelin_model::{FlowSettings, chain};
use ravelin_store::{Store, StoreError};
use ravelin_system::Slot;
use sd_notify::NotifyState;
use thiserror::Error;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::config::{Config, DatapathKind, Enforce};
use crate::connections::Followed;
use crate::datapath::{self, Parts};
use crate::directories::{self, DirectoryError, StateDirectory};
use crate::machine;
use crate::network_daemons::network_daemons;
use crate::privileges::{self, PrivilegeError};
use crate::recovery::{self, Start};
use crate::sockets::{self, Socket, SocketError};
use crate::supervise::Supervisor;

/// The task that keeps what is gone back to.
const RECOVERY: &str = "recovery";

/// Longest wait for tasks to end before the store is closed. The server cuts connections after five seconds.
const END: Duration = Duration::from_secs(10);

/// Why the engine does not run.
#[derive(Debug, Error)]
pub enum EngineError {
    /// Of the directories.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Of the sockets.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Of the privileges.
    #[error(transparent)]
    Privileges(#[from] PrivilegeError),
    /// Threads or signals.
    #[error("{action}")]
    Runtime {
        /// What was to be done.
        action: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of the secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// Of control.
    #[error("start control")]
    Control(#[source] ControlError),
    /// A task that must not end has ended; the log says how.
    #[error("the task '{0}' has ended")]
    TaskEnded(&'static str),
}

/// Runs the engine until it is told to stop. What needs privileges comes first and on one thread, then they go.
pub fn run(config: &Config, slot: Option<Slot>) -> Result<(), EngineError> {
    // Before anything is held that it would inherit.
    let run_time_helper = datapath::start_run_time_helper(config);
    let state = StateDirectory::lock(&config.state_dir)?;
    directories::make_run_dir(&config.run_dir)?;
    // From here on files, sockets among them, are nobody else's business until their mode is set.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let mut sockets = vec![sockets::administrators(&config.run_dir, &config.group)?];
    sockets.extend(sockets::gateway(&config.run_dir, &config.gateway_user)?);
    privileges::drop_all_but(privileges::ENGINE, privileges::ENGINE_CHILDREN)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| EngineError::Runtime {
            action: "start the threads",
            source,
        })?;
    runtime.block_on(Box::pin(serve(config, slot, &state, sockets, run_time_helper)))
}

async fn serve(
    config: &Config,
    slot: Option<Slot>,
    state: &StateDirectory,
    sockets: Vec<Socket>,
    run_time_helper: Option<UnixStream>,
) -> Result<(), EngineError> {
    let mut signals = Signals::listen()?;
    let (mut start, store) = match slot {
        None => (None, Store::open(&state.store()).await?),
        Some(slot) => {
            let (start, store) = Start::open(config, slot).await?;
            (Some(start), store)
        }
    };
    let secrets = Secrets::load_or_create(state.path())?;
    if let Some(token) = secrets.new_admin_token() {
        tracing::info!(
            token = token.reveal(),
            "made the admin token; it is shown this once, and kept in admin-token"
        );
    }
    let mut supervisor = Supervisor::default();
    let (_links_kept, links) = follow_links().await;
    let Parts {
        datapath,
        flows,
        cache,
        events,
    } = datapath::load(config, run_time_helper);
    let (packet_filter, packet_log) = packet_filter(config.datapath).await;
    let (flow_timeouts, timeouts) = watch::channel(LONGEST_TIMEOUTS);
    let (flow_settings, settings) = watch::channel(FlowSettings::default());
    let (judge, judged_by) = watch::channel(None);
    let (flows, flow_tasks) = ravelin_flows::spawn(ravelin_flows::Parts {
        table: flows,
        timeouts,
        cache,
        links: links.watch(),
        settings,
        judge: judged_by,
        store: store.clone(),
        conntrack: config.datapath == DatapathKind::Kernel,
        event_buffer_bytes: usize::try_from(config.flows.event_buffer_bytes).unwrap_or(usize::MAX),
    });
    let cards = flow_tasks
        .iter()
        .map(|(name, _)| *name)
        .find(|name| *name == ravelin_flows::CARDS);
    for (name, task) in flow_tasks {
        supervisor.adopt(name, task);
    }
    let parts = ravelin_control::Parts {
        store: store.clone(),
        datapath,
        events,
        packet_filter,
        packet_log,
        links,
        flow_timeouts,
        flow_summary: flows.watch(),
        flow_settings,
        judge,
        sync: flows.sync(),
        hw_offload: flows.hw_offload(),
        live: Some(Arc::new(Followed(flows.clone()))),
        flow_cache: Some(Arc::new(Followed(flows.clone()))),
        hardware: Some(hardware(config.datapath)),
        network: Some(network(config.datapath)),
        network_daemons: network_daemons(&config.network.agent_socket),
        config: ravelin_control::Config {
            import_limit_bytes: config.import_limit_bytes,
            address_capacity: usize::try_from(config.capacity.addresses).unwrap_or(usize::MAX),
            enforce: match config.policy.enforce {
                Enforce::Zoned => ravelin_control::Enforce::Zoned,
                Enforce::Always => ravelin_control::Enforce::Always,
            },
            management_ports: config.policy.management_ports.clone(),
            forward: config.network.forwarding,
            verdict_log_rows: config.policy.verdict_log_rows,
            verdict_log_rate: config.policy.verdict_log_rate,
            ..ravelin_control::Config::default()
        },
    };
    let (control, tasks) = ravelin_control::spawn(parts)
        .await
        .map_err(EngineError::Control)?;
    for (name, task) in tasks {
        supervisor.adopt(name, task);
    }
    let machine = machine::follow(config, slot, &control, &mut supervisor);
    let router = ravelin_api_server::router(AppState::new(
        control.clone(),
        flows,
        secrets,
        Limits::default(),
        machine,
    ));
    let (stop, stopped) = watch::channel(false);
    let mut servers = Vec::new();
    for (name, socket) in ["api", "gateway"].into_iter().zip(sockets) {
        let Socket {
            path,
            listener,
            trust,
        } = socket;
        let listener = UnixListener::from_std(listener).map_err(|source| EngineError::Runtime {
            action: "listen on a socket",
            source,
        })?;
        tracing::info!(socket = %path.display(), "serving the API");
        let mut stopped = stopped.clone();
        // Err: the sender is gone, and so is everything else.
        let shutdown = async move { drop(stopped.wait_for(|stop| *stop).await) };
        supervisor.spawn(
            name,
            ravelin_api_server::serve(listener, trust, router.clone(), shutdown),
        );
        servers.push(name);
    }

    // Not told where a part of the engine failed: that is no end that goes well.
    let (ends_well, told) = watch::channel(false);
    let outcome = tokio::select! {
        outcome = until_the_end(&mut signals, &mut supervisor) => outcome,
        () = begun(&control, start.as_mut()) => {
            if let Some(start) = start.take() {
                let keep = recovery::keep(start, control.clone(), store.clone(), told.clone());
                supervisor.spawn(RECOVERY, keep);
                servers.push(RECOVERY);
            }
            tell_started(&control);
            until_the_end(&mut signals, &mut supervisor).await
        }
    };
    notify(&[NotifyState::Stopping]);
    if outcome.is_ok() {
        // Before anything ends of itself.
        ends_well.send_replace(true);
        if let Some(start) = &mut start {
            start.ends_well();
        }
    }
    control.shut_down();
    stop.send_replace(true);
    if outcome.is_ok() {
        servers.push("control");
        // Cards may not go on forwarding once nobody takes anything out of them.
        servers.extend(cards);
        if tokio::time::timeout(END, supervisor.all_ended(&servers))
            .await
            .is_err()
        {
            tracing::warn!("some tasks did not end in time");
        }
    }
    store.close().await;
    tracing::info!("raveld has stopped; what is attached stays attached");
    outcome
}

/// What the flow table hears until control has read what is stored: the longest times there may be.
const LONGEST_TIMEOUTS: FlowTimeouts = {
    let longest = Duration::from_secs(864_000);
    FlowTimeouts {
        tcp_established: longest,
        tcp_transitory: longest,
        udp: longest,
        other: longest,
    }
};

/// Links of the kernel; where they cannot be followed, none, and whoever keeps the sender keeps it so.
async fn follow_links() -> (Option<watch::Sender<Arc<Vec<ravelin_kernel::Link>>>>, LinkSource) {
    match Links::open().await {
        Ok(links) => (None, LinkSource::Kernel(links)),
        Err(error) => {
            tracing::error!(
                error = chain(&error),
                "the links of this machine cannot be followed"
            );
            let (sender, none) = watch::channel(Arc::default());
            (Some(sender), LinkSource::Told(none))
        }
    }
}

/// Links, addresses and routes are set for real only where packets are.
fn network(datapath: DatapathKind) -> Arc<dyn Network> {
    match datapath {
        DatapathKind::Sim => Arc::new(SimulatedNetwork::default()),
        DatapathKind::Kernel => Arc::new(KernelNetwork),
    }
}

/// The packet filter and the packets it logs, or why there is none.
/// Cards are changed for real only where packets are.
fn hardware(datapath: DatapathKind) -> Arc<dyn Hardware> {
    match datapath {
        DatapathKind::Sim => Arc::new(SimulatedHardware::everywhere()),
        DatapathKind::Kernel => Arc::new(KernelHardware),
    }
}

async fn packet_filter(datapath: DatapathKind) -> (Result<Box<dyn PacketFilter>, String>, PacketLogSource) {
    let nothing = || PacketLogSource::Told(mpsc::channel(1).1);
    if datapath == DatapathKind::Sim {
        return (Ok(Box::new(SimulatedFilter::default())), nothing());
    }
    let log = match PacketLog::open(LOG_GROUP).await {
        Ok(log) => PacketLogSource::Kernel(Box::new(log)),
        Err(error) => {
            tracing::error!(error = chain(&error), "verdicts of nftables cannot be logged");
            nothing()
        }
    };
    match KernelFilter::open() {
        Ok(filter) => (Ok(Box::new(filter)), log),
        Err(error) => {
            tracing::error!(error = chain(&error), "nftables cannot be used");
            (Err(chain(&error)), log)
        }
    }
}

/// Returns once what is stored is in the data plane, as far as that went.
async fn begun(control: &ravelin_control::ControlHandle, start: Option<&mut Start>) {
    control.started().await;
    if let Some(start) = start {
        start.begin(control).await;
    }
}

/// Tells the service manager.
fn tell_started(control: &ravelin_control::ControlHandle) {
    let readiness = control.readiness();
    for problem in &readiness.problems {
        tracing::warn!(problem, "not ready");
    }
    let status = if readiness.ready {
        format!("at work with revision {}", readiness.revision.0)
    } else {
        readiness.problems.join("; ")
    };
    tracing::info!(
        revision = readiness.revision.0,
        ready = readiness.ready,
        "raveld has started"
    );
    notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Waits for a signal, or for a task that ends though it must not.
async fn until_the_end(signals: &mut Signals, supervisor: &mut Supervisor) -> Result<(), EngineError> {
    tokio::select! {
        signal = signals.received() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        name = supervisor.ended() => Err(EngineError::TaskEnded(name)),
    }
}

/// Tells the service manager, if there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}

/// Signals that end the engine.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, EngineError> {
        let listen = |kind| {
            signal(kind).map_err(|source| EngineError::Runtime {
                action: "listen for signals",
                source,
            })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one; answers its name.
    async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
