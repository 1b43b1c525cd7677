//! `ravelin events`.

use std::time::Duration;

use ravelin_api_types::{Event, Gap, PacketDropped, PolicyVerdict};
use reqwest::header::HeaderName;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::{Api, Call};
use crate::commands::{live_flows, tuning};
use crate::error::CliError;
use crate::output::{Output, remark, word};
use crate::recovery_text;
use crate::sse::{Message, Parser};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Waits between attempts to connect again: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Which events, and for how long.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Connect again when the stream breaks off, and go on where it did; ends only when it is interrupted.
    #[arg(long, short)]
    follow: bool,
    /// Only events of these types, such as feature_changed,packet_dropped.
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
}

impl Arguments {
    /// Events of one type, until it is interrupted.
    pub fn following(type_: &str) -> Self {
        Self {
            follow: true,
            types: vec![type_.to_owned()],
        }
    }
}

/// Prints events as they happen, one line each.
pub async fn run(arguments: &Arguments, api: &mut Api, output: &mut Output) -> Result<(), CliError> {
    let mut last_id = None;
    let mut response = connect(arguments, None, api).await?;
    loop {
        let ended = read(response, &mut last_id, api, output).await;
        match ended {
            Ok(()) if !arguments.follow => return Ok(()),
            Ok(()) | Err(CliError::BrokeOff { .. }) if arguments.follow => {}
            other => return other,
        }
        remark("the event stream broke off; connecting again");
        response = connect_again(arguments, last_id.as_deref(), api).await?;
    }
}

async fn connect(arguments: &Arguments, last_id: Option<&str>, api: &Api) -> Result<Response, CliError> {
    let mut call = Call::new(Method::GET, &["events"]);
    if !arguments.types.is_empty() {
        call = call.query("types", arguments.types.join(","));
    }
    if let Some(id) = last_id {
        call = call.header(LAST_EVENT_ID, id);
    }
    api.stream(call).await
}

/// Tries until the engine answers. What it refuses, it will refuse again; what says to come back later does not count.
async fn connect_again(
    arguments: &Arguments,
    last_id: Option<&str>,
    api: &mut Api,
) -> Result<Response, CliError> {
    let mut wait = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        // The access token of before may have expired.
        let attempt = match api.authorize().await {
            Ok(()) => connect(arguments, last_id, api).await,
            Err(error) => Err(error),
        };
        match attempt {
            Err(CliError::Unreachable { .. } | CliError::BrokeOff { .. }) => {}
            Err(CliError::Refused(problem)) if matches!(problem.status, 429 | 502..=504) => {}
            other => return other,
        }
        wait = LONGEST_WAIT.min(wait * 2);
    }
}

/// Prints until the stream ends.
async fn read(
    mut response: Response,
    last_id: &mut Option<String>,
    api: &Api,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut parser = Parser::default();
    loop {
        let bytes = match response.chunk().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(()),
            Err(error) => {
                return Err(CliError::BrokeOff {
                    cause: error.to_string(),
                });
            }
        };
        let messages = parser.push(&bytes).map_err(|error| api.strange(error))?;
        for message in &messages {
            print(message, api, output)?;
        }
        if let Some(id) = parser.last_id() {
            *last_id = Some(id.to_owned());
        }
    }
}

fn print(message: &Message, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let mut data: Value = serde_json::from_str(&message.data).map_err(|error| api.strange(error))?;
    if output.is_json() {
        if let Some(members) = data.as_object_mut() {
            members.entry("type").or_insert_with(|| json!(message.event));
        }
        return output.json(&data);
    }
    if message.event == "gap" {
        let Gap { lost } = api.read(data)?;
        return output.line(&format!("gap: {lost} events are missing here"));
    }
    // A newer engine may have types this program does not know.
    match serde_json::from_value::<Event>(data.clone()) {
        Ok(event) => output.line(&format!(
            "{}  {}  {}",
            event.at,
            word(&event.type_),
            describe(&event)
        )),
        Err(_) => output.line(&format!("{}  {data}", message.event)),
    }
}

