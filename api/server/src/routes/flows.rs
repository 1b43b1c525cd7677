//! Live connections.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{BadBody, Flow, FlowFilter, FlowKill, FlowKillReport, Page, parse_value, parse_with};
use ravelin_flows::live::{self, FlowCursor, FlowId, FlowSort};
use ravelin_model::Policy;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::extract::{JsonBody, Query, named};
use crate::failure::Failure;
use crate::flows;
use crate::paging::{checked_limit, decode_cursor, encode_cursor};
use crate::respond::{Changed, Revised, revised};
use crate::state::AppState;

/// What connections are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// Their ids: none changes its place.
    #[default]
    Name,
    /// Bytes of both directions.
    Bytes,
    /// Bits a second of both directions.
    Rate,
    /// How long they live.
    Age,
}

/// Which end of the order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// The greatest.
    #[default]
    Desc,
    /// The least.
    Asc,
}

/// Which connections to show. Everything given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlowsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; of the same `sort` and `order`.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// What they are ordered by.
    #[param(nullable = false, inline)]
    sort: Option<Sort>,
    /// Which end comes first; by `name` there is one order only.
    #[param(nullable = false, inline)]
    order: Option<Order>,
    /// Only this protocol, by name or IANA number.
    #[param(nullable = false, max_length = 16, example = "tcp")]
    protocol: Option<String>,
    /// Only those begun by this address, or one of this prefix, before or after translation.
    #[param(nullable = false, max_length = 64, example = "192.0.2.0/24")]
    source: Option<String>,
    /// Only those to this address or prefix, before or after translation.
    #[param(nullable = false, max_length = 64, example = "2001:db8::7")]
    destination: Option<String>,
    /// Only those with either side at this address or prefix.
    #[param(nullable = false, max_length = 64)]
    address: Option<String>,
    /// Only those to this port, before or after translation.
    #[param(nullable = false, maximum = 65535)]
    port: Option<u32>,
    /// Only from or to this zone, by id or name.
    #[param(nullable = false, max_length = 128)]
    zone: Option<String>,
    /// Only those this rule let in, by id or name; an id may be that of a rule that is gone.
    #[param(nullable = false, max_length = 128)]
    rule: Option<String>,
    /// Only those whose `state` is this.
    #[param(nullable = false, max_length = 32, example = "established")]
    state: Option<String>,
    /// Only those forwarded by this: `no`, `xdp`, `flowtable` or `hw`.
    #[param(nullable = false, max_length = 16, example = "xdp")]
    offload: Option<String>,
    /// Only those translated like this: `snat`, `dnat`, `any` or `none`.
    #[param(nullable = false, max_length = 8, example = "snat")]
    nat: Option<String>,
}

/// Show the live connections
///
/// Read from the kernel for every answer. The first answer in ten seconds takes one longer, because rates are told from
/// two readings. While pages are turned, connections come and go; sorted by `name` none is shown twice or left out.
#[utoipa::path(
    get,
    path = "/api/v1/flows",
    operation_id = "list_flows",
    tag = "flows",
    params(FlowsQuery),
    responses((status = 200, description = "Connections.", body = Page<Flow>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<FlowsQuery>,
) -> Result<Json<Page<Flow>>, Failure> {
    let view = state.control().policy();
    let query = query.checked(&view.policy)?;
    let live::FlowPage {
        items,
        next,
        matched: _,
    } = state.flows().flows(query).await?;
    let now = OffsetDateTime::now_utc();
    let shown = |item| flows::flow(item, &view.policy, now);
    Ok(Json(Page {
        items: items.into_iter().map(shown).collect(),
        next_cursor: next.map(|next| encode_cursor(&next.to_string())),
    }))
}

/// Show a live connection
///
/// Takes a second where its rate cannot be told from an earlier reading.
#[utoipa::path(
    get,
    path = "/api/v1/flows/{id}",
    operation_id = "get_flow",
    tag = "flows",
    params(("id" = String, Path, description = "Id of the connection.")),
    responses((status = 200, description = "The connection.", body = Flow))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Flow>, Failure> {
    let found = state.flows().flow(flow_id(&id)?).await?;
    let found = found.ok_or_else(gone)?;
    let view = state.control().policy();
    Ok(Json(flows::flow(found, &view.policy, OffsetDateTime::now_utc())))
}

/// How a connection is to be ended.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EndQuery {
    /// Both sides are told with a reset, if it is TCP; else its packets are judged like those of new connections.
    #[param(nullable = false)]
    reset: Option<bool>,
}

