//! `ravelin zones`.

use clap::Subcommand;
use ravelin_api_types::Zone;
use serde_json::{Value, json};

use super::{Collection, Commit, Common, has_name};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, yes_no};
use crate::table::Table;

const ZONES: Collection = Collection {
    path: "zones",
    prefix: "zon_",
    one: "zone",
    table,
    is_called: has_name,
};

/// What to do with zones.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every zone.
    List,
    /// Make a zone.
    Add {
        /// Its name.
        name: String,
        /// An interface that is in it; may come several times.
        #[arg(long = "interface", value_name = "INTERFACE")]
        interfaces: Vec<String>,
        /// The box can be managed from here, whatever the rules say.
        #[arg(long)]
        management: bool,
        /// Free text.
        #[arg(long, default_value = "")]
        description: String,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// Who uses a zone.
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
        Command::List => ZONES.list(&[], api, output).await,
        Command::Add {
            name,
            interfaces,
            management,
            description,
            commit,
        } => {
            let spec = json!({
                "name": name,
                "interfaces": interfaces,
                "management": management,
                "description": description,
            });
            ZONES.add(&spec, commit, api, output).await
        }
        Command::References { which } => ZONES.references(which, api, output).await,
        Command::Common(command) => ZONES.run(command, api, output).await,
    }
}

fn table(api: &Api, zones: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&["ID", "NAME", "INTERFACES", "MANAGEMENT", "BUILT-IN"]);
    for zone in zones {
        let zone: Zone = api.read(zone)?;
        table.row([
            zone.id.to_string(),
            zone.spec.name.to_string(),
            zone.spec.interfaces.join(","),
            yes_no(zone.spec.management),
            yes_no(zone.built_in),
        ]);
    }
    Ok(table)
}
