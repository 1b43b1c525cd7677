//! `ravelin services`.

use clap::Subcommand;
use ravelin_api_types::Service;
use serde_json::{Value, json};

use super::text::{TypedService, entry};
use super::{Collection, Commit, Common, has_name};
use crate::api::Api;
use crate::error::CliError;
use crate::output::Output;
use crate::table::Table;

const SERVICES: Collection = Collection {
    path: "services",
    prefix: "svc_",
    one: "service",
    table,
    is_called: has_name,
};

/// What to do with named services.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every service.
    List,
    /// Make a service.
    Add {
        /// Its name.
        name: String,
        /// tcp/80,443, udp/53, icmp/8, esp, 89.
        #[arg(required = true, value_name = "ENTRY")]
        entries: Vec<TypedService>,
        /// Free text.
        #[arg(long, default_value = "")]
        description: String,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// Who uses a service.
    References {
        /// Its id or name.
        which: String,
    },
    /// The rest.
    #[command(flatten)]
    Common(Common),
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => SERVICES.list(&[], api, output).await,
        Command::Add {
            name,
            entries,
            description,
            commit,
        } => {
            let entries: Vec<&Value> = entries.iter().map(|entry| &entry.0).collect();
            let spec = json!({ "name": name, "entries": entries, "description": description });
            SERVICES.add(&spec, commit, api, output).await
        }
        Command::References { which } => SERVICES.references(which, api, output).await,
        Command::Common(command) => SERVICES.run(command, api, output).await,
    }
}

fn table(api: &Api, services: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&["ID", "NAME", "ENTRIES", "DESCRIPTION"]);
    for service in services {
        let service: Service = api.read(service)?;
        let entries: Vec<String> = service.spec.entries.iter().map(entry).collect();
        table.row([
            service.id.to_string(),
            service.spec.name.to_string(),
            entries.join(" "),
            service.spec.description,
        ]);
    }
    Ok(table)
}
