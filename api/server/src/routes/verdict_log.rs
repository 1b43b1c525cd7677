//! Verdicts that were logged.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use ipnet::IpNet;
use ravelin_api_types::{Action, LoggedVerdict, Page, RuleSpec, Timestamp};
use ravelin_control::{VerdictPage, VerdictQuery};
use ravelin_model::Policy;
use serde::Deserialize;
use utoipa::IntoParams;

use super::rule_filter::zone_id;
use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::{checked_limit, decode_cursor, encode_cursor};
use crate::policy::Resource;
use crate::state::AppState;

/// Which verdicts to show. Everything given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerdictsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// Only from or to this address, or one of this prefix.
    #[param(nullable = false, max_length = 64, example = "192.0.2.0/24")]
    address: Option<String>,
    /// Only from or to this zone, by id or name.
    #[param(nullable = false, max_length = 128)]
    zone: Option<String>,
    /// Only what this rule decided, by id or name; an id may be that of a rule that is gone.
    #[param(nullable = false, max_length = 128)]
    rule: Option<String>,
    /// Only with this action.
    #[param(nullable = false, inline)]
    action: Option<Action>,
    /// Not older than this time.
    #[param(nullable = false, max_length = 64, example = "2026-01-31T12:00:00Z")]
    since: Option<String>,
}

/// Show verdicts of rules and zone pairs that are logged
///
/// Newest first. The data plane sends a bounded number a second, and a bounded number is kept.
#[utoipa::path(
    get,
    path = "/api/v1/verdict-log",
    operation_id = "list_verdicts",
    tag = "policy",
    params(VerdictsQuery),
    responses((status = 200, description = "Verdicts, newest first.", body = Page<LoggedVerdict>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<VerdictsQuery>,
) -> Result<Json<Page<LoggedVerdict>>, Failure> {
    let query = query.checked(&state.control().policy().policy)?;
    let VerdictPage { items, next } = state.control().verdict_log(query).await?;
    let shown = |logged: ravelin_control::LoggedVerdict| LoggedVerdict {
        number: logged.number,
        at: Timestamp(logged.at),
        verdict: logged.verdict.into(),
    };
    Ok(Json(Page {
        items: items.into_iter().map(shown).collect(),
        next_cursor: next.map(|number| encode_cursor(&number.to_string())),
    }))
}

impl VerdictsQuery {
    fn checked(self, policy: &Policy) -> Result<VerdictQuery, Failure> {
        let Self {
            limit,
            cursor,
            address,
            zone,
            rule,
            action,
            since,
        } = self;
        let before = cursor.as_deref().map(decode_cursor).transpose()?;
        let before = before.map(|number| number.parse()).transpose();
        Ok(VerdictQuery {
            since: since.map(|since| time("since", &since)).transpose()?,
            address: address.as_deref().map(network).transpose()?,
            zone: zone.as_deref().map(|zone| zone_id(zone, policy)).transpose()?,
            rule: rule.as_deref().map(|rule| rule_id(rule, policy)).transpose()?,
            action: action.map(Into::into),
            before: before.map_err(|_| Failure::invalid_query("cursor is not one this collection gave"))?,
            limit: checked_limit(limit)?,
        })
    }
}

/// The time a field of a query says.
pub(super) fn time(name: &str, text: &str) -> Result<time::OffsetDateTime, Failure> {
    let time = text.parse::<Timestamp>();
    time.map(|time| time.0)
        .map_err(|error| Failure::invalid_query(format!("{name} {error}")))
}

/// The addresses a query names.
pub(super) fn network(text: &str) -> Result<IpNet, Failure> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address
        .or_else(|_| text.parse::<IpNet>().map(|network| network.trunc()))
        .map_err(|_| Failure::invalid_query("address is not an address or a prefix"))
}

/// The rule a query names, which may be gone.
pub(super) fn rule_id(text: &str, policy: &Policy) -> Result<ravelin_model::RuleId, Failure> {
    let named = RuleSpec::named(policy, text).or_else(|| text.parse().ok());
    named.ok_or_else(|| Failure::invalid_query(format!("there is no rule '{text}'")))
}
