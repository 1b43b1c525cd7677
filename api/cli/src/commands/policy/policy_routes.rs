//! `ravelin policy-routes`.

use clap::{Args, Subcommand};
use ravelin_api_types::PolicyRoute;
use serde_json::{Value, json};

use super::routes::routing_table;
use super::{Collection, Commit, Common};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::table::Table;

const POLICY_ROUTES: Collection = Collection {
    path: "policy-routes",
    prefix: "prt_",
    one: "policy route",
    table,
    is_called: |route, name| route.get("priority").map(Value::to_string).as_deref() == Some(name),
};

const EXAMPLES: &str = "\
Examples:
  ravelin policy-routes add 100 100 --source 192.168.78.0/24
  ravelin policy-routes add 110 main --input-interface lan1";

/// What to do with policy routes. The first with a priority is called by it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every policy route, in the order they are asked.
    List,
    /// Have packets' routes looked up in a table.
    #[command(after_help = EXAMPLES)]
    Add {
        /// What it says.
        #[command(flatten)]
        route: NewPolicyRoute,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// The rest.
    #[command(flatten)]
    Common(Common),
}

/// What a new policy route says.
#[derive(Debug, Args)]
pub struct NewPolicyRoute {
    /// Lower ones are asked first: 1 to 32765.
    priority: u32,
    /// main, or the number of a table.
    #[arg(value_parser = routing_table)]
    table: Value,
    /// Network packets come from.
    #[arg(long, value_name = "NETWORK")]
    source: Option<String>,
    /// Network packets are sent to.
    #[arg(long, value_name = "NETWORK")]
    destination: Option<String>,
    /// Interface they come in by; lo stands for this box itself.
    #[arg(long, value_name = "INTERFACE")]
    input_interface: Option<String>,
    /// Free text.
    #[arg(long, default_value = "")]
    description: String,
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => POLICY_ROUTES.list(&[], api, output).await,
        Command::Add { route, commit } => {
            let spec = json!({
                "priority": route.priority,
                "table": route.table,
                "source": route.source,
                "destination": route.destination,
                "input_interface": route.input_interface,
                "description": route.description,
            });
            POLICY_ROUTES.add(&spec, commit, api, output).await
        }
        Command::Common(command) => POLICY_ROUTES.run(command, api, output).await,
    }
}

fn table(api: &Api, routes: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&[
        "ID",
        "PRIORITY",
        "SOURCE",
        "DESTINATION",
        "INPUT",
        "TABLE",
        "ENABLED",
        "DESCRIPTION",
    ]);
    for route in routes {
        let route: PolicyRoute = api.read(route)?;
        let spec = route.spec;
        table.row([
            route.id.to_string(),
            spec.priority.to_string(),
            or_empty(spec.source),
            or_empty(spec.destination),
            or_empty(spec.input_interface),
            word(&spec.table),
            yes_no(spec.enabled),
            spec.description,
        ]);
    }
    Ok(table)
}
