//! `ravelin flows`.

pub mod filter;
mod kill;
pub mod text;

use clap::{Args, Subcommand, ValueEnum};
use ravelin_api_types::{Flow, Page};

use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, remark};
use crate::table::Table;
use filter::Filter;

/// Where live connections are.
pub const PATH: &[&str] = &["flows"];

/// What to do with live connections; without a command, show them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Live connections; the same as without a command.
    List(Box<List>),
    /// One connection with all that is known of it.
    Show {
        /// Its id.
        id: String,
    },
    /// End connections: one, or those everything given fits.
    Kill(Box<kill::Arguments>),
}

/// What connections are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Their ids.
    Name,
    /// Bytes of both directions.
    Bytes,
    /// Bits a second of both directions.
    Rate,
    /// How long they live.
    Age,
}

impl Sort {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Bytes => "bytes",
            Self::Rate => "rate",
            Self::Age => "age",
        }
    }
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    filter: Filter,
    /// What they are ordered by, the greatest first.
    #[arg(long, value_enum, default_value = "name")]
    sort: Sort,
    /// The least first.
    #[arg(long)]
    ascending: bool,
    /// At most so many; 0: all.
    #[arg(long, default_value_t = 100)]
    limit: u64,
}

/// Carries out a command.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match &arguments.command {
        None => list(&arguments.list, api, output).await,
        Some(Command::List(some)) => list(some, api, output).await,
        Some(Command::Show { id }) => {
            let answer = api.get(&["flows", id]).await?;
            if output.is_json() {
                return output.json(&answer.body);
            }
            output.table(&text::whole(&api.read(answer.body)?))
        }
        Some(Command::Kill(arguments)) => kill::run(arguments, api, output).await,
    }
}

async fn list(list: &List, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let limit = (list.limit > 0).then_some(list.limit);
    let mut fields = list.filter.query();
    if list.sort != Sort::Name {
        let order = if list.ascending { "asc" } else { "desc" };
        fields.push(("sort", list.sort.word().to_owned()));
        fields.push(("order", order.to_owned()));
    }
    let flows = api.collect(PATH, &fields, limit).await?;
    if output.is_json() {
        return output.json(&flows);
    }
    let page: Page<Flow> = api.read(flows)?;
    output.table(&table(&page.items))?;
    if page.next_cursor.is_some() {
        remark("there are more connections; --limit 0 shows all");
    }
    Ok(())
}

/// Connections, one a line.
pub fn table(flows: &[Flow]) -> Table {
    let mut table = Table::new(&[
        "PROTOCOL",
        "SOURCE",
        "DESTINATION",
        "NAT",
        "STATE",
        "FROM",
        "TO",
        "AGE",
        "IDLE",
        "BYTES",
        "BPS",
        "OFFLOAD",
        "LINE",
        "ID",
    ]);
    for flow in flows {
        table.row([
            text::protocol(flow),
            text::source(flow),
            text::destination(flow),
            text::nat(flow),
            flow.state.clone(),
            text::zone(flow.from.as_ref()),
            text::zone(flow.to.as_ref()),
            or_empty(flow.age_seconds.map(text::time)),
            or_empty(flow.idle_seconds.map(text::time)),
            or_empty(text::bytes(flow)),
            or_empty(text::bits_per_second(flow)),
            flow.offload.clone(),
            text::line(flow),
            flow.id.clone(),
        ]);
    }
    table
}
