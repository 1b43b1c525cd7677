//! Interface settings.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{InterfaceSettings, InterfaceSettingsSpec, Page};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show the settings of every interface
#[utoipa::path(
    get,
    path = "/api/v1/interface-settings",
    operation_id = "list_interface_settings",
    tag = "interfaces",
    params(PageQuery),
    responses((status = 200, description = "Settings by name of the interface.", body = Page<InterfaceSettings>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<InterfaceSettings>>, Failure> {
    policy::index::<InterfaceSettingsSpec>(&state, &query).await
}

/// Make settings of an interface
#[utoipa::path(
    post,
    path = "/api/v1/interface-settings",
    operation_id = "create_interface_settings",
    tag = "interfaces",
    params(CommitQuery),
    request_body(content = InterfaceSettingsSpec, description = "What it says."),
    responses((status = 201, description = "The new settings; `Location` says where it is.", body = InterfaceSettings))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<InterfaceSettings>, Failure> {
    policy::create::<InterfaceSettingsSpec>(&state, write, &body).await
}

/// Show the settings of an interface
#[utoipa::path(
    get,
    path = "/api/v1/interface-settings/{id}",
    operation_id = "get_interface_settings",
    tag = "interfaces",
    params(("id" = String, Path, description = "Id of the settings.")),
    responses((status = 200, description = "The settings.", body = InterfaceSettings))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<InterfaceSettings>, Failure> {
    policy::show::<InterfaceSettingsSpec>(&state, &id).await
}

/// Have the settings of an interface say something else
#[utoipa::path(
    put,
    path = "/api/v1/interface-settings/{id}",
    operation_id = "put_interface_settings",
    tag = "interfaces",
    params(
        ("id" = String, Path, description = "Id of the settings."),
        ("If-Match" = String, Header, description = "ETag of the settings, or `*`."),
        CommitQuery,
    ),
    request_body(content = InterfaceSettingsSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The settings afterwards.", body = InterfaceSettings))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<InterfaceSettings>, Failure> {
    policy::replace::<InterfaceSettingsSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of the settings of an interface
#[utoipa::path(
    patch,
    path = "/api/v1/interface-settings/{id}",
    operation_id = "patch_interface_settings",
    tag = "interfaces",
    params(
        ("id" = String, Path, description = "Id of the settings."),
        ("If-Match" = String, Header, description = "ETag of the settings, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/InterfaceSettingsSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The settings afterwards.", body = InterfaceSettings))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<InterfaceSettings>, Failure> {
    policy::patch::<InterfaceSettingsSpec>(&state, write, &id, precondition, &body).await
}

/// Delete the settings of an interface
///
/// The card is put back to what it was before Ravelin changed it; static addresses go, and a link Ravelin made is deleted.
#[utoipa::path(
    delete,
    path = "/api/v1/interface-settings/{id}",
    operation_id = "delete_interface_settings",
    tag = "interfaces",
    params(
        ("id" = String, Path, description = "Id of the settings."),
        ("If-Match" = String, Header, description = "ETag of the settings, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The settings are gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<InterfaceSettingsSpec>(&state, write, &id, precondition).await
}
