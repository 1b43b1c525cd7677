//! `ravelin published`.

use clap::{Args, Subcommand};
use ravelin_api_types::PublishedService;
use serde_json::{Value, json};

use super::nat::protocol;
use super::{Collection, Commit, Common, has_name};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, yes_no};
use crate::table::Table;

const PUBLISHED_SERVICES: Collection = Collection {
    path: "published-services",
    prefix: "pub_",
    one: "published service",
    table,
    is_called: has_name,
};

const EXAMPLES: &str = "\
Examples:
  ravelin published add shop --from wan --address 203.0.113.1 --protocol tcp --ports 443 --target 10.0.0.7
  ravelin published add ssh --from wan --interface wan0 --protocol tcp --ports 2222 --target 10.0.0.7 --target-port 22";

/// What to do with published services.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every published service.
    List,
    /// Publish a service: translation, the rule that lets it in, and hairpin in one.
    #[command(after_help = EXAMPLES)]
    Add {
        /// What it says.
        #[command(flatten)]
        service: NewService,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// The rest.
    #[command(flatten)]
    Common(Common),
}

/// What a new published service says.
#[derive(Debug, Args)]
pub struct NewService {
    /// Its name.
    name: String,
    /// Zone that may use it.
    #[arg(long, value_name = "ZONE", default_value = "any")]
    from: String,
    /// What packets are sent to.
    #[arg(long, required_unless_present = "interface", conflicts_with = "interface")]
    address: Option<String>,
    /// Packets are sent to any address of this interface.
    #[arg(long)]
    interface: Option<String>,
    /// tcp, udp, or another protocol.
    #[arg(long)]
    protocol: String,
    /// Ports packets are sent to, such as 443 or 8000-8010.
    #[arg(long)]
    ports: Option<String>,
    /// Where they go.
    #[arg(long, value_name = "ADDRESS")]
    target: String,
    /// The port for the first of the ports.
    #[arg(long, value_name = "PORT")]
    target_port: Option<u16>,
    /// Other zones do not reach the target by the published address.
    #[arg(long)]
    no_hairpin: bool,
    /// Log new connections.
    #[arg(long)]
    log: bool,
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => PUBLISHED_SERVICES.list(&[], api, output).await,
        Command::Add { service, commit } => {
            let spec = json!({
                "name": service.name,
                "from_zone": service.from,
                "address": service.address,
                "interface": service.interface,
                "protocol": protocol(&service.protocol),
                "ports": service.ports,
                "target": service.target,
                "target_port": service.target_port,
                "hairpin": !service.no_hairpin,
                "log": service.log,
            });
            PUBLISHED_SERVICES.add(&spec, commit, api, output).await
        }
        Command::Common(command) => PUBLISHED_SERVICES.run(command, api, output).await,
    }
}

fn table(api: &Api, services: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&[
        "ID", "NAME", "ENABLED", "FROM", "ADDRESS", "PROTOCOL", "PORTS", "TARGET", "PORT", "PACKETS",
    ]);
    for service in services {
        let service: PublishedService = api.read(service)?;
        let spec = service.spec;
        table.row([
            service.id.to_string(),
            spec.name.to_string(),
            yes_no(spec.enabled),
            spec.from_zone,
            spec.address
                .map_or_else(|| or_empty(spec.interface), |address| address.to_string()),
            spec.protocol.to_string(),
            or_empty(spec.ports.map(|ports| ports.0)),
            spec.target.to_string(),
            or_empty(spec.target_port),
            service.hits.packets.to_string(),
        ]);
    }
    Ok(table)
}
