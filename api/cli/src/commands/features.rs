//! `ravelin features`.

use std::path::PathBuf;

use clap::Subcommand;
use ravelin_api_types::{Feature, Page};
use reqwest::Method;
use serde_json::{Map, Value};

use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::table::Table;

/// Where the features are.
pub const PATH: &[&str] = &["ebpf", "features"];

/// What to do with features.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every feature and how it is doing.
    List,
    /// One feature: state, hooks, configuration, counters.
    Show {
        /// Its name.
        name: String,
    },
    /// Switch a feature on.
    Enable {
        /// Its name.
        name: String,
    },
    /// Switch a feature off.
    Disable {
        /// Its name.
        name: String,
    },
    /// Show the configuration of a feature, or change it.
    Config {
        /// The feature's name.
        name: String,
        /// Change one value; JSON, or text as it is: action=drop, lists=["blocklist"].
        #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "file", value_parser = assignment)]
        set: Vec<(String, Value)>,
        /// Replace the whole configuration by the JSON in this file.
        #[arg(long, value_name = "JSON")]
        file: Option<PathBuf>,
    },
}

/// `KEY=VALUE`, the value JSON or text as it is.
pub fn assignment(text: &str) -> Result<(String, Value), &'static str> {
    let (key, value) = text.split_once('=').ok_or("is not KEY=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((key.to_owned(), value))
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => {
            let features = api.collect(PATH, &[], None).await?;
            if output.is_json() {
                return output.json(&features);
            }
            let page: Page<Feature> = api.read(features)?;
            output.table(&table(&page.items))
        }
        Command::Show { name } => {
            let answer = api.get(&["ebpf", "features", name]).await?;
            show(answer.body, api, output)
        }
        Command::Enable { name } => switch(name, "enable", api, output).await,
        Command::Disable { name } => switch(name, "disable", api, output).await,
        Command::Config { name, set, file } => match file {
            Some(file) => replace(name, file, api, output).await,
            None if set.is_empty() => {
                let answer = api.get(&["ebpf", "features", name, "config"]).await?;
                configuration(&answer.body, output)
            }
            None => change(name, set, api, output).await,
        },
    }
}

async fn switch(name: &str, verb: &str, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let answer = api
        .json(Call::new(Method::POST, &["ebpf", "features", name, verb]))
        .await?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    let feature: Feature = api.read(answer.body)?;
    output.table(&table(&[feature]))
}

/// Changes some values of what is there now: if somebody else changes the configuration in between, it is refused.
async fn change(name: &str, set: &[(String, Value)], api: &Api, output: &mut Output) -> Result<(), CliError> {
    let path = ["ebpf", "features", name, "config"];
    let etag = api.get(&path).await?.etag;
    let patch: Map<String, Value> = set.iter().cloned().collect();
    let call = Call::new(Method::PATCH, &path).if_match(etag.as_deref().unwrap_or("*"));
    configuration(&api.json(call.json(&patch)).await?.body, output)
}

async fn replace(name: &str, file: &PathBuf, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let text = std::fs::read_to_string(file).map_err(|source| CliError::ReadFile {
        path: file.clone(),
        source,
    })?;
    let config: Value = serde_json::from_str(&text).map_err(|error| CliError::BadFile {
        path: file.clone(),
        problem: error.to_string(),
    })?;
    let path = ["ebpf", "features", name, "config"];
    let etag = api.get(&path).await?.etag;
    let call = Call::new(Method::PUT, &path).if_match(etag.as_deref().unwrap_or("*"));
    configuration(&api.json(call.json(&config)).await?.body, output)
}

/// The overview of features.
pub fn table(features: &[Feature]) -> Table {
    let mut table = Table::new(&["FEATURE", "ENABLED", "STATE", "REASON"]);
    for feature in features {
        table.row([
            word(&feature.name),
            yes_no(feature.enabled),
            word(&feature.state),
            or_empty(feature.state_reason.as_ref()),
        ]);
    }
    table
}

fn show(body: Value, api: &Api, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(&body);
    }
    let config = body.get("config").cloned().unwrap_or_default();
    let feature: Feature = api.read(body)?;
    output.line(&feature.summary)?;
    output.line("")?;
    output.table(&table(std::slice::from_ref(&feature)))?;
    output.line("")?;
    output.table(&settings(&config))?;
    output.line("")?;
    let mut hooks = Table::new(&["INTERFACE", "HOOK", "MODE", "PROGRAM"]);
    for hook in &feature.hooks {
        hooks.row([
            hook.interface.clone(),
            word(&hook.hook),
            or_empty(hook.mode.as_ref().map(word)),
            hook.program_id.to_string(),
        ]);
    }
    output.table(&hooks)?;
    output.line("")?;
    if let Some(sync) = &feature.sync {
        let mut table = Table::new(&["FLOW CACHE", "SINCE", "PROBLEM"]);
        table.row([
            word(&sync.state),
            or_empty(sync.synced_at),
            or_empty(sync.problem.as_ref()),
        ]);
        output.table(&table)?;
        output.line("")?;
    }
    if let Some(interfaces) = &feature.offload_interfaces {
        let mut table = Table::new(&["INTERFACE", "ELIGIBLE", "PROBLEM"]);
        for interface in interfaces {
            table.row([
                interface.interface.clone(),
                yes_no(interface.eligible),
                or_empty(interface.problem.as_ref()),
            ]);
        }
        output.table(&table)?;
        output.line("")?;
    }
    if let Some(interfaces) = &feature.hw_offload_interfaces {
        let mut table = Table::new(&["INTERFACE", "SUPPORTED", "FLOWS", "CAPACITY", "REASON"]);
        for interface in interfaces {
            table.row([
                interface.interface.clone(),
                yes_no(interface.supported),
                interface.installed_flows.to_string(),
                or_empty(interface.capacity_flows),
                or_empty(interface.reason.as_ref()),
            ]);
        }
        output.table(&table)?;
        output.line("")?;
    }
    let mut counters = Table::new(&["COUNTER", "VALUE"]);
    for counter in &feature.counters {
        counters.row([counter.name.clone(), counter.value.to_string()]);
    }
    output.table(&counters)
}

fn configuration(body: &Value, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(body);
    }
    output.table(&settings(body.get("config").unwrap_or(body)))
}

fn settings(config: &Value) -> Table {
    let mut table = Table::new(&["SETTING", "VALUE"]);
    for (key, value) in config.as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.row([key.clone(), value]);
    }
    table
}
