//! Packet statistics.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{EventLosses, Statistics};

use crate::failure::Failure;
use crate::state::AppState;

/// Show what the data plane counted
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/stats",
    operation_id = "get_statistics",
    tag = "data plane",
    responses((status = 200, description = "Counters since the maps were made.", body = Statistics))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Result<Json<Statistics>, Failure> {
    let interfaces = state.control().statistics().await?;
    let ravelin_control::EventLosses { suppressed, lost } = state.control().event_losses().await?;
    Ok(Json(Statistics {
        interfaces: interfaces.into_iter().map(Into::into).collect(),
        event_losses: EventLosses { suppressed, lost },
    }))
}
