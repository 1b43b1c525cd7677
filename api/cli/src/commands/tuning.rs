//! `ravelin tuning`.

use clap::Subcommand;
use ravelin_api_types::{TunedObject, Tuning, TuningDecision, TuningWindow};
use reqwest::Method;
use serde_json::{Map, Value};

use crate::api::{Api, Call};
use crate::commands::features::assignment;
use crate::error::CliError;
use crate::output::{Output, or_empty, word};
use crate::table::Table;

const PATH: &[&str] = &["tuning"];

/// Shows tuning, or changes what it keeps to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is tuned, the last window and the last decisions (the default).
    Show,
    /// Change mode, window, ceiling or limits; it is in force at once.
    Set {
        /// mode=auto, window_seconds=10, memory_ceiling_bytes=536870912, limits.flow_cache_connections.max=262144 …
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = assignment)]
        set: Vec<(String, Value)>,
    },
}

/// Carries out a command.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let answer = match &arguments.command {
        None | Some(Command::Show) => api.get(PATH).await?,
        Some(Command::Set { set }) => {
            let etag = api.get(PATH).await?.etag;
            let call = Call::new(Method::PATCH, PATH).if_match(etag.as_deref().unwrap_or("*"));
            api.json(call.json(&patch(set))).await?
        }
    };
    if output.is_json() {
        return output.json(&answer.body);
    }
    show(&api.read(answer.body)?, output)
}

/// Keys with dots are paths.
fn patch(set: &[(String, Value)]) -> Value {
    let mut patch = Map::new();
    for (key, value) in set {
        let mut members = &mut patch;
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                members.insert(name.to_owned(), value.clone());
                break;
            }
            let inner = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Some(inner) = inner.as_object_mut() else { break };
            members = inner;
        }
    }
    Value::Object(patch)
}

fn show(tuning: &Tuning, output: &mut Output) -> Result<(), CliError> {
    let mut settings = Table::new(&["MODE", "WINDOW-SECONDS", "CEILING-BYTES", "REVISION"]);
    settings.row([
        word(&tuning.mode),
        tuning.window_seconds.to_string(),
        tuning.memory_ceiling_bytes.to_string(),
        tuning.revision.to_string(),
    ]);
    output.table(&settings)?;
    output.line("")?;
    let mut objects = Table::new(&["OBJECT", "INTERFACE", "VALUE", "MIN", "MAX", "BYTES", "CHANGED"]);
    for object in &tuning.objects {
        let TunedObject {
            object,
            interface,
            value,
            min,
            max,
            memory_bytes,
            last_changed_at,
        } = object;
        objects.row([
            word(object),
            or_empty(interface.as_ref()),
            value.to_string(),
            min.to_string(),
            max.to_string(),
            memory_bytes.to_string(),
            or_empty(last_changed_at.as_ref()),
        ]);
    }
    output.table(&objects)?;
    output.line("")?;
    if let Some(window) = &tuning.window {
        output.table(&figures(window))?;
        output.line("")?;
    }
    let mut decisions = Table::new(&["AT", "OBJECT", "FROM", "TO", "OUTCOME", "REASON"]);
    for decision in &tuning.decisions {
        decisions.row([
            decision.at.to_string(),
            object_of(decision),
            decision.from.to_string(),
            decision.to.to_string(),
            word(&decision.outcome),
            reason_of(decision),
        ]);
    }
    output.table(&decisions)
}

fn figures(window: &TuningWindow) -> Table {
    let mut table = Table::new(&["LAST WINDOW", "VALUE"]);
    let mut row = |name: &str, value: String| {
        table.row([name.to_owned(), value]);
    };
    row("seconds", format!("{:.1}", window.seconds));
    if let Some(cache) = &window.flow_cache {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        row("flow cache hit rate", or_empty(cache.hit_rate.map(percent)));
        row("flow cache occupancy", percent(cache.occupancy));
        row("connections refused", cache.refused_connections.to_string());
    }
    if let Some(events) = &window.events {
        row("events read", events.read_events.to_string());
        row("events suppressed", events.suppressed_events.to_string());
        row("events lost", events.lost_events.to_string());
    }
    if let Some(seconds) = window.store.mean_batch_seconds {
        row("seconds to store a batch", format!("{seconds:.3}"));
    }
    if let Some(softnet) = &window.softnet {
        row("packets dropped by CPUs", softnet.dropped_packets.to_string());
    }
    if let Some(seconds) = window.engine_cpu_seconds {
        row("CPU seconds of the engine", format!("{seconds:.2}"));
    }
    table
}

fn object_of(decision: &TuningDecision) -> String {
    match &decision.interface {
        Some(interface) => format!("{}:{interface}", word(&decision.object)),
        None => word(&decision.object),
    }
}

fn reason_of(decision: &TuningDecision) -> String {
    match &decision.problem {
        Some(problem) => format!("{}; {problem}", decision.reason),
        None => decision.reason.clone(),
    }
}

/// A decision as an event tells it.
pub fn describe(decision: &TuningDecision) -> String {
    format!(
        "{} from {} to {} was {}: {}",
        object_of(decision),
        decision.from,
        decision.to,
        word(&decision.outcome),
        reason_of(decision)
    )
}