/// End a live connection
///
/// It is forgotten at once. What its sides send after that has to be let in by a rule like anything new.
#[utoipa::path(
    delete,
    path = "/api/v1/flows/{id}",
    operation_id = "delete_flow",
    tag = "flows",
    params(("id" = String, Path, description = "Id of the connection."), EndQuery),
    responses((status = 204, description = "The connection has ended."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(EndQuery { reset }): Query<EndQuery>,
) -> Result<Changed<()>, Failure> {
    let reset = reset.unwrap_or(false);
    if state.flows().kill_one(flow_id(&id)?, reset).await? {
        state.control().flows_killed(1, reset);
        Ok(Changed::deleted(state.control().revision()))
    } else {
        Err(gone())
    }
}

/// End live connections
///
/// Those a filter means. Ending every one there is has to be said with `all`.
#[utoipa::path(
    post,
    path = "/api/v1/flows/kill",
    operation_id = "kill_flows",
    tag = "flows",
    request_body(content = FlowKill, description = "Which, and how."),
    responses((status = 200, description = "What became of them.", body = FlowKillReport))
)]
pub(crate) async fn kill(
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> Result<Revised<Json<FlowKillReport>>, Failure> {
    let view = state.control().policy();
    let checked = parse_with(&body, |node, errors| FlowKill::read(node, &view.policy, errors))?;
    let (reset, dry_run) = (checked.reset, checked.dry_run);
    let kill = live::FlowKill {
        filter: checked.filter,
        reset,
        dry_run,
    };
    let killed = state.flows().kill(kill).await?;
    if killed.killed > 0 {
        state.control().flows_killed(killed.killed, reset);
    }
    let report = flows::report(killed, dry_run, &view.policy);
    Ok(revised(Json(report), state.control().revision()))
}

fn flow_id(text: &str) -> Result<FlowId, Failure> {
    named(text, "such connection")
}

fn gone() -> Failure {
    Failure::not_found("such connection")
}

impl FlowsQuery {
    fn checked(self, policy: &Policy) -> Result<live::FlowQuery, Failure> {
        let Self {
            limit,
            cursor,
            sort,
            order,
            protocol,
            source,
            destination,
            address,
            port,
            zone,
            rule,
            state,
            offload,
            nat,
        } = self;
        let sort = match sort.unwrap_or_default() {
            Sort::Name => FlowSort::Name,
            Sort::Bytes => FlowSort::Bytes,
            Sort::Rate => FlowSort::Rate,
            Sort::Age => FlowSort::Age,
        };
        let descending = order.unwrap_or_default() == Order::Desc;
        let strange = || Failure::invalid_query("cursor is not one this collection gave for this order");
        let after = cursor.as_deref().map(decode_cursor).transpose()?;
        let after: Option<FlowCursor> = after
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| strange())?;
        if after.is_some_and(|after| !after.is_of(sort, descending)) {
            return Err(strange());
        }
        // The filter a request to end connections would say.
        let mut said = Map::new();
        for (name, value) in [
            (
                "protocol",
                protocol.map(|text| text.parse().map_or(Value::from(text), u64::into)),
            ),
            ("source", source.map(Value::from)),
            ("destination", destination.map(Value::from)),
            ("address", address.map(Value::from)),
            ("port", port.map(Value::from)),
            ("zone", zone.map(Value::from)),
            ("rule", rule.map(Value::from)),
            ("state", state.map(Value::from)),
            ("offload", offload.map(Value::from)),
            ("nat", nat.map(Value::from)),
        ] {
            said.extend(value.map(|value| (name.to_owned(), value)));
        }
        let said = Value::from(said);
        let filter = parse_value(&said, |node, errors| FlowFilter::read(node, policy, errors));
        let limit = checked_limit(limit)?;
        Ok(live::FlowQuery {
            filter: filter.map_err(invalid)?,
            sort,
            descending,
            after,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }
}

/// What is wrong with a filter, told of the fields of a query.
pub(super) fn invalid(bad: BadBody) -> Failure {
    match bad {
        BadBody::Malformed(detail) => Failure::invalid_query(detail),
        BadBody::Invalid(errors) => {
            let told = errors
                .iter()
                .map(|error| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail));
            Failure::invalid_query(told.collect::<Vec<_>>().join("; "))
        }
    }
}
