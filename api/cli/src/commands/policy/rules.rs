//! `ravelin rules`.

use clap::{Args, Subcommand};
use ravelin_api_types::Rule;
use serde_json::{Value, json};

use super::text::{TypedService, services, side, typed_side};
use super::{Collection, Commit, Common, Place, has_name};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, word, yes_no};
use crate::table::Table;

const RULES: Collection = Collection {
    path: "rules",
    prefix: "rul_",
    one: "rule",
    table,
    is_called: has_name,
};

const EXAMPLES: &str = "\
Examples:
  ravelin rules add web --from lan --to wan --service tcp/80,443 --action accept
  ravelin rules add guests --source 192.168.9.0/24 --source list:lst_1 --action reject --log
  ravelin rules move guests --before web
  ravelin rules set web enabled=false";

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rules in their order.
    List(Filter),
    /// Make a rule; it goes behind all others.
    #[command(after_help = EXAMPLES)]
    Add {
        /// What it says.
        #[command(flatten)]
        rule: NewRule,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// Put a rule elsewhere.
    Move {
        /// Its id or name.
        which: String,
        /// Where to.
        #[command(flatten)]
        place: Place,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// The rest.
    #[command(flatten)]
    Common(Common),
}

/// Which rules to show.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only rules that say this zone, or any.
    #[arg(long, value_name = "ZONE")]
    from: Option<String>,
    /// Only rules that say this zone, or any.
    #[arg(long, value_name = "ZONE")]
    to: Option<String>,
    /// Only rules with this action.
    #[arg(long)]
    action: Option<String>,
    /// Only rules with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only rules whose name, comment, tags or addresses contain this.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only rules that are enabled (true) or are not (false).
    #[arg(long)]
    enabled: Option<bool>,
}

/// What a new rule says.
#[derive(Debug, Args)]
pub struct NewRule {
    /// Its name.
    name: String,
    /// accept, drop or reject.
    #[arg(long)]
    action: String,
    /// Zone packets come in from.
    #[arg(long, value_name = "ZONE", default_value = "any")]
    from: String,
    /// Zone they would leave by.
    #[arg(long, value_name = "ZONE", default_value = "any")]
    to: String,
    /// From whom: an address, a prefix, a range, or list:NAME; may come several times.
    #[arg(long, value_name = "ADDRESS")]
    source: Vec<String>,
    /// From everyone but those.
    #[arg(long, requires = "source")]
    not_source: bool,
    /// To whom, the same way.
    #[arg(long, value_name = "ADDRESS")]
    destination: Vec<String>,
    /// To everyone but those.
    #[arg(long, requires = "destination")]
    not_destination: bool,
    /// tcp/80,443, udp/53, icmp/8, esp, 89, or a named service; may come several times.
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<TypedService>,
    /// Log matches.
    #[arg(long)]
    log: bool,
    /// It matches nothing yet.
    #[arg(long)]
    disabled: bool,
    /// Free text.
    #[arg(long, default_value = "")]
    comment: String,
    /// A word to find it by; may come several times.
    #[arg(long = "tag")]
    tags: Vec<String>,
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List(filter) => RULES.list(&filter.query(), api, output).await,
        Command::Add { rule, commit } => RULES.add(&rule.spec(), commit, api, output).await,
        Command::Move { which, place, commit } => RULES.relocate(which, place, commit, api, output).await,
        Command::Common(command) => RULES.run(command, api, output).await,
    }
}

impl Filter {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("from_zone", self.from.clone()),
            ("to_zone", self.to.clone()),
            ("action", self.action.clone()),
            ("tag", self.tag.clone()),
            ("search", self.search.clone()),
            ("enabled", self.enabled.map(|enabled| enabled.to_string())),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

impl NewRule {
    fn spec(&self) -> Value {
        let services: Vec<&Value> = self.services.iter().map(|service| &service.0).collect();
        let mut spec = json!({
            "name": self.name,
            "action": self.action,
            "from_zone": self.from,
            "to_zone": self.to,
            "services": services,
            "log": self.log,
            "enabled": !self.disabled,
            "comment": self.comment,
            "tags": self.tags,
        });
        let sides = [
            ("source", typed_side(&self.source, self.not_source)),
            ("destination", typed_side(&self.destination, self.not_destination)),
        ];
        for (name, side) in sides {
            if let (Some(members), Some(side)) = (spec.as_object_mut(), side) {
                members.insert(name.to_owned(), side);
            }
        }
        spec
    }
}

fn table(api: &Api, rules: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&[
        "POSITION",
        "ID",
        "NAME",
        "ENABLED",
        "FROM",
        "TO",
        "SOURCE",
        "DESTINATION",
        "SERVICES",
        "ACTION",
        "LOG",
        "PACKETS",
    ]);
    for rule in rules {
        let rule: Rule = api.read(rule)?;
        table.row([
            rule.position.to_string(),
            rule.id.to_string(),
            rule.spec.name.to_string(),
            yes_no(rule.spec.enabled),
            rule.from_zone_name.unwrap_or(rule.spec.from_zone),
            rule.to_zone_name.unwrap_or(rule.spec.to_zone),
            side(&rule.spec.source),
            side(&rule.spec.destination),
            services(&rule.spec.services),
            word(&rule.spec.action),
            yes_no(rule.spec.log),
            rule.hits.packets.to_string(),
        ]);
    }
    Ok(table)
}
