//! `ravelin-gateway`: the appliance's HTTPS front. It terminates TLS, enforces limits that need no knowledge of the
//! API, and forwards every request to the engine's Unix socket. It holds no capability, reads nothing of the engine's
//! state, and is trusted with nothing but the client's address: the engine verifies every token itself.

mod activity;
mod admission;
mod body;
mod certificate;
mod config;
mod connection;
mod engine;
mod error;
mod forward;
mod headers;
mod listener;
mod privileges;
mod problem;
mod task;
mod tls;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ravelin_logging::LogFormat;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::error::GatewayError;

/// HTTPS front of the Ravelin engine.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file (TOML); without it everything is at its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration file and exit.
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        // Only a second call can fail.
        return ExitCode::FAILURE;
    }
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "ravelin-gateway: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), GatewayError> {
    let config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if arguments.check_config {
        let _ = writeln!(io::stdout(), "the configuration is valid");
        return Ok(());
    }
    log(config.log);
    // Before privileges are dropped, since a port below 1024 may need one; no other thread exists yet.
    let listener = listener::bind(config.listen)?;
    privileges::drop_all()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(GatewayError::Runtime)?;
    runtime.block_on(Box::pin(task::run(config, listener)))
}

fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
