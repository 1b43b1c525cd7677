//! Rules.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, Rule, RuleSpec};

use super::rule_filter::RulesQuery;
use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::policy::{self, CommitQuery, Resource, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show the rules
#[utoipa::path(
    get,
    path = "/api/v1/rules",
    operation_id = "list_rules",
    tag = "rules",
    params(RulesQuery),
    responses((status = 200, description = "Rules in their order.", body = Page<Rule>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<RulesQuery>,
) -> Result<Json<Page<Rule>>, Failure> {
    let view = state.control().policy();
    let (page, filter) = query.split(&view.policy)?;
    let mut rules = RuleSpec::all(&view.policy);
    rules.retain(|(_, rule)| filter.fits(rule));
    policy::page_of::<RuleSpec>(&state, &page, &view.policy, rules).await
}

/// Make a rule
///
/// It goes behind all others; see `move_rule`.
#[utoipa::path(
    post,
    path = "/api/v1/rules",
    operation_id = "create_rule",
    tag = "rules",
    params(CommitQuery),
    request_body(content = RuleSpec, description = "What it says."),
    responses((status = 201, description = "The new rule; `Location` says where it is.", body = Rule))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<Rule>, Failure> {
    policy::create::<RuleSpec>(&state, write, &body).await
}

/// Show a rule
#[utoipa::path(
    get,
    path = "/api/v1/rules/{id}",
    operation_id = "get_rule",
    tag = "rules",
    params(("id" = String, Path, description = "Id of the rule.")),
    responses((status = 200, description = "The rule.", body = Rule))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<Rule>, Failure> {
    policy::show::<RuleSpec>(&state, &id).await
}

/// Have a rule say something else
#[utoipa::path(
    put,
    path = "/api/v1/rules/{id}",
    operation_id = "put_rule",
    tag = "rules",
    params(
        ("id" = String, Path, description = "Id of the rule."),
        ("If-Match" = String, Header, description = "ETag of the rule, or `*`."),
        CommitQuery,
    ),
    request_body(content = RuleSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The rule afterwards.", body = Rule))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Rule>, Failure> {
    policy::replace::<RuleSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of what a rule says
#[utoipa::path(
    patch,
    path = "/api/v1/rules/{id}",
    operation_id = "patch_rule",
    tag = "rules",
    params(
        ("id" = String, Path, description = "Id of the rule."),
        ("If-Match" = String, Header, description = "ETag of the rule, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/RuleSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The rule afterwards.", body = Rule))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Rule>, Failure> {
    policy::patch::<RuleSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a rule
#[utoipa::path(
    delete,
    path = "/api/v1/rules/{id}",
    operation_id = "delete_rule",
    tag = "rules",
    params(
        ("id" = String, Path, description = "Id of the rule."),
        ("If-Match" = String, Header, description = "ETag of the rule, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The rule is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<RuleSpec>(&state, write, &id, precondition).await
}
