//! Named services.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, References, Service, ServiceSpec};
use ravelin_model::ObjectKind;

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every service
#[utoipa::path(
    get,
    path = "/api/v1/services",
    operation_id = "list_services",
    tag = "services",
    params(PageQuery),
    responses((status = 200, description = "Services by name.", body = Page<Service>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Service>>, Failure> {
    policy::index::<ServiceSpec>(&state, &query).await
}

/// Make a service
#[utoipa::path(
    post,
    path = "/api/v1/services",
    operation_id = "create_service",
    tag = "services",
    params(CommitQuery),
    request_body(content = ServiceSpec, description = "What it says."),
    responses((status = 201, description = "The new service; `Location` says where it is.", body = Service))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<Service>, Failure> {
    policy::create::<ServiceSpec>(&state, write, &body).await
}

/// Show a service
#[utoipa::path(
    get,
    path = "/api/v1/services/{id}",
    operation_id = "get_service",
    tag = "services",
    params(("id" = String, Path, description = "Id of the service.")),
    responses((status = 200, description = "The service.", body = Service))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<Service>, Failure> {
    policy::show::<ServiceSpec>(&state, &id).await
}

/// Have a service say something else
#[utoipa::path(
    put,
    path = "/api/v1/services/{id}",
    operation_id = "put_service",
    tag = "services",
    params(
        ("id" = String, Path, description = "Id of the service."),
        ("If-Match" = String, Header, description = "ETag of the service, or `*`."),
        CommitQuery,
    ),
    request_body(content = ServiceSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The service afterwards.", body = Service))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Service>, Failure> {
    policy::replace::<ServiceSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of what a service says
#[utoipa::path(
    patch,
    path = "/api/v1/services/{id}",
    operation_id = "patch_service",
    tag = "services",
    params(
        ("id" = String, Path, description = "Id of the service."),
        ("If-Match" = String, Header, description = "ETag of the service, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/ServiceSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The service afterwards.", body = Service))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Service>, Failure> {
    policy::patch::<ServiceSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a service
///
/// 409 names who uses it.
#[utoipa::path(
    delete,
    path = "/api/v1/services/{id}",
    operation_id = "delete_service",
    tag = "services",
    params(
        ("id" = String, Path, description = "Id of the service."),
        ("If-Match" = String, Header, description = "ETag of the service, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The service is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<ServiceSpec>(&state, write, &id, precondition).await
}

/// Show who uses a service
#[utoipa::path(
    get,
    path = "/api/v1/services/{id}/references",
    operation_id = "list_service_references",
    tag = "services",
    params(("id" = String, Path, description = "Id of the service.")),
    responses((status = 200, description = "Objects that name it.", body = References))
)]
pub(crate) async fn references(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<References>, Failure> {
    let id = policy::object_id::<ServiceSpec>(&id)?;
    policy::references(&state, ObjectKind::Service, id.as_str()).await
}
