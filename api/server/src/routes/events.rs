//! The stream of events (server-sent events).

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event as SseEvent, KeepAlive};
use futures::stream::{self, Stream};
use ravelin_api_types::{Event, Gap, ProblemKind};
use ravelin_control::{EventStream, StreamItem};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::extract::Query;
use crate::failure::Failure;
use crate::state::AppState;

/// A comment is sent after so long without an event, so that both ends notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

/// Which events to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only these types, separated by commas; gaps are always told.
    #[param(
        nullable = false,
        max_length = 255,
        example = "feature_changed,packet_dropped"
    )]
    types: Option<String>,
}

/// Follow what happens
///
/// Server-sent events: `id` is the sequence number, `event` the type, `data` an `Event` in JSON. An event `gap` with a
/// `Gap` says how many events are missing at its place. Comments keep the connection alive.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "stream_events",
    tag = "events",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, nullable = false, description = "Resume after this event."),
    ),
    extensions(("x-stream" = json!(true))),
    responses((status = 200, description = "Events, until either side ends it.", body = String, content_type = "text/event-stream"))
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, Failure> {
    let types = query.types.as_deref().map(types).transpose()?;
    let after = last_event_id(&headers)?;
    let events = state.control().subscribe(after);
    Ok(Sse::new(frames(events, types)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn types(text: &str) -> Result<HashSet<&'static str>, Failure> {
    let known = ravelin_model::Event::KINDS;
    let find = |name: &str| {
        let found = known.into_iter().find(|kind| *kind == name);
        found.ok_or_else(|| Failure::invalid_query(format!("'{name}' is not a type: {}", known.join(", "))))
    };
    text.split(',').map(find).collect()
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let parse = |value: &axum::http::HeaderValue| value.to_str().ok()?.parse().ok();
    headers
        .get(LAST_EVENT_ID)
        .map(|value| {
            parse(value).ok_or_else(|| {
                Failure::new(
                    ProblemKind::InvalidHeader,
                    "Last-Event-ID is not the id of an event",
                )
            })
        })
        .transpose()
}

fn frames(
    events: EventStream,
    types: Option<HashSet<&'static str>>,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    stream::unfold((events, types), |(mut events, types)| async move {
        loop {
            let frame = match events.next().await? {
                StreamItem::Gap(lost) => frame("gap", &Gap { lost }),
                StreamItem::Event(event) => {
                    let kind = event.event.kind();
                    if types.as_ref().is_some_and(|types| !types.contains(kind)) {
                        continue;
                    }
                    let id = event.sequence.to_string();
                    frame(kind, &Event::from(event)).id(id)
                }
            };
            return Some((Ok(frame), (events, types)));
        }
    })
}

fn frame(kind: &str, data: &impl Serialize) -> SseEvent {
    // Strings and numbers only: this cannot fail, and JSON has no line breaks.
    SseEvent::default()
        .event(kind)
        .data(serde_json::to_string(data).unwrap_or_default())
}
