//! NAT rules.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{NatRule, NatRuleSpec, Page};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every NAT rule
#[utoipa::path(
    get,
    path = "/api/v1/nat-rules",
    operation_id = "list_nat_rules",
    tag = "address translation",
    params(PageQuery),
    responses((status = 200, description = "NAT rules in their order.", body = Page<NatRule>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<NatRule>>, Failure> {
    policy::index::<NatRuleSpec>(&state, &query).await
}

/// Make a NAT rule
///
/// It goes behind all others; see `move_nat_rule`.
#[utoipa::path(
    post,
    path = "/api/v1/nat-rules",
    operation_id = "create_nat_rule",
    tag = "address translation",
    params(CommitQuery),
    request_body(content = NatRuleSpec, description = "What it says."),
    responses((status = 201, description = "The new NAT rule; `Location` says where it is.", body = NatRule))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<NatRule>, Failure> {
    policy::create::<NatRuleSpec>(&state, write, &body).await
}

/// Show a NAT rule
#[utoipa::path(
    get,
    path = "/api/v1/nat-rules/{id}",
    operation_id = "get_nat_rule",
    tag = "address translation",
    params(("id" = String, Path, description = "Id of the NAT rule.")),
    responses((status = 200, description = "The NAT rule.", body = NatRule))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<NatRule>, Failure> {
    policy::show::<NatRuleSpec>(&state, &id).await
}

/// Have a NAT rule say something else
#[utoipa::path(
    put,
    path = "/api/v1/nat-rules/{id}",
    operation_id = "put_nat_rule",
    tag = "address translation",
    params(
        ("id" = String, Path, description = "Id of the NAT rule."),
        ("If-Match" = String, Header, description = "ETag of the NAT rule, or `*`."),
        CommitQuery,
    ),
    request_body(content = NatRuleSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The NAT rule afterwards.", body = NatRule))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<NatRule>, Failure> {
    policy::replace::<NatRuleSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of what a NAT rule says
#[utoipa::path(
    patch,
    path = "/api/v1/nat-rules/{id}",
    operation_id = "patch_nat_rule",
    tag = "address translation",
    params(
        ("id" = String, Path, description = "Id of the NAT rule."),
        ("If-Match" = String, Header, description = "ETag of the NAT rule, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/NatRuleSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The NAT rule afterwards.", body = NatRule))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<NatRule>, Failure> {
    policy::patch::<NatRuleSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a NAT rule
#[utoipa::path(
    delete,
    path = "/api/v1/nat-rules/{id}",
    operation_id = "delete_nat_rule",
    tag = "address translation",
    params(
        ("id" = String, Path, description = "Id of the NAT rule."),
        ("If-Match" = String, Header, description = "ETag of the NAT rule, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The NAT rule is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<NatRuleSpec>(&state, write, &id, precondition).await
}
