//! `ravelin log`.

use ravelin_api_types::{LoggedVerdict, Page};

use crate::api::Api;
use crate::commands::events;
use crate::error::CliError;
use crate::output::{Output, or_empty, remark};
use crate::table::Table;

/// Which verdicts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Go on with what comes, as it comes; ends only when it is interrupted.
    #[arg(long, short, conflicts_with_all = ["zone", "rule", "address", "action", "since"])]
    follow: bool,
    /// Only from or to this zone.
    #[arg(long)]
    zone: Option<String>,
    /// Only what this rule decided.
    #[arg(long)]
    rule: Option<String>,
    /// Only from or to this address or prefix.
    #[arg(long)]
    address: Option<String>,
    /// Only with this action: accept, drop or reject.
    #[arg(long)]
    action: Option<String>,
    /// Not older than this time, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most so many, the newest; 0: all.
    #[arg(long, default_value_t = 100)]
    limit: u64,
}

/// Shows verdicts of rules and zone pairs that are logged.
pub async fn run(arguments: &Arguments, api: &mut Api, output: &mut Output) -> Result<(), CliError> {
    if arguments.follow {
        return events::run(&events::Arguments::following("policy_verdict"), api, output).await;
    }
    let limit = (arguments.limit > 0).then_some(arguments.limit);
    let verdicts = api.collect(&["verdict-log"], &arguments.filters(), limit).await?;
    if output.is_json() {
        return output.json(&verdicts);
    }
    let page: Page<LoggedVerdict> = api.read(verdicts)?;
    output.table(&table(&page.items))?;
    if page.next_cursor.is_some() {
        remark("there are more verdicts; --limit 0 shows all");
    }
    Ok(())
}

impl Arguments {
    fn filters(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("zone", &self.zone),
            ("rule", &self.rule),
            ("address", &self.address),
            ("action", &self.action),
            ("since", &self.since),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}

/// Oldest first, so that the newest is where the eye is.
fn table(verdicts: &[LoggedVerdict]) -> Table {
    let mut table = Table::new(&[
        "TIME",
        "ACTION",
        "BY",
        "FROM",
        "TO",
        "SOURCE",
        "PORT",
        "DESTINATION",
        "PORT",
        "PROTOCOL",
        "BACKEND",
    ]);
    for logged in verdicts.iter().rev() {
        let verdict = &logged.verdict;
        table.row([
            logged.at.to_string(),
            verdict.action.clone(),
            or_empty(verdict.origin_id.as_ref().or(verdict.origin.as_ref())),
            or_empty(verdict.from_zone.as_ref()),
            or_empty(verdict.to_zone.as_ref()),
            verdict.source.to_string(),
            verdict.source_port.to_string(),
            verdict.destination.to_string(),
            verdict.destination_port.to_string(),
            verdict.protocol.to_string(),
            verdict.backend.clone(),
        ]);
    }
    table
}
