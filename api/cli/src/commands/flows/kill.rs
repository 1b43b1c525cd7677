//! `ravelin flows kill`.

use clap::Args;
use ravelin_api_types::FlowKillReport;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::table;
use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::Output;

/// Which connections end, and how.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Id of the one connection; instead of a filter.
    id: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Every connection there is; instead of a filter.
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// Tell both sides of TCP with a reset.
    #[arg(long)]
    reset: bool,
    /// Only say which they are.
    #[arg(long, conflicts_with = "id")]
    dry_run: bool,
}

/// Ends connections.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let Arguments {
        id,
        filter,
        all,
        reset,
        dry_run,
    } = arguments;
    let said = filter.json();
    let filtered = said.as_object().is_some_and(|said| !said.is_empty());
    let Some(id) = id else {
        if filtered == *all {
            let advice = "name an id, or connections such as --source 192.0.2.7, or say --all";
            return Err(CliError::Usage(advice.to_owned()));
        }
        return kill(&said, *all, *reset, *dry_run, api, output).await;
    };
    if filtered {
        return Err(CliError::Usage("an id comes instead of a filter".to_owned()));
    }
    let mut call = Call::new(Method::DELETE, &["flows", id]);
    if *reset {
        call = call.query("reset", true);
    }
    let answer = api.json(call).await?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    output.line("1 connection ended")
}

async fn kill(
    filter: &Value,
    all: bool,
    reset: bool,
    dry_run: bool,
    api: &Api,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut body = Map::new();
    if all {
        body.insert("all".to_owned(), json!(true));
    } else {
        body.insert("filter".to_owned(), filter.clone());
    }
    body.insert("reset".to_owned(), json!(reset));
    body.insert("dry_run".to_owned(), json!(dry_run));
    let call = Call::new(Method::POST, &["flows", "kill"]).json(&body);
    let answer = api.json(call).await?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    let report: FlowKillReport = api.read(answer.body)?;
    let FlowKillReport {
        dry_run,
        matched,
        killed,
        sample,
    } = report;
    if !sample.is_empty() {
        output.table(&table(&sample))?;
    }
    if dry_run {
        output.line(&format!("{matched} connections would end"))
    } else {
        output.line(&format!("{killed} of {matched} connections ended"))
    }
}
