//! What a change means for live connections.

use ravelin_api_types::{CutFlow, FlowTuple, LiveFlows};
use serde_json::Value;

use crate::api::{Answer, Api};
use crate::error::CliError;
use crate::output::{Output, or_empty, remark};
use crate::table::Table;

/// Prints the figures and the connections that are cut.
pub fn show(flows: &LiveFlows, dry_run: bool, output: &mut Output) -> Result<(), CliError> {
    if !flows.sample.is_empty() {
        output.line("")?;
        output.table(&table(&flows.sample))?;
    }
    output.line(&sentence(flows, dry_run))
}

/// Remarks what a change of an object or of a list meant, if it ended connections or if that is not known.
pub fn remark_on(answer: &Answer, api: &Api) -> Result<(), CliError> {
    if let Some(problem) = answer.body.get("live_flows_problem").and_then(Value::as_str) {
        remark(&not_judged(problem));
    }
    match answer.body.get("live_flows") {
        Some(flows) => {
            let flows: LiveFlows = api.read(flows.clone())?;
            if flows.cut > 0 {
                remark(&sentence(&flows, false));
            }
        }
        None => {
            let told = answer.live_flows.as_deref();
            if let Some(told) = told.filter(|told| !told.contains("cut=0,")) {
                remark(&format!("live connections: {told}"));
            }
        }
    }
    Ok(())
}

/// Why connections that are denied may go on.
pub fn not_judged(problem: &str) -> String {
    format!("live connections could not be judged, those denied now go on: {problem}")
}

fn sentence(flows: &LiveFlows, dry_run: bool) -> String {
    let LiveFlows {
        kept, cut, unjudged, ..
    } = flows;
    let verb = if dry_run { "would be cut" } else { "were cut" };
    let unknown = match unjudged {
        0 => String::new(),
        unjudged => format!(", {unjudged} of them because it is not known where they go"),
    };
    format!("live connections: {cut} {verb}, {kept} stay{unknown}")
}

fn table(sample: &[CutFlow]) -> Table {
    let mut table = Table::new(&[
        "PROTOCOL",
        "SOURCE",
        "DESTINATION",
        "FROM",
        "TO",
        "DENIED BY",
        "ID",
    ]);
    let end = |address: std::net::IpAddr, port: u16| match address {
        _ if port == 0 => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]:{port}"),
        std::net::IpAddr::V4(address) => format!("{address}:{port}"),
    };
    for flow in sample {
        let FlowTuple {
            source,
            destination,
            source_port,
            destination_port,
        } = flow.original;
        table.row([
            flow.protocol.to_string(),
            end(source, source_port),
            end(destination, destination_port),
            or_empty(flow.from_zone.as_ref()),
            or_empty(flow.to_zone.as_ref()),
            flow.origin.clone(),
            or_empty(flow.origin_id.as_ref()),
        ]);
    }
    table
}
