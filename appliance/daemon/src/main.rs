//! raveld, the engine: reads its configuration, gives up what privileges it does not need, wires the crates
//! together and supervises them. Decides nothing about packets itself.
//!
//! Ends with 0 when told to stop, 1 when it cannot start or a part of it fails, 2 on a wrong command line. Programs
//! stay attached in every case, until `raveld detach`.

mod config;
mod connections;
mod datapath;
mod directories;
mod engine;
mod machine;
mod network_daemons;
mod packet_filter;
mod privileges;
mod recovery;
#[cfg(feature = "kernel")]
mod run_time;
mod sockets;
mod supervise;

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ravelin_model::chain;
use ravelin_system::Slot;

use crate::config::Config;
use crate::directories::StateDirectory;

/// The engine of Ravelin.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Configuration file (TOML); without it, the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The slot of the image that runs. With it, the store is that of the slot, and a store of no use is recovered from.
    #[arg(long, value_name = "SLOT")]
    slot: Option<Slot>,
    /// Check the configuration file and end.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Run the engine (the default).
    Run,
    /// Remove every program, link and map of Ravelin and its table of nftables from the kernel, so that nothing is
    /// filtered any more. The engine must not be running.
    Detach,
    /// Print the OpenAPI specification.
    Openapi,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if tracing::dispatcher::has_been_set() {
                tracing::error!(error = chain(error.as_ref()), "raveld ends");
            } else {
                // Nothing else can be done where standard error is closed.
                drop(writeln!(std::io::stderr(), "raveld: {}", chain(error.as_ref())));
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments {
        config,
        slot,
        check_config,
        command,
    } = arguments;
    let config = Config::load(config.as_deref())?;
    if *check_config {
        return Ok(());
    }
    match command.unwrap_or(Command::Run) {
        Command::Run => {
            ravelin_logging::start(config.log);
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting raveld");
            Ok(engine::run(&config, *slot)?)
        }
        Command::Detach => {
            let _held = StateDirectory::lock(&config.state_dir)?;
            datapath::remove(&config)?;
            packet_filter::remove(&config)
        }
        Command::Openapi => {
            let specification = serde_json::to_string_pretty(&ravelin_api_server::openapi())?;
            writeln!(stdout().lock(), "{specification}")?;
            Ok(())
        }
    }
}
