//! ravelin-agent: does for the engine what needs the rights of root. It listens on a Unix socket for root alone and on
//! no network, and runs fixed programs only: `rauc`, `systemctl`, `journalctl`.
//!
//! `ravelin-agent boot-loader` is what RAUC asks for the boot loader.
//!
//! Ends with 0 when told to stop, 1 when it cannot start or a part of it fails, 2 on a wrong command line.

mod boot;
mod boot_loader;
mod checks;
mod config;
mod fetch;
mod install;
mod journal;
mod keep;
mod machine;
mod power;
mod rauc;
mod routes;
mod serve;
mod slot_records;
mod socket;
mod state;
mod status;
mod task;
mod trial;
mod update_routes;
mod updates;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// The helper of Ravelin with the rights of root.
#[derive(Debug, Parser)]
#[command(name = "ravelin-agent", version, about)]
struct Arguments {
    /// Configuration file (TOML); without it, /etc/ravelin/agent.toml if there is one, else the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration file and end.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Serve the socket (the default).
    Run,
    /// Fetch what is named on standard input: a child of the agent, as nobody.
    #[command(hide = true)]
    Fetch,
    /// Ask or tell the boot loader, as RAUC does.
    BootLoader {
        #[command(subcommand)]
        request: boot_loader::Request,
    },
}

fn main() -> ExitCode {
    match execute(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = ravelin_model::chain(error.as_ref());
            if tracing::dispatcher::has_been_set() {
                tracing::error!(error, "ravelin-agent ends");
            } else {
                // Nothing else can be done where standard error is closed.
                drop(writeln!(std::io::stderr(), "ravelin-agent: {error}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(Command::Fetch) = arguments.command {
        return fetch::child();
    }
    let config = Config::load(arguments.config.as_deref())?;
    if arguments.check_config {
        return Ok(());
    }
    match arguments.command.unwrap_or(Command::Run) {
        Command::Fetch => fetch::child(),
        Command::Run => {
            ravelin_logging::start(config.log);
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting ravelin-agent");
            Ok(machine::run(config)?)
        }
        Command::BootLoader { request } => Ok(boot_loader::answer(request, &config)?),
    }
}
