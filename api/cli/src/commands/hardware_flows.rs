//! `ravelin hardware-flows`.

use clap::ValueEnum;
use ravelin_api_types::{HardwareFlow, HardwareFlowPort, Page};

use crate::api::Api;
use crate::commands::flows::text;
use crate::error::CliError;
use crate::output::{Output, or_empty, remark, word};
use crate::table::Table;

/// Whether a connection is in a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// It is.
    Installed,
    /// It would be, if the mode of `hw_offload` was `active`.
    WouldInstall,
}

/// Which connections.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only those that pass this interface.
    #[arg(long)]
    interface: Option<String>,
    /// Only those of this state.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// At most so many; 0: all.
    #[arg(long, default_value_t = 100)]
    limit: u64,
}

/// Shows connections in network cards.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let limit = (arguments.limit > 0).then_some(arguments.limit);
    let flows = api
        .collect(&["hardware-flows"], &arguments.filters(), limit)
        .await?;
    if output.is_json() {
        return output.json(&flows);
    }
    let page: Page<HardwareFlow> = api.read(flows)?;
    output.table(&table(&page.items))?;
    if page.next_cursor.is_some() {
        remark("there are more connections; --limit 0 shows all");
    }
    Ok(())
}

impl Arguments {
    fn filters(&self) -> Vec<(&'static str, String)> {
        let state = self.state.map(|state| match state {
            State::Installed => "installed",
            State::WouldInstall => "would_install",
        });
        [
            ("interface", self.interface.clone()),
            ("state", state.map(str::to_owned)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

fn table(flows: &[HardwareFlow]) -> Table {
    let mut table = Table::new(&[
        "PROTOCOL",
        "SOURCE",
        "DESTINATION",
        "STATE",
        "FROM",
        "TO",
        "PPS",
        "PACKETS",
        "BYTES",
        "BACK-PACKETS",
        "BACK-BYTES",
        "SINCE",
        "ID",
    ]);
    for flow in flows {
        let tuple = &flow.original;
        table.row([
            text::protocol_name(flow.protocol),
            text::endpoint(tuple.source, tuple.source_port),
            text::endpoint(tuple.destination, tuple.destination_port),
            word(&flow.state),
            port(&flow.from),
            port(&flow.to),
            flow.packets_per_second.to_string(),
            flow.counts.original.packets.to_string(),
            flow.counts.original.bytes.to_string(),
            flow.counts.reply.packets.to_string(),
            flow.counts.reply.bytes.to_string(),
            or_empty(flow.installed_at.as_ref()),
            flow.id.clone(),
        ]);
    }
    table
}

/// `wan0`, or `wan0.100` where frames have a tag.
fn port(port: &HardwareFlowPort) -> String {
    match port.vlan_id {
        Some(id) => format!("{}.{id}", port.interface),
        None => port.interface.clone(),
    }
}
