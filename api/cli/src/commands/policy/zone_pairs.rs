//! `ravelin zone-pairs`.

use clap::Subcommand;
use ravelin_api_types::ZonePair;
use serde_json::{Value, json};

use super::{Collection, Commit, Common};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, word, yes_no};
use crate::table::Table;

const ZONE_PAIRS: Collection = Collection {
    path: "zone-pairs",
    prefix: "zpr_",
    one: "zone pair",
    table,
    is_called: has_zones,
};

/// What to do with zone pairs. A name is FROM:TO.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every zone pair.
    List,
    /// Say what happens between two zones where no rule says.
    Add {
        /// Id or name of the zone packets come in from.
        from: String,
        /// Id or name of the zone they would leave by.
        to: String,
        /// accept, drop or reject.
        #[arg(long, default_value = "drop")]
        action: String,
        /// Log what no rule matches.
        #[arg(long)]
        log: bool,
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
        Command::List => ZONE_PAIRS.list(&[], api, output).await,
        Command::Add {
            from,
            to,
            action,
            log,
            commit,
        } => {
            let spec = json!({ "from": from, "to": to, "default_action": action, "log": log });
            ZONE_PAIRS.add(&spec, commit, api, output).await
        }
        Command::Common(command) => ZONE_PAIRS.run(command, api, output).await,
    }
}

/// `lan:wan` is the pair from `lan` to `wan`.
fn has_zones(pair: &Value, name: &str) -> bool {
    let part = |member: &str| pair.get(member).and_then(Value::as_str).unwrap_or_default();
    name == format!("{}:{}", part("from_name"), part("to_name"))
}

fn table(api: &Api, pairs: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&["ID", "FROM", "TO", "DEFAULT", "LOG", "PACKETS", "BYTES"]);
    for pair in pairs {
        let pair: ZonePair = api.read(pair)?;
        table.row([
            pair.id.to_string(),
            pair.from_name,
            pair.to_name,
            word(&pair.spec.default_action),
            yes_no(pair.spec.log),
            pair.hits.packets.to_string(),
            pair.hits.bytes.to_string(),
        ]);
    }
    Ok(table)
}