fn describe(event: &Event) -> String {
    if let Some(change) = &event.feature_changed {
        let (feature, state) = (word(&change.feature), word(&change.state));
        let switch = if change.enabled {
            format!("enabled and {state}")
        } else {
            state
        };
        return format!("{feature} is {switch} at revision {}", change.revision);
    }
    if let Some(change) = &event.list_changed {
        return match change.entries_count {
            Some(count) => format!(
                "{} has {count} entries at revision {}",
                change.list, change.revision
            ),
            None => format!("{} is gone at revision {}", change.list, change.revision),
        };
    }
    if let Some(change) = &event.interface_changed {
        let state = match (change.present, change.attached) {
            (false, _) => "is gone",
            (true, true) => "is there and attached",
            (true, false) => "is there and not attached",
        };
        return format!("{} {state}", change.interface);
    }
    if let Some(packet) = &event.packet_dropped {
        return describe_packet(packet);
    }
    if let Some(verdict) = &event.policy_verdict {
        return describe_verdict(verdict);
    }
    if let Some(change) = &event.policy_changed {
        let enforced = if change.enforced {
            "enforced"
        } else {
            "not enforced"
        };
        let until = change
            .confirm_until
            .map(|until| format!(", to be confirmed until {until}"));
        return format!(
            "revision {} is {enforced}{}",
            change.revision,
            until.unwrap_or_default()
        );
    }
    if let Some(recovery) = &event.recovery_changed {
        return recovery_text::describe(recovery);
    }
    if let Some(update) = &event.system_update_changed {
        let problem = update.problem.as_ref().map(|problem| format!(": {problem}"));
        return format!("{} is {}{}", update.id, update.state, problem.unwrap_or_default());
    }
    if let Some(decision) = &event.tuning_decided {
        return tuning::describe(decision);
    }
    if let Some(judged) = &event.live_flows_judged {
        let revision = judged.revision;
        return match &judged.problem {
            Some(problem) => format!("revision {revision}: {}", live_flows::not_judged(problem)),
            None => format!(
                "revision {revision} cut {} live connections and kept {}",
                judged.cut, judged.kept
            ),
        };
    }
    if let Some(killed) = &event.flows_killed {
        let how = if killed.reset { " with a reset" } else { "" };
        return format!("{} live connections were ended{how}", killed.killed);
    }
    match &event.dns_query_blocked {
        Some(query) => format!("{} {}", query.name, describe_packet(&query.packet)),
        None => String::new(),
    }
}

fn describe_packet(packet: &PacketDropped) -> String {
    let interface = packet
        .interface
        .clone()
        .unwrap_or_else(|| format!("#{}", packet.interface_index));
    let list = packet
        .list
        .as_ref()
        .map(|list| format!(" list {list}"))
        .unwrap_or_default();
    let entry = packet
        .entry
        .as_ref()
        .map(|entry| format!(" entry {entry}"))
        .unwrap_or_default();
    format!(
        "{} from {} port {} to {} port {} protocol {} on {interface}{list}{entry}",
        word(&packet.reason),
        packet.source,
        packet.source_port,
        packet.destination,
        packet.destination_port,
        packet.protocol,
    )
}

fn describe_verdict(verdict: &PolicyVerdict) -> String {
    let by = verdict.origin_id.as_ref().or(verdict.origin.as_ref());
    let zone = |zone: &Option<String>| zone.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{} by {} from {} port {} to {} port {} protocol {}, zone {} to {}, {}",
        verdict.action,
        by.map_or("-", String::as_str),
        verdict.source,
        verdict.source_port,
        verdict.destination,
        verdict.destination_port,
        verdict.protocol,
        zone(&verdict.from_zone),
        zone(&verdict.to_zone),
        verdict.backend,
    )
}
