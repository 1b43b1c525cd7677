//! What the agent answers. Every answer is JSON; what is not done is a [`Refusal`].

use axum::Router;
use axum::extract::{Json, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ravelin_system::network_services::{self, NetworkServices};
use ravelin_system::{Refusal, RefusalCode, Status};

use crate::power;
use crate::state::AgentState;
use crate::status;
use crate::task::on_thread;

/// A refusal as an answer.
#[derive(Debug)]
pub struct Refused(pub Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0.code.status(), Json(self.0)).into_response()
    }
}

/// Everything there is.
pub fn router(state: AgentState) -> Router {
    Router::new()
        .route("/status", get(show_status))
        .route("/network-services", get(show_services).put(put_services))
        .route("/reboot", post(reboot))
        .route("/shutdown", post(shut_down))
        .fallback(async || Refused(Refusal::new(RefusalCode::NotFound, "no such path")))
        .with_state(state)
}

async fn show_status(State(state): State<AgentState>) -> Result<Json<Status>, Refused> {
    Ok(Json(on_thread(move || status::status(&state)).await?))
}

async fn show_services(State(state): State<AgentState>) -> Json<NetworkServices> {
    Json(state.network_services())
}

async fn put_services(
    State(state): State<AgentState>,
    Json(services): Json<NetworkServices>,
) -> Result<Json<NetworkServices>, Refused> {
    let wanted = services.clone();
    on_thread(move || network_services::apply(&wanted))
        .await?
        .map_err(|error| Refusal::new(RefusalCode::Internal, ravelin_model::chain(&error)))?;
    state.set_network_services(services.clone());
    Ok(Json(services))
}

async fn reboot(State(state): State<AgentState>) -> Result<(), Refused> {
    Ok(power::reboot(state.config()).await?)
}

async fn shut_down(State(state): State<AgentState>) -> Result<(), Refused> {
    Ok(power::power_off(state.config()).await?)
}
