//! Interface settings by the name of the interface.

use axum::extract::{Path, State};
use ravelin_api_types::{InterfaceSettings, InterfaceSettingsSpec, ProblemKind};

use crate::extract::{IfMatch, JsonBody};
use crate::failure::Failure;
use crate::policy::{self, CommitQuery, Resource, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Id of the settings of an interface.
fn id_of(state: &AppState, name: &str) -> Result<String, Failure> {
    let view = state.control().policy();
    let id = InterfaceSettingsSpec::named(&view.policy, name);
    id.map(|id| id.to_string()).ok_or_else(|| {
        let detail =
            format!("interface '{name}' has no settings; POST /api/v1/interface-settings makes some");
        Failure::new(ProblemKind::NotFound, detail)
    })
}

/// Show the settings of an interface by its name
///
/// The same object as at `/api/v1/interface-settings/{id}`.
#[utoipa::path(
    get,
    path = "/api/v1/interfaces/{name}/settings",
    operation_id = "get_settings_of_interface",
    tag = "interfaces",
    params(("name" = String, Path, description = "Kernel name of the interface, which need not exist.")),
    responses((status = 200, description = "The settings.", body = InterfaceSettings))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Tagged<InterfaceSettings>, Failure> {
    policy::show::<InterfaceSettingsSpec>(&state, &id_of(&state, &name)?).await
}

/// Have the settings of an interface say something else, by its name
#[utoipa::path(
    put,
    path = "/api/v1/interfaces/{name}/settings",
    operation_id = "put_settings_of_interface",
    tag = "interfaces",
    params(
        ("name" = String, Path, description = "Kernel name of the interface."),
        ("If-Match" = String, Header, description = "ETag of the settings, or `*`."),
        CommitQuery,
    ),
    request_body(content = InterfaceSettingsSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The settings afterwards.", body = InterfaceSettings))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(name): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<InterfaceSettings>, Failure> {
    let id = id_of(&state, &name)?;
    policy::replace::<InterfaceSettingsSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of the settings of an interface by its name
#[utoipa::path(
    patch,
    path = "/api/v1/interfaces/{name}/settings",
    operation_id = "patch_settings_of_interface",
    tag = "interfaces",
    params(
        ("name" = String, Path, description = "Kernel name of the interface."),
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
    Path(name): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<InterfaceSettings>, Failure> {
    let id = id_of(&state, &name)?;
    policy::patch::<InterfaceSettingsSpec>(&state, write, &id, precondition, &body).await
}

/// Delete the settings of an interface by its name
///
/// The card is put back to what it was before Ravelin changed it; static addresses go, and a link Ravelin made is deleted.
#[utoipa::path(
    delete,
    path = "/api/v1/interfaces/{name}/settings",
    operation_id = "delete_settings_of_interface",
    tag = "interfaces",
    params(
        ("name" = String, Path, description = "Kernel name of the interface."),
        ("If-Match" = String, Header, description = "ETag of the settings, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The settings are gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(name): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    let id = id_of(&state, &name)?;
    policy::delete::<InterfaceSettingsSpec>(&state, write, &id, precondition).await
}
