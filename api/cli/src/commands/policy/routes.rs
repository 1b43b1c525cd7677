//! `ravelin routes`.

use clap::{Args, Subcommand};
use ravelin_api_types::Route;
use serde_json::{Value, json};

use super::{Collection, Commit, Common};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::table::Table;

const ROUTES: Collection = Collection {
    path: "routes",
    prefix: "rte_",
    one: "route",
    table,
    is_called: |route, name| route.get("destination").and_then(Value::as_str) == Some(name),
};

const EXAMPLES: &str = "\
Examples:
  ravelin routes add 10.20.0.0/16 --gateway 192.168.77.2
  ravelin routes add ::/0 --gateway fe80::1 --interface wan0 --table 100
  ravelin routes add 192.0.2.0/24 --kind blackhole";

/// What to do with static routes. The first with a destination is called by it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every static route.
    List,
    /// Make a route; it waits for an interface or a gateway that is not there.
    #[command(after_help = EXAMPLES)]
    Add {
        /// What it says.
        #[command(flatten)]
        route: NewRoute,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// The rest.
    #[command(flatten)]
    Common(Common),
}

/// What a new route says.
#[derive(Debug, Args)]
pub struct NewRoute {
    /// Network packets are sent to.
    destination: String,
    /// Next hop.
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// Interface they leave by.
    #[arg(long)]
    interface: Option<String>,
    /// unicast, blackhole or unreachable.
    #[arg(long, default_value = "unicast")]
    kind: String,
    /// Of routes to the same destination, the lowest is taken.
    #[arg(long)]
    metric: Option<u32>,
    /// main, or the number of a table.
    #[arg(long, value_parser = routing_table)]
    table: Option<Value>,
    /// Largest packet along it.
    #[arg(long, value_name = "BYTES")]
    mtu: Option<u32>,
    /// Free text.
    #[arg(long, default_value = "")]
    description: String,
}

/// A number, or the word for a table.
pub fn routing_table(text: &str) -> Result<Value, std::convert::Infallible> {
    Ok(text
        .parse::<u32>()
        .map_or_else(|_| json!(text), |number| json!(number)))
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => ROUTES.list(&[], api, output).await,
        Command::Add { route, commit } => {
            let spec = json!({
                "destination": route.destination,
                "kind": route.kind,
                "gateway": route.gateway,
                "interface": route.interface,
                "metric": route.metric,
                "table": route.table,
                "mtu_bytes": route.mtu,
                "description": route.description,
            });
            ROUTES.add(&spec, commit, api, output).await
        }
        Command::Common(command) => ROUTES.run(command, api, output).await,
    }
}

fn table(api: &Api, routes: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&[
        "ID",
        "DESTINATION",
        "KIND",
        "GATEWAY",
        "INTERFACE",
        "METRIC",
        "TABLE",
        "ENABLED",
        "DESCRIPTION",
    ]);
    for route in routes {
        let route: Route = api.read(route)?;
        let spec = route.spec;
        table.row([
            route.id.to_string(),
            spec.destination.to_string(),
            word(&spec.kind),
            or_empty(spec.gateway),
            or_empty(spec.interface),
            spec.metric.to_string(),
            word(&spec.table),
            yes_no(spec.enabled),
            spec.description,
        ]);
    }
    Ok(table)
}
