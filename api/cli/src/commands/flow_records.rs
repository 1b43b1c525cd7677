//! `ravelin flow-records`.

use ravelin_api_types::{FlowRecord, FlowTuple, Page};

use crate::api::Api;
use crate::commands::policy::simulate::line;
use crate::error::CliError;
use crate::output::{Output, or_empty, remark, word};
use crate::table::Table;

/// Which records.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only the one with this number.
    #[arg(conflicts_with_all = ["since", "until", "address", "port", "protocol", "zone", "rule", "end_reason", "min_bytes", "community_id"])]
    number: Option<u64>,
    /// Only what ended at this time or later, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what ended before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only from or to this address or prefix, before or after translation.
    #[arg(long)]
    address: Option<String>,
    /// Only from or to this port, before or after translation.
    #[arg(long)]
    port: Option<u16>,
    /// Only this protocol, by name or number.
    #[arg(long)]
    protocol: Option<String>,
    /// Only from or to this zone.
    #[arg(long)]
    zone: Option<String>,
    /// Only what this rule let in.
    #[arg(long)]
    rule: Option<String>,
    /// Only what ended for this reason: closed, reset, timeout, killed, policy or removed.
    #[arg(long, value_name = "REASON")]
    end_reason: Option<String>,
    /// Only with so many bytes or more, both directions together.
    #[arg(long, value_name = "BYTES")]
    min_bytes: Option<u64>,
    /// Only with this Community ID.
    #[arg(long, value_name = "ID")]
    community_id: Option<String>,
    /// At most so many, the newest; 0: all.
    #[arg(long, default_value_t = 100)]
    limit: u64,
}

/// Shows what is left of connections that ended.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    if let Some(number) = arguments.number {
        let record = api.get(&["flow-records", &number.to_string()]).await?.body;
        if output.is_json() {
            return output.json(&record);
        }
        return output.table(&table(&[api.read(record)?]));
    }
    let limit = (arguments.limit > 0).then_some(arguments.limit);
    let records = api
        .collect(&["flow-records"], &arguments.filters(), limit)
        .await?;
    if output.is_json() {
        return output.json(&records);
    }
    let page: Page<FlowRecord> = api.read(records)?;
    output.table(&table(&page.items))?;
    if page.next_cursor.is_some() {
        remark("there are more records; --limit 0 shows all");
    }
    Ok(())
}

impl Arguments {
    fn filters(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("address", self.address.clone()),
            ("port", self.port.map(|port| port.to_string())),
            ("protocol", self.protocol.clone()),
            ("zone", self.zone.clone()),
            ("rule", self.rule.clone()),
            ("end_reason", self.end_reason.clone()),
            ("min_bytes", self.min_bytes.map(|bytes| bytes.to_string())),
            ("community_id", self.community_id.clone()),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// Oldest first, so that the newest is where the eye is.
fn table(records: &[FlowRecord]) -> Table {
    let mut table = Table::new(&[
        "NUMBER",
        "ENDED",
        "SECONDS",
        "REASON",
        "PROTOCOL",
        "SOURCE",
        "PORT",
        "DESTINATION",
        "PORT",
        "PACKETS",
        "BYTES",
        "BACK-PACKETS",
        "BACK-BYTES",
        "BY",
    ]);
    for record in records.iter().rev() {
        let FlowTuple {
            source,
            destination,
            source_port,
            destination_port,
        } = record.original;
        table.row([
            record.number.to_string(),
            record.ended_at.to_string(),
            or_empty(
                record
                    .duration_ms
                    .map(|lived| format!("{}.{:03}", lived / 1000, lived % 1000)),
            ),
            word(&record.end_reason),
            record.protocol.to_string(),
            source.to_string(),
            source_port.to_string(),
            destination.to_string(),
            destination_port.to_string(),
            record.counts.original.packets.to_string(),
            record.counts.original.bytes.to_string(),
            record.counts.reply.packets.to_string(),
            record.counts.reply.bytes.to_string(),
            or_empty(record.line.as_ref().map(line)),
        ]);
    }
    table
}
