//! `ravelin nat`.

use clap::{Args, Subcommand, ValueEnum};
use ravelin_api_types::{NatKind, NatRule};
use serde_json::{Map, Value, json};

use super::{Collection, Commit, Common, Place, has_name};
use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::table::Table;

const NAT_RULES: Collection = Collection {
    path: "nat-rules",
    prefix: "nat_",
    one: "NAT rule",
    table,
    is_called: has_name,
};

const EXAMPLES: &str = "\
Examples:
  ravelin nat add out --kind masquerade --to wan
  ravelin nat add fixed --kind snat --to wan --address 203.0.113.1
  ravelin nat add shop --kind dnat --from wan --address 203.0.113.1 --protocol tcp --ports 443 --target 10.0.0.7
  ravelin nat add both --kind one-to-one --zone wan --external 203.0.113.8 --internal 10.0.0.8";

/// What to do with NAT rules.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// NAT rules in their order.
    List,
    /// Make a NAT rule; it goes behind all others.
    #[command(after_help = EXAMPLES)]
    Add {
        /// What it says.
        #[command(flatten)]
        rule: Box<NewRule>,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// Put a NAT rule elsewhere.
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

/// What a NAT rule does.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Sources get the address of the interface they leave by.
    Masquerade,
    /// Sources get a fixed address.
    Snat,
    /// Destinations get another address.
    Dnat,
    /// Addresses for addresses, both ways.
    OneToOne,
}

/// What a new NAT rule says; which of it goes together depends on the kind.
#[derive(Debug, Args)]
pub struct NewRule {
    /// Its name.
    name: String,
    /// What it does.
    #[arg(long)]
    kind: Kind,
    /// masquerade, snat: zone connections leave by.
    #[arg(long, value_name = "ZONE")]
    to: Option<String>,
    /// dnat: zone packets come in from; any if nothing is said.
    #[arg(long, value_name = "ZONE")]
    from: Option<String>,
    /// one-to-one: zone the external addresses are seen from.
    #[arg(long)]
    zone: Option<String>,
    /// masquerade, snat: only from these; may come several times.
    #[arg(long, value_name = "ADDRESS")]
    source: Vec<String>,
    /// snat: only to these; may come several times.
    #[arg(long, value_name = "ADDRESS")]
    destination: Vec<String>,
    /// snat: the new source. dnat: what packets were sent to.
    #[arg(long)]
    address: Option<String>,
    /// dnat: packets were sent to any address of this interface.
    #[arg(long)]
    interface: Option<String>,
    /// dnat: tcp, udp, or another protocol.
    #[arg(long)]
    protocol: Option<String>,
    /// Ports, such as 80 or 8000-8010.
    #[arg(long)]
    ports: Option<String>,
    /// dnat: where they go.
    #[arg(long, value_name = "ADDRESS")]
    target: Option<String>,
    /// dnat: the port for the first of the ports.
    #[arg(long, value_name = "PORT")]
    target_port: Option<u16>,
    /// one-to-one: external address or prefix.
    #[arg(long)]
    external: Option<String>,
    /// one-to-one: internal address or prefix.
    #[arg(long)]
    internal: Option<String>,
    /// dnat, one-to-one: other zones reach the target by the published address too.
    #[arg(long)]
    hairpin: bool,
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => NAT_RULES.list(&[], api, output).await,
        Command::Add { rule, commit } => NAT_RULES.add(&rule.spec(), commit, api, output).await,
        Command::Move { which, place, commit } => NAT_RULES.relocate(which, place, commit, api, output).await,
        Command::Common(command) => NAT_RULES.run(command, api, output).await,
    }
}

impl NewRule {
    /// Only what was said: the engine refuses what does not go together.
    fn spec(&self) -> Value {
        let kind = match self.kind {
            Kind::Masquerade => NatKind::Masquerade,
            Kind::Snat => NatKind::Snat,
            Kind::Dnat => NatKind::Dnat,
            Kind::OneToOne => NatKind::OneToOne,
        };
        let protocol = self.protocol.as_ref().map(|text| protocol(text));
        let given = [
            ("name", Some(json!(self.name))),
            ("kind", Some(json!(kind))),
            ("to_zone", self.to.as_ref().map(|v| json!(v))),
            ("from_zone", self.from.as_ref().map(|v| json!(v))),
            ("zone", self.zone.as_ref().map(|v| json!(v))),
            ("source_addresses", some(&self.source)),
            ("destination_addresses", some(&self.destination)),
            ("address", self.address.as_ref().map(|v| json!(v))),
            ("interface", self.interface.as_ref().map(|v| json!(v))),
            ("protocol", protocol),
            ("ports", self.ports.as_ref().map(|v| json!(v))),
            ("target", self.target.as_ref().map(|v| json!(v))),
            ("target_port", self.target_port.map(|v| json!(v))),
            ("external", self.external.as_ref().map(|v| json!(v))),
            ("internal", self.internal.as_ref().map(|v| json!(v))),
            ("hairpin", self.hairpin.then_some(json!(true))),
        ];
        let members = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

fn some(values: &[String]) -> Option<Value> {
    (!values.is_empty()).then(|| json!(values))
}

/// A protocol by name or number.
pub fn protocol(text: &str) -> Value {
    text.parse::<u8>()
        .map_or_else(|_| json!(text), |number| json!(number))
}

fn table(api: &Api, rules: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&[
        "POSITION", "ID", "NAME", "ENABLED", "KIND", "ZONE", "MATCHES", "BECOMES",
    ]);
    for rule in rules {
        let rule: NatRule = api.read(rule)?;
        let (zone, matches, becomes) = describe(&rule);
        table.row([
            rule.position.to_string(),
            rule.id.to_string(),
            rule.spec.name.to_string(),
            yes_no(rule.spec.enabled),
            word(&rule.spec.kind),
            zone,
            matches,
            becomes,
        ]);
    }
    Ok(table)
}

/// The zone, what is translated, and what it becomes.
fn describe(rule: &NatRule) -> (String, String, String) {
    let spec = &rule.spec;
    let ports = |text: String| match &spec.ports {
        Some(ports) => format!("{text}:{}", ports.0),
        None => text,
    };
    let addresses = |addresses: &Option<Vec<_>>| {
        let texts: Vec<String> = addresses.iter().flatten().map(ToString::to_string).collect();
        if texts.is_empty() {
            "any".to_owned()
        } else {
            texts.join(",")
        }
    };
    match spec.kind {
        NatKind::Masquerade => (
            or_empty(spec.to_zone.as_ref()),
            addresses(&spec.source_addresses),
            "the interface's address".to_owned(),
        ),
        NatKind::Snat => (
            or_empty(spec.to_zone.as_ref()),
            format!(
                "{} to {}",
                addresses(&spec.source_addresses),
                addresses(&spec.destination_addresses)
            ),
            ports(or_empty(spec.address)),
        ),
        NatKind::Dnat => {
            let published = spec
                .address
                .map(|address| address.to_string())
                .or_else(|| spec.interface.clone());
            let target = match spec.target_port {
                Some(port) => format!("{}:{port}", or_empty(spec.target)),
                None => or_empty(spec.target),
            };
            let protocol = or_empty(spec.protocol);
            let matches = ports(format!("{protocol} {}", published.unwrap_or_default()));
            (or_empty(spec.from_zone.as_ref()), matches, target)
        }
        NatKind::OneToOne => (
            or_empty(spec.zone.as_ref()),
            or_empty(spec.external.as_ref()),
            or_empty(spec.internal.as_ref()),
        ),
    }
}
