//! Policy routes.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, PolicyRoute, PolicyRouteSpec};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every policy route
#[utoipa::path(
    get,
    path = "/api/v1/policy-routes",
    operation_id = "list_policy_routes",
    tag = "network",
    params(PageQuery),
    responses((status = 200, description = "Policy routes by priority.", body = Page<PolicyRoute>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PolicyRoute>>, Failure> {
    policy::index::<PolicyRouteSpec>(&state, &query).await
}

/// Make a policy route
#[utoipa::path(
    post,
    path = "/api/v1/policy-routes",
    operation_id = "create_policy_route",
    tag = "network",
    params(CommitQuery),
    request_body(content = PolicyRouteSpec, description = "What it says."),
    responses((status = 201, description = "The new policy route; `Location` says where it is.", body = PolicyRoute))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<PolicyRoute>, Failure> {
    policy::create::<PolicyRouteSpec>(&state, write, &body).await
}

/// Show a policy route
#[utoipa::path(
    get,
    path = "/api/v1/policy-routes/{id}",
    operation_id = "get_policy_route",
    tag = "network",
    params(("id" = String, Path, description = "Id of the policy route.")),
    responses((status = 200, description = "The policy route.", body = PolicyRoute))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<PolicyRoute>, Failure> {
    policy::show::<PolicyRouteSpec>(&state, &id).await
}

/// Have a policy route say something else
#[utoipa::path(
    put,
    path = "/api/v1/policy-routes/{id}",
    operation_id = "put_policy_route",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the policy route."),
        ("If-Match" = String, Header, description = "ETag of the policy route, or `*`."),
        CommitQuery,
    ),
    request_body(content = PolicyRouteSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The policy route afterwards.", body = PolicyRoute))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<PolicyRoute>, Failure> {
    policy::replace::<PolicyRouteSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of a policy route
#[utoipa::path(
    patch,
    path = "/api/v1/policy-routes/{id}",
    operation_id = "patch_policy_route",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the policy route."),
        ("If-Match" = String, Header, description = "ETag of the policy route, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/PolicyRouteSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The policy route afterwards.", body = PolicyRoute))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<PolicyRoute>, Failure> {
    policy::patch::<PolicyRouteSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a policy route
#[utoipa::path(
    delete,
    path = "/api/v1/policy-routes/{id}",
    operation_id = "delete_policy_route",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the policy route."),
        ("If-Match" = String, Header, description = "ETag of the policy route, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The policy route is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<PolicyRouteSpec>(&state, write, &id, precondition).await
}
