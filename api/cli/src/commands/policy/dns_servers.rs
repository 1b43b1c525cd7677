//! `ravelin dns-servers`.

use clap::Subcommand;
use ravelin_api_types::DnsServer;
use serde_json::{Value, json};

use super::{Collection, Commit, Common};
use crate::api::Api;
use crate::error::CliError;
use crate::output::Output;
use crate::table::Table;

const DNS_SERVERS: Collection = Collection {
    path: "dns-servers",
    prefix: "dns_",
    one: "DNS server",
    table,
    is_called: |server, name| server.get("address").and_then(Value::as_str) == Some(name),
};

/// What to do with the servers this box asks for names. Where there is any, those of DHCP are not asked. The first with
/// an address is called by it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every server, in the order they are asked.
    List,
    /// Ask a server for names.
    Add {
        /// Its address.
        address: String,
        /// Its UDP and TCP port.
        #[arg(long)]
        port: Option<u16>,
        /// Lower ones are asked first.
        #[arg(long)]
        priority: Option<u32>,
        /// Free text.
        #[arg(long, default_value = "")]
        description: String,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// The rest.
    #[command(flatten)]
    Common(Common),
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => DNS_SERVERS.list(&[], api, output).await,
        Command::Add {
            address,
            port,
            priority,
            description,
            commit,
        } => {
            let spec =
                json!({ "address": address, "port": port, "priority": priority, "description": description });
            DNS_SERVERS.add(&spec, commit, api, output).await
        }
        Command::Common(command) => DNS_SERVERS.run(command, api, output).await,
    }
}

fn table(api: &Api, servers: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&["ID", "ADDRESS", "PORT", "PRIORITY", "DESCRIPTION"]);
    for server in servers {
        let server: DnsServer = api.read(server)?;
        table.row([
            server.id.to_string(),
            server.spec.address.to_string(),
            server.spec.port.to_string(),
            server.spec.priority.to_string(),
            server.spec.description,
        ]);
    }
    Ok(table)
}
