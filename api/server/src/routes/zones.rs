//! Zones.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, References, Zone, ZoneSpec};
use ravelin_model::ObjectKind;

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every zone
#[utoipa::path(
    get,
    path = "/api/v1/zones",
    operation_id = "list_zones",
    tag = "zones",
    params(PageQuery),
    responses((status = 200, description = "Zones: `local` first, then by name.", body = Page<Zone>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Zone>>, Failure> {
    policy::index::<ZoneSpec>(&state, &query).await
}

/// Make a zone
#[utoipa::path(
    post,
    path = "/api/v1/zones",
    operation_id = "create_zone",
    tag = "zones",
    params(CommitQuery),
    request_body(content = ZoneSpec, description = "What it says."),
    responses((status = 201, description = "The new zone; `Location` says where it is.", body = Zone))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<Zone>, Failure> {
    policy::create::<ZoneSpec>(&state, write, &body).await
}

/// Show a zone
#[utoipa::path(
    get,
    path = "/api/v1/zones/{id}",
    operation_id = "get_zone",
    tag = "zones",
    params(("id" = String, Path, description = "Id of the zone.")),
    responses((status = 200, description = "The zone.", body = Zone))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<Zone>, Failure> {
    policy::show::<ZoneSpec>(&state, &id).await
}

/// Have a zone say something else
#[utoipa::path(
    put,
    path = "/api/v1/zones/{id}",
    operation_id = "put_zone",
    tag = "zones",
    params(
        ("id" = String, Path, description = "Id of the zone."),
        ("If-Match" = String, Header, description = "ETag of the zone, or `*`."),
        CommitQuery,
    ),
    request_body(content = ZoneSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The zone afterwards.", body = Zone))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Zone>, Failure> {
    policy::replace::<ZoneSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of what a zone says
#[utoipa::path(
    patch,
    path = "/api/v1/zones/{id}",
    operation_id = "patch_zone",
    tag = "zones",
    params(
        ("id" = String, Path, description = "Id of the zone."),
        ("If-Match" = String, Header, description = "ETag of the zone, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/ZoneSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The zone afterwards.", body = Zone))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<Zone>, Failure> {
    policy::patch::<ZoneSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a zone
///
/// 409 names who uses it.
#[utoipa::path(
    delete,
    path = "/api/v1/zones/{id}",
    operation_id = "delete_zone",
    tag = "zones",
    params(
        ("id" = String, Path, description = "Id of the zone."),
        ("If-Match" = String, Header, description = "ETag of the zone, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The zone is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<ZoneSpec>(&state, write, &id, precondition).await
}

/// Show who uses a zone
#[utoipa::path(
    get,
    path = "/api/v1/zones/{id}/references",
    operation_id = "list_zone_references",
    tag = "zones",
    params(("id" = String, Path, description = "Id of the zone.")),
    responses((status = 200, description = "Objects that name it.", body = References))
)]
pub(crate) async fn references(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<References>, Failure> {
    let id = policy::object_id::<ZoneSpec>(&id)?;
    policy::references(&state, ObjectKind::Zone, id.as_str()).await
}
