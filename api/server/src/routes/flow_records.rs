//! What is left of connections.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{FlowEndReason, FlowRecord, FromJson, IpProtocol, Page, ZoneSpec, parse_value};
use ravelin_flows::records::{FlowRecordFilter, FlowRecordPage};
use ravelin_model::Policy;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::flows::invalid;
use super::verdict_log::{network, rule_id, time};
use crate::extract::{Query, named};
use crate::failure::Failure;
use crate::flows;
use crate::paging::{checked_limit, decode_cursor, encode_cursor};
use crate::policy::Resource;
use crate::state::AppState;

/// Which records to show. Everything given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlowRecordsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// Only what ended at this time or later.
    #[param(nullable = false, max_length = 64, example = "2026-01-31T12:00:00Z")]
    since: Option<String>,
    /// Only what ended before this time.
    #[param(nullable = false, max_length = 64, example = "2026-01-31T13:00:00Z")]
    until: Option<String>,
    /// Only from or to this address, or one of this prefix, before or after translation.
    #[param(nullable = false, max_length = 64, example = "192.0.2.0/24")]
    address: Option<String>,
    /// Only from or to this port, before or after translation; of protocols that have ports.
    #[param(nullable = false, minimum = 0, maximum = 65535)]
    port: Option<u16>,
    /// Only this protocol, by name or IANA number.
    #[param(nullable = false, max_length = 16, example = "tcp")]
    protocol: Option<String>,
    /// Only from or to this zone, by id or name; an id may be that of a zone that is gone.
    #[param(nullable = false, max_length = 128)]
    zone: Option<String>,
    /// Only what this rule let in, by id or name; an id may be that of a rule that is gone.
    #[param(nullable = false, max_length = 128)]
    rule: Option<String>,
    /// Only what ended for this reason.
    #[param(nullable = false, inline)]
    end_reason: Option<FlowEndReason>,
    /// Only with so many bytes or more, both directions together.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    min_bytes: Option<u64>,
    /// Only with this Community ID.
    #[param(nullable = false, max_length = 64, example = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=")]
    community_id: Option<String>,
}

/// Show what is left of connections that ended
///
/// Newest first. The feature `flow_records` has them written, and says how many are kept and for how long. Connections
/// that ended while nobody followed them have none.
#[utoipa::path(
    get,
    path = "/api/v1/flow-records",
    operation_id = "list_flow_records",
    tag = "flows",
    params(FlowRecordsQuery),
    responses((status = 200, description = "Records, newest first.", body = Page<FlowRecord>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<FlowRecordsQuery>,
) -> Result<Json<Page<FlowRecord>>, Failure> {
    let view = state.control().policy();
    let filter = query.checked(&view.policy)?;
    let FlowRecordPage { items, next } = state.flows().records(filter).await?;
    let items = items
        .into_iter()
        .map(|stored| flows::record(stored, &view.policy));
    Ok(Json(Page {
        items: items.collect(),
        next_cursor: next.map(|number| encode_cursor(&number.to_string())),
    }))
}

/// Show what is left of a connection
#[utoipa::path(
    get,
    path = "/api/v1/flow-records/{number}",
    operation_id = "get_flow_record",
    tag = "flows",
    params(("number" = String, Path, description = "Number of the record.")),
    responses((status = 200, description = "The record.", body = FlowRecord))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(number): Path<String>,
) -> Result<Json<FlowRecord>, Failure> {
    const WHAT: &str = "such flow record";
    let stored = state.flows().record(named(&number, WHAT)?).await?;
    let stored = stored.ok_or_else(|| Failure::not_found(WHAT))?;
    Ok(Json(flows::record(stored, &state.control().policy().policy)))
}

impl FlowRecordsQuery {
    fn checked(self, policy: &Policy) -> Result<FlowRecordFilter, Failure> {
        let Self {
            limit,
            cursor,
            since,
            until,
            address,
            port,
            protocol,
            zone,
            rule,
            end_reason,
            min_bytes,
            community_id,
        } = self;
        let before = cursor.as_deref().map(decode_cursor).transpose()?;
        let before = before.map(|number| number.parse()).transpose();
        let protocol = protocol.as_deref().map(self::protocol).transpose()?;
        Ok(FlowRecordFilter {
            since: since.map(|text| time("since", &text)).transpose()?,
            until: until.map(|text| time("until", &text)).transpose()?,
            address: address.as_deref().map(network).transpose()?,
            port,
            protocol: protocol.and_then(IpProtocol::number),
            zone: zone.map(|text| zone_id(&text, policy)).transpose()?,
            rule: rule.map(|text| rule_id(&text, policy)).transpose()?,
            end_reason: end_reason.map(Into::into),
            min_bytes,
            community_id: community_id.as_deref().map(self::community_id).transpose()?,
            before: before.map_err(|_| Failure::invalid_query("cursor is not one this collection gave"))?,
            limit: checked_limit(limit)?,
        })
    }
}

fn protocol(text: &str) -> Result<IpProtocol, Failure> {
    let value = text.parse().map_or_else(|_| Value::from(text), u64::into);
    parse_value(&value, |node, errors| {
        IpProtocol::from_json(node.within("protocol", node.value()), errors)
    })
    .map_err(invalid)
}

fn zone_id(text: &str, policy: &Policy) -> Result<ravelin_model::ZoneId, Failure> {
    let named = ZoneSpec::named(policy, text).or_else(|| text.parse().ok());
    named.ok_or_else(|| Failure::invalid_query(format!("there is no zone '{text}'")))
}

fn community_id(text: &str) -> Result<String, Failure> {
    // A plus sign that was not escaped comes as a space, and there are no spaces in it.
    let text = text.replace(' ', "+");
    // Of another version or another seed there are none, which is an answer; without a version it is a mistake.
    let is_one = |(version, hash): (&str, &str)| !version.is_empty() && !hash.is_empty();
    if text.split_once(':').is_some_and(is_one) {
        Ok(text)
    } else {
        Err(Failure::invalid_query(
            "community_id is not like 1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        ))
    }
}
