//! ravelin-agent: does for the engine what needs the rights of root. It listens on a Unix socket for root alone and on
//! no network, and runs fixed programs only: `rauc`, `systemctl`, `journalctl`.
//!
//! Under the name `ravelin-boot-loader` it is what RAUC asks for the boot loader: `ravelin-agent boot-loader`.
//!
//! Ends with 0 when told to stop, 1 when it cannot start or a part of it fails, 2 on a wrong command line.

mod boot;
mod boot_loader;
mod config;
mod keep;
mod logging;
mod machine;
mod power;
mod routes;
mod serve;
mod slot_records;
mod socket;
mod state;
mod status;
mod task;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// Name of the link that RAUC starts.
const BOOT_LOADER_NAME: &str = "ravelin-boot-loader";

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
    /// Ask or tell the boot loader, as RAUC does.
    BootLoader {
        #[command(subcommand)]
        request: boot_loader::Request,
    },
}

fn main() -> ExitCode {
    match execute(Arguments::parse_from(arguments())) {
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

/// The command line; the name it was started by may say the first word of it.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let named = arguments.first().and_then(|name| Path::new(name).file_name());
    if named.is_some_and(|name| name == BOOT_LOADER_NAME) {
        arguments.insert(1, "boot-loader".into());
    }
    arguments
}

fn execute(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let config = Config::load(arguments.config.as_deref())?;
    if arguments.check_config {
        return Ok(());
    }
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => {
            logging::start(config.log);
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting ravelin-agent");
            Ok(machine::run(config)?)
        }
        Command::BootLoader { request } => Ok(boot_loader::answer(request, &config)?),
    }
}
