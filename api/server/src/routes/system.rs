//! The machine: how it is, and switching it off.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use ravelin_api_types::{FactoryReset, System};
use time::OffsetDateTime;

use crate::extract::{Caller, JsonBody};
use crate::failure::Failure;
use crate::router::handlers;
use crate::state::AppState;
use crate::system::{bundle_name, support_bundle};

/// Show the machine
///
/// Slots, versions, the trial of a new slot, room, temperatures, memory, clock. In a container or a lab, where there is
/// no agent, `appliance` is false, and there is what the engine can tell by itself.
#[utoipa::path(
    get,
    path = "/api/v1/system",
    operation_id = "get_system",
    tag = "system",
    responses((status = 200, description = "The machine as it is now.", body = System))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Result<Json<System>, Failure> {
    let recovery = state.control().recovery().into();
    Ok(Json(state.machine().show(recovery).await?))
}

/// Restart the machine
///
/// The answer comes before it goes down. Connections begin anew.
#[utoipa::path(
    post,
    path = "/api/v1/system/reboot",
    operation_id = "reboot_system",
    tag = "system",
    responses((status = 202, description = "The machine restarts."))
)]
pub(crate) async fn reboot(State(state): State<AppState>) -> Result<StatusCode, Failure> {
    state.machine().agent.reboot().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Switch the machine off
///
/// The answer comes before it goes down. Nothing is forwarded until somebody switches it on again.
#[utoipa::path(
    post,
    path = "/api/v1/system/shutdown",
    operation_id = "shut_down_system",
    tag = "system",
    responses((status = 202, description = "The machine is switched off."))
)]
pub(crate) async fn shut_down(State(state): State<AppState>) -> Result<StatusCode, Failure> {
    state.machine().agent.shut_down().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Erase everything that was ever set, and restart
///
/// Policy, keys, certificates, logs: the machine is as after its installation. The version stays.
#[utoipa::path(
    post,
    path = "/api/v1/system/factory-reset",
    operation_id = "reset_system",
    tag = "system",
    request_body(content = FactoryReset, description = "What it needs to be believed."),
    responses((status = 202, description = "The machine restarts and is empty then."))
)]
pub(crate) async fn factory_reset(
    State(state): State<AppState>,
    body: JsonBody,
) -> Result<StatusCode, Failure> {
    let FactoryReset { confirm: _ } = body.read()?;
    state.machine().agent.factory_reset().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Download what somebody who helps has to see
///
/// A `tar.gz` with the answers of the API, the tables of nftables and, on an appliance, the journal. There is no secret
/// in it: no token, key, password or hash of one. It says much of the network, though.
#[utoipa::path(
    get,
    path = "/api/v1/system/support-bundle",
    operation_id = "get_support_bundle",
    tag = "system",
    responses((
        status = 200,
        description = "The archive.",
        content_type = "application/gzip",
        body = Vec<u8>
    ))
)]
pub(crate) async fn support(State(state): State<AppState>, caller: Caller) -> Response {
    let at = OffsetDateTime::now_utc();
    let agent = state.machine().agent.clone();
    let disposition = format!("attachment; filename=\"{}.tar.gz\"", bundle_name(at));
    let headers = [
        (CONTENT_TYPE, "application/gzip".to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    let archive = support_bundle(handlers(state), agent, caller, at);
    (headers, Body::from_stream(archive)).into_response()
}
