//! The agent at work.

use std::io;

use ravelin_system::boot_environment::BootEnvironment;
use sd_notify::NotifyState;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::routes::router;
use crate::serve::serve;
use crate::socket::{SocketError, listen};
use crate::state::AgentState;
use crate::task::spawn;
use crate::{boot, keep, trial};

/// Why the agent ends.
#[derive(Debug, Error)]
pub enum AgentError {
    /// Something of the process itself.
    #[error("{action}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// Serves until it is told to stop.
pub fn run(config: Config) -> Result<(), AgentError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(failed("start the runtime"))?;
    runtime.block_on(work(config))
}

async fn work(config: Config) -> Result<(), AgentError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(failed("listen for signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed("listen for signals"))?;
    let found =
        BootEnvironment::read(&config.boot_environment).map_err(failed("read what the initrd told"))?;
    for directory in [&config.state_dir, &config.updates_dir] {
        // Without a place to keep anything the agent still tells how the machine is.
        if let Err(error) = keep::directory(directory) {
            tracing::error!(directory = %directory.display(), %error, "cannot be made");
        }
    }
    // Err: somebody has chosen one, which can only be this one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let listener = listen(&config.socket).await?;
    let state = AgentState::new(config, found);
    boot::note(&state);
    tracing::info!(socket = %state.config().socket.display(), "ravelin-agent has started");
    notify(&[NotifyState::Ready]);
    let watch = spawn(trial::watch(state.clone()));
    let told = told_to_stop(&mut terminate, &mut interrupt);
    serve(listener, router(state), told).await;
    watch.abort();
    notify(&[NotifyState::Stopping]);
    Ok(())
}

async fn told_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn failed(action: &'static str) -> impl Fn(io::Error) -> AgentError {
    move |source| AgentError::Process { action, source }
}

/// Tells the service manager, if there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}
