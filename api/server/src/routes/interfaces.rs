//! Network interfaces.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Interface, InterfaceOffload, InterfacePatch, Page};
use ravelin_control::ControlError;

use crate::extract::{Caller, JsonBody, Query};
use crate::failure::Failure;
use crate::interface_offload;
use crate::paging::PageQuery;
use crate::respond::Changed;
use crate::state::AppState;

/// Show the interfaces
#[utoipa::path(
    get,
    path = "/api/v1/interfaces",
    operation_id = "list_interfaces",
    tag = "interfaces",
    params(PageQuery),
    responses((status = 200, description = "Interfaces by kernel index.", body = Page<Interface>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Interface>>, Failure> {
    let interfaces = state.control().interfaces().await?;
    Ok(Json(query.page(interfaces, |interface| {
        format!("{:010}", interface.index)
    })?))
}

/// Show an interface
#[utoipa::path(
    get,
    path = "/api/v1/interfaces/{name}",
    operation_id = "get_interface",
    tag = "interfaces",
    params(("name" = String, Path, description = "Kernel name of the interface.")),
    responses((status = 200, description = "The interface with its counters as of now.", body = Interface))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<Interface>, Failure> {
    let interfaces = state.control().interfaces().await?;
    let interface = interfaces.into_iter().find(|interface| interface.name == name);
    Ok(Json(
        interface.ok_or(ControlError::UnknownInterface(name))?.into(),
    ))
}

/// Show what the network card of an interface can do
#[utoipa::path(
    get,
    path = "/api/v1/interfaces/{name}/offload",
    operation_id = "get_interface_offload",
    tag = "interfaces",
    params(("name" = String, Path, description = "Kernel name of the interface.")),
    responses((
        status = 200,
        description = "What kernel, driver and tables say of the card, each with its source, and whether established \
                       connections can be handed to it.",
        body = InterfaceOffload
    ))
)]
pub(crate) async fn offload(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<InterfaceOffload>, Failure> {
    let probe = state.control().interface_hardware(&name).await?;
    Ok(Json(interface_offload::shown(&probe)))
}

/// Say whether an interface faces the outside
#[utoipa::path(
    patch,
    path = "/api/v1/interfaces/{name}",
    operation_id = "patch_interface",
    tag = "interfaces",
    params(("name" = String, Path, description = "Kernel name of the interface.")),
    request_body(content = InterfacePatch, description = "What to change."),
    responses((status = 200, description = "The interface afterwards.", body = Interface))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    body: JsonBody,
) -> Result<Changed<Interface>, Failure> {
    let InterfacePatch { external } = body.read()?;
    let (interface, revision) = state
        .control()
        .set_interface_external(&name, external, &actor)
        .await?;
    let mut body = Interface::from(interface);
    body.revision = Some(revision.0);
    Ok(Changed::updated(body, revision).without_etag())
}
