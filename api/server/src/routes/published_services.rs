//! Published services.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, PublishedService, PublishedServiceSpec};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every published service
#[utoipa::path(
    get,
    path = "/api/v1/published-services",
    operation_id = "list_published_services",
    tag = "address translation",
    params(PageQuery),
    responses((status = 200, description = "Published services by name.", body = Page<PublishedService>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PublishedService>>, Failure> {
    policy::index::<PublishedServiceSpec>(&state, &query).await
}

/// Make a published service
#[utoipa::path(
    post,
    path = "/api/v1/published-services",
    operation_id = "create_published_service",
    tag = "address translation",
    params(CommitQuery),
    request_body(content = PublishedServiceSpec, description = "What it says."),
    responses((status = 201, description = "The new published service; `Location` says where it is.", body = PublishedService))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<PublishedService>, Failure> {
    policy::create::<PublishedServiceSpec>(&state, write, &body).await
}

/// Show a published service
#[utoipa::path(
    get,
    path = "/api/v1/published-services/{id}",
    operation_id = "get_published_service",
    tag = "address translation",
    params(("id" = String, Path, description = "Id of the published service.")),
    responses((status = 200, description = "The published service.", body = PublishedService))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<PublishedService>, Failure> {
    policy::show::<PublishedServiceSpec>(&state, &id).await
}

/// Have a published service say something else
#[utoipa::path(
    put,
    path = "/api/v1/published-services/{id}",
    operation_id = "put_published_service",
    tag = "address translation",
    params(
        ("id" = String, Path, description = "Id of the published service."),
        ("If-Match" = String, Header, description = "ETag of the published service, or `*`."),
        CommitQuery,
    ),
    request_body(content = PublishedServiceSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The published service afterwards.", body = PublishedService))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<PublishedService>, Failure> {
    policy::replace::<PublishedServiceSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of what a published service says
#[utoipa::path(
    patch,
    path = "/api/v1/published-services/{id}",
    operation_id = "patch_published_service",
    tag = "address translation",
    params(
        ("id" = String, Path, description = "Id of the published service."),
        ("If-Match" = String, Header, description = "ETag of the published service, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/PublishedServiceSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The published service afterwards.", body = PublishedService))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<PublishedService>, Failure> {
    policy::patch::<PublishedServiceSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a published service
#[utoipa::path(
    delete,
    path = "/api/v1/published-services/{id}",
    operation_id = "delete_published_service",
    tag = "address translation",
    params(
        ("id" = String, Path, description = "Id of the published service."),
        ("If-Match" = String, Header, description = "ETag of the published service, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The published service is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<PublishedServiceSpec>(&state, write, &id, precondition).await
}
