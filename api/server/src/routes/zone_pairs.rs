//! Zone pairs.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Page, ZonePair, ZonePairSpec};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every zone pair
#[utoipa::path(
    get,
    path = "/api/v1/zone-pairs",
    operation_id = "list_zone_pairs",
    tag = "zones",
    params(PageQuery),
    responses((status = 200, description = "Zone pairs, by the names of their zones.", body = Page<ZonePair>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ZonePair>>, Failure> {
    policy::index::<ZonePairSpec>(&state, &query).await
}

/// Make a zone pair
#[utoipa::path(
    post,
    path = "/api/v1/zone-pairs",
    operation_id = "create_zone_pair",
    tag = "zones",
    params(CommitQuery),
    request_body(content = ZonePairSpec, description = "What it says."),
    responses((status = 201, description = "The new zone pair; `Location` says where it is.", body = ZonePair))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<ZonePair>, Failure> {
    policy::create::<ZonePairSpec>(&state, write, &body).await
}

/// Show a zone pair
#[utoipa::path(
    get,
    path = "/api/v1/zone-pairs/{id}",
    operation_id = "get_zone_pair",
    tag = "zones",
    params(("id" = String, Path, description = "Id of the zone pair.")),
    responses((status = 200, description = "The zone pair.", body = ZonePair))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<ZonePair>, Failure> {
    policy::show::<ZonePairSpec>(&state, &id).await
}

/// Have a zone pair say something else
#[utoipa::path(
    put,
    path = "/api/v1/zone-pairs/{id}",
    operation_id = "put_zone_pair",
    tag = "zones",
    params(
        ("id" = String, Path, description = "Id of the zone pair."),
        ("If-Match" = String, Header, description = "ETag of the zone pair, or `*`."),
        CommitQuery,
    ),
    request_body(content = ZonePairSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The zone pair afterwards.", body = ZonePair))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<ZonePair>, Failure> {
    policy::replace::<ZonePairSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of what a zone pair says
#[utoipa::path(
    patch,
    path = "/api/v1/zone-pairs/{id}",
    operation_id = "patch_zone_pair",
    tag = "zones",
    params(
        ("id" = String, Path, description = "Id of the zone pair."),
        ("If-Match" = String, Header, description = "ETag of the zone pair, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/ZonePairSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The zone pair afterwards.", body = ZonePair))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<ZonePair>, Failure> {
    policy::patch::<ZonePairSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a zone pair
#[utoipa::path(
    delete,
    path = "/api/v1/zone-pairs/{id}",
    operation_id = "delete_zone_pair",
    tag = "zones",
    params(
        ("id" = String, Path, description = "Id of the zone pair."),
        ("If-Match" = String, Header, description = "ETag of the zone pair, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The zone pair is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<ZonePairSpec>(&state, write, &id, precondition).await
}
