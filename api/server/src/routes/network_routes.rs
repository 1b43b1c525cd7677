//! Static routes.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, Route, RouteSpec};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every static route
#[utoipa::path(
    get,
    path = "/api/v1/routes",
    operation_id = "list_routes",
    tag = "network",
    params(PageQuery),
    responses((status = 200, description = "Routes by table, destination and metric.", body = Page<Route>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Route>>, Failure> {
    policy::index::<RouteSpec>(&state, &query).await
}

/// Make a static route
#[utoipa::path(
    post,
    path = "/api/v1/routes",
    operation_id = "create_route",
    tag = "network",
    params(CommitQuery),
    request_body(content = RouteSpec, description = "What it says."),
    responses((status = 201, description = "The new static route; `Location` says where it is.", body = Route))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<Route>, Failure> {
    policy::create::<RouteSpec>(&state, write, &body).await
}

/// Show a static route
#[utoipa::path(
    get,
    path = "/api/v1/routes/{id}",
    operation_id = "get_route",
    tag = "network",
    params(("id" = String, Path, description = "Id of the static route.")),
    responses((status = 200, description = "The static route.", body = Route))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<Route>, Failure> {
    policy::show::<RouteSpec>(&state, &id).await
}

/// Have a static route say something else
#[utoipa::path(
    put,
    path = "/api/v1/routes/{id}",
    operation_id = "put_route",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the static route."),
        ("If-Match" = String, Header, description = "ETag of the static route, or `*`."),
        CommitQuery,
    ),
    request_body(content = RouteSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The static route afterwards.", body = Route))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Route>, Failure> {
    policy::replace::<RouteSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of a static route
#[utoipa::path(
    patch,
    path = "/api/v1/routes/{id}",
    operation_id = "patch_route",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the static route."),
        ("If-Match" = String, Header, description = "ETag of the static route, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/RouteSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The static route afterwards.", body = Route))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Route>, Failure> {
    policy::patch::<RouteSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a static route
#[utoipa::path(
    delete,
    path = "/api/v1/routes/{id}",
    operation_id = "delete_route",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the static route."),
        ("If-Match" = String, Header, description = "ETag of the static route, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The static route is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<RouteSpec>(&state, write, &id, precondition).await
}
