//! `ravelin simulate`.

use ravelin_api_types::{PolicyLine, Simulation};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::nat::protocol;
use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::{Output, or_empty, remark, word, yes_no};
use crate::table::Table;

const EXAMPLES: &str = "\
Examples:
  ravelin simulate --from lan --source 192.168.1.5 --destination 203.0.113.7 --port 443
  ravelin simulate --interface wan0 --source 2001:db8::7 --destination 2001:db8:1::1 --protocol icmpv6";

/// The first packet of a connection.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Zone it comes from.
    #[arg(
        long,
        value_name = "ZONE",
        required_unless_present = "interface",
        conflicts_with = "interface"
    )]
    from: Option<String>,
    /// Interface it comes in by.
    #[arg(long)]
    interface: Option<String>,
    /// Zone it would leave by; by the routes if nothing is said.
    #[arg(long, value_name = "ZONE")]
    to: Option<String>,
    /// From this address.
    #[arg(long, value_name = "ADDRESS")]
    source: String,
    /// To this address, before translation.
    #[arg(long, value_name = "ADDRESS")]
    destination: String,
    /// tcp, udp, icmp, or another protocol.
    #[arg(long, default_value = "tcp")]
    protocol: String,
    /// To this port.
    #[arg(long)]
    port: Option<u16>,
    /// From this port.
    #[arg(long, value_name = "PORT")]
    source_port: Option<u16>,
    /// Type of the ICMP message; echo request if nothing is said.
    #[arg(long, value_name = "TYPE")]
    icmp_type: Option<u8>,
    /// Code of the ICMP message.
    #[arg(long, value_name = "CODE")]
    icmp_code: Option<u8>,
}

/// Says what would become of a packet.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let call = Call::new(Method::POST, &["simulate"]).json(&arguments.packet());
    let answer = api.json(call).await?.body;
    if output.is_json() {
        return output.json(&answer);
    }
    show(&api.read(answer)?, output)
}

impl Arguments {
    fn packet(&self) -> Value {
        let given = [
            ("from_zone", self.from.as_ref().map(|v| json!(v))),
            ("interface", self.interface.as_ref().map(|v| json!(v))),
            ("to_zone", self.to.as_ref().map(|v| json!(v))),
            ("source", Some(json!(self.source))),
            ("destination", Some(json!(self.destination))),
            ("protocol", Some(protocol(&self.protocol))),
            ("destination_port", self.port.map(|v| json!(v))),
            ("source_port", self.source_port.map(|v| json!(v))),
            ("icmp_type", self.icmp_type.map(|v| json!(v))),
            ("icmp_code", self.icmp_code.map(|v| json!(v))),
        ];
        let members = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

fn show(simulation: &Simulation, output: &mut Output) -> Result<(), CliError> {
    let mut verdict = Table::new(&["VERDICT", "DECIDED-BY", "FROM", "TO", "TRANSLATED", "AGREE"]);
    let translated = simulation.translation.as_ref();
    verdict.row([
        word(&simulation.verdict),
        line(&simulation.decided_by),
        simulation.from_zone.name.clone(),
        simulation.to_zone.name.clone(),
        or_empty(translated.map(|to| format!("{} port {}", to.destination, to.destination_port))),
        yes_no(simulation.agree),
    ]);
    output.table(&verdict)?;
    output.line("")?;
    let mut considered = Table::new(&["LINE", "MATCHED", "WHY-NOT"]);
    for looked_at in &simulation.considered {
        considered.row([
            line(&looked_at.line),
            yes_no(looked_at.matched),
            or_empty(looked_at.why_not.as_ref()),
        ]);
    }
    output.table(&considered)?;
    if let Some(why) = &simulation.by_program_missing {
        remark(&format!("the loaded program was not asked: {why}"));
    }
    if !simulation.agree {
        remark("the loaded program and the reference say different things: this is a fault of Ravelin");
    }
    Ok(())
}

/// A line of the policy: `rule:web`.
pub fn line(line: &PolicyLine) -> String {
    let name = line.origin_name.as_ref().or(line.origin_id.as_ref());
    match name {
        Some(name) => format!("{}:{name}", line.origin),
        None => line.origin.clone(),
    }
}
