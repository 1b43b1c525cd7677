//! `ravelin top`.

use std::time::Duration;

use clap::Args;
use ravelin_api_types::{Flow, Page};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::api::Api;
use crate::commands::flows::filter::Filter;
use crate::commands::flows::{PATH, Sort, text};
use crate::error::CliError;
use crate::output::{Output, or_empty};
use crate::table::Table;
use crate::terminal::Terminal;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(2);

/// Connections of one screen where there is no terminal.
const USUAL: usize = 20;

/// Most connections of a screen: a page of the API.
const MOST: usize = 1000;

/// Lines that show no connection.
const HEADING: usize = 3;

/// Which connections, and for how long.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// What they are ordered by at first, the greatest first.
    #[arg(long, value_enum, default_value = "rate")]
    sort: Sort,
    /// Print one screen and end.
    #[arg(long)]
    once: bool,
}

/// Shows the liveliest connections, anew every two seconds, until `q` is pressed.
pub async fn run(arguments: &Arguments, api: &mut Api, output: &mut Output) -> Result<(), CliError> {
    let mut sort = arguments.sort;
    if arguments.once || output.is_json() {
        let page = look(&arguments.filter, sort, USUAL, api).await?;
        if output.is_json() {
            return output.json(&page);
        }
        let page: Page<Flow> = api.read(page)?;
        return output.table(&table(&page.items));
    }
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let Some(terminal) = Terminal::take()? else {
        return Err(CliError::Usage(
            "this is no terminal; --once prints one screen".to_owned(),
        ));
    };
    let mut keys = tokio::io::stdin();
    let mut key = [0];
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = period.tick() => {}
            read = keys.read(&mut key) => match (read?, key[0]) {
                (0, _) | (_, b'q') => return Ok(()),
                (_, b'b') => sort = Sort::Bytes,
                (_, b'r') => sort = Sort::Rate,
                (_, b'a') => sort = Sort::Age,
                _ => continue,
            },
            _ = interrupted.recv() => return Ok(()),
            _ = terminated.recv() => return Ok(()),
        }
        let rows = terminal.size().0.saturating_sub(HEADING).clamp(1, MOST);
        let looked = tokio::select! {
            looked = look(&arguments.filter, sort, rows, api) => looked,
            _ = interrupted.recv() => return Ok(()),
            _ = terminated.recv() => return Ok(()),
        };
        let page = match looked {
            // An access token is good for ten minutes.
            Err(CliError::NotAuthorised(_)) => {
                api.authorize().await?;
                look(&arguments.filter, sort, rows, api).await?
            }
            looked => looked?,
        };
        let page: Page<Flow> = api.read(page)?;
        terminal.show(&screen(&page.items, sort))?;
    }
}

/// The first connections of an order.
async fn look(filter: &Filter, sort: Sort, rows: usize, api: &Api) -> Result<Value, CliError> {
    let mut fields = filter.query();
    fields.push(("sort", sort.word().to_owned()));
    api.collect(PATH, &fields, Some(rows as u64)).await
}

fn screen(flows: &[Flow], sort: Sort) -> String {
    let keys = "keys: b bytes, r rate, a age, q quit";
    format!(
        "connections by {}   {keys}\n\n{}",
        sort.word(),
        table(flows).text()
    )
}

fn table(flows: &[Flow]) -> Table {
    let mut table = Table::new(&[
        "RATE",
        "BYTES",
        "AGE",
        "PROTOCOL",
        "SOURCE",
        "DESTINATION",
        "STATE",
        "FROM",
        "TO",
        "OFFLOAD",
        "LINE",
    ]);
    for flow in flows {
        table.row([
            or_empty(text::bits_per_second(flow).map(text::short)),
            or_empty(text::bytes(flow).map(text::short)),
            or_empty(flow.age_seconds.map(text::time)),
            text::protocol(flow),
            text::source(flow),
            text::destination(flow),
            flow.state.clone(),
            text::zone(flow.from.as_ref()),
            text::zone(flow.to.as_ref()),
            flow.offload.clone(),
            text::line(flow),
        ]);
    }
    table
}
