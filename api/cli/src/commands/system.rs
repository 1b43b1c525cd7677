//! `ravelin system`.

mod show;
mod updates;

use std::path::PathBuf;

use clap::Subcommand;
use futures::StreamExt;
use ravelin_api_types::{LogEntry, Page, Timestamp};
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::{Output, or_empty};
use crate::table::Table;

/// The machine: how it is, and what to do with it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Versions, slots, disk, temperatures, clock (the default).
    Show,
    /// The updates of this machine, and what became of them.
    Updates,
    /// Install an update.
    Update(updates::Arguments),
    /// Boot the other slot: back to the version before.
    Boot(updates::BootArguments),
    /// Restart the machine.
    Reboot,
    /// Switch the machine off.
    Shutdown,
    /// Erase everything that was ever set, and restart.
    FactoryReset {
        /// It is meant.
        #[arg(long, required = true)]
        erase_everything: bool,
    },
    /// The journal of the machine, newest first.
    Logs {
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Only of this unit, such as raveld.service.
        #[arg(long)]
        unit: Option<String>,
        /// Only of this priority and those that matter more: 0 (emergency) to 7 (debug).
        #[arg(long)]
        priority: Option<u8>,
        /// Not older than this time, such as 2026-01-31T12:00:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
    /// Download what somebody who helps has to see; no secret is in it.
    SupportBundle {
        /// A file that is not there yet, such as support.tar.gz.
        file: PathBuf,
    },
}

/// Carries out a command.
pub async fn run(arguments: &Arguments, api: &mut Api, output: &mut Output) -> Result<(), CliError> {
    match arguments.command.as_ref().unwrap_or(&Command::Show) {
        Command::Show => show::run(api, output).await,
        Command::Updates => updates::list(api, output).await,
        Command::Update(arguments) => updates::install(arguments, api, output).await,
        Command::Boot(arguments) => updates::boot(arguments, api, output).await,
        Command::Reboot => power("reboot", "the machine restarts", api, output).await,
        Command::Shutdown => power("shutdown", "the machine is switched off", api, output).await,
        Command::FactoryReset { erase_everything: _ } => {
            let call = Call::new(Method::POST, &["system", "factory-reset"])
                .json(&json!({ "confirm": "erase everything" }));
            api.json(call).await?;
            said("the machine restarts and is empty then", output)
        }
        Command::Logs {
            limit,
            unit,
            priority,
            since,
        } => {
            let mut filters = Vec::new();
            filters.extend(unit.clone().map(|unit| ("unit", unit)));
            filters.extend(priority.map(|priority| ("priority", priority.to_string())));
            filters.extend(since.map(|since| ("since", since.to_string())));
            logs(&filters, *limit, api, output).await
        }
        Command::SupportBundle { file } => support(file.clone(), api, output).await,
    }
}

async fn power(what: &str, done: &str, api: &Api, output: &mut Output) -> Result<(), CliError> {
    api.json(Call::new(Method::POST, &["system", what])).await?;
    said(done, output)
}

fn said(what: &str, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        Ok(())
    } else {
        output.line(what)
    }
}

async fn logs(
    filters: &[(&'static str, String)],
    limit: u64,
    api: &Api,
    output: &mut Output,
) -> Result<(), CliError> {
    let entries = api.collect(&["system", "logs"], filters, Some(limit)).await?;
    if output.is_json() {
        return output.json(&entries);
    }
    let page: Page<LogEntry> = api.read(entries)?;
    let mut table = Table::new(&["AT", "PRIORITY", "FROM", "MESSAGE"]);
    for entry in page.items {
        table.row([
            entry.at.to_string(),
            or_empty(entry.priority),
            or_empty(entry.identifier.or(entry.unit)),
            entry.message,
        ]);
    }
    output.table(&table)
}

async fn support(path: PathBuf, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let answer = api
        .stream(Call::new(Method::GET, &["system", "support-bundle"]))
        .await?;
    let failed = |source| CliError::WriteFile {
        path: path.clone(),
        source,
    };
    let mut options = tokio::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .await
        .map_err(failed)?;
    let mut bytes = answer.bytes_stream();
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|error| CliError::BrokeOff {
            cause: error.to_string(),
        })?;
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    said(&format!("written to {}", path.display()), output)
}
