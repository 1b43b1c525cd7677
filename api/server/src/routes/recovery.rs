//! What the engine goes by where its store was of no use.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::Recovery;

use crate::extract::Caller;
use crate::failure::Failure;
use crate::state::AppState;

/// Acknowledge a recovery
///
/// The store was of no use, or the engine ended again and again, so that it goes by an earlier revision or lets only
/// management pass. Acknowledged, it goes on with that policy, and `/readyz` and `/api/v1/system` say no more of it. A
/// commit of a policy does the same.
#[utoipa::path(
    post,
    path = "/api/v1/system/recovery/acknowledge",
    operation_id = "acknowledge_recovery",
    tag = "system",
    responses((status = 200, description = "What the engine goes by from now on.", body = Recovery))
)]
pub(crate) async fn acknowledge(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<Recovery>, Failure> {
    let recovery = state.control().acknowledge_recovery(&actor)?;
    Ok(Json(recovery.into()))
}
