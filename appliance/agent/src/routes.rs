//! What the agent answers. Every answer is JSON; what is not done is a [`Refusal`].

use axum::Router;
use axum::extract::{Json, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ravelin_system::journal::{JournalPage, JournalQuery};
use ravelin_system::network_services::{self, Leases, NetworkServices};
use ravelin_system::{Refusal, RefusalCode, Status};

use crate::state::AgentState;
use crate::task::on_thread;
use crate::{journal, keep, power, status, trial, update_routes};

/// What the initrd looks for before it mounts the state.
const FACTORY_RESET: &str = "factory-reset";

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
        .route("/dhcp-leases", get(show_leases))
        .route("/updates", get(update_routes::index).post(update_routes::create))
        .route("/updates/{id}", get(update_routes::show))
        .route("/slots/{slot}/boot", post(update_routes::boot))
        .route("/mark-good", post(mark_good))
        .route("/logs", post(logs))
        .route("/reboot", post(reboot))
        .route("/shutdown", post(shut_down))
        .route("/factory-reset", post(factory_reset))
        .fallback(async || Refused(Refusal::new(RefusalCode::NotFound, "no such path")))
        // The agent's own limit of a bundle counts.
        .layer(axum::extract::DefaultBodyLimit::disable())
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
        .map_err(|detail| Refusal::new(RefusalCode::Internal, detail))?;
    state.set_network_services(services.clone());
    Ok(Json(services))
}

async fn show_leases() -> Result<Json<Leases>, Refused> {
    let leases = on_thread(network_services::leases).await?;
    let failed = |error| Refusal::new(RefusalCode::Internal, format!("leases cannot be read: {error}"));
    Ok(Json(leases.map_err(failed)?))
}

async fn logs(
    State(state): State<AgentState>,
    Json(query): Json<JournalQuery>,
) -> Result<Json<JournalPage>, Refused> {
    Ok(Json(journal::page(state.config(), &query).await?))
}

/// By hand what the watch of the trial does by itself.
async fn mark_good(State(state): State<AgentState>) -> Result<Json<Status>, Refused> {
    trial::mark_good(&state, state.booted()?)?;
    show_status(State(state)).await
}

async fn reboot(State(state): State<AgentState>) -> Result<Json<()>, Refused> {
    Ok(Json(power::reboot(state.config()).await?))
}

async fn shut_down(State(state): State<AgentState>) -> Result<Json<()>, Refused> {
    Ok(Json(power::power_off(state.config()).await?))
}

/// The initrd makes the state anew when the machine restarts.
async fn factory_reset(State(state): State<AgentState>) -> Result<Json<()>, Refused> {
    state.booted()?;
    tracing::warn!("factory reset: everything is erased at the restart");
    let marker = state.config().state_mount.join(FACTORY_RESET);
    let failed = |detail: String| Refusal::new(RefusalCode::Internal, detail);
    on_thread(move || keep::write(&marker, b""))
        .await?
        .map_err(|error| failed(format!("the reset cannot be noted: {error}")))?;
    // A state that could not be mounted is not where the note is.
    let loader = state.loader().clone();
    on_thread(move || loader.ask_for_reset())
        .await?
        .map_err(|error| crate::install::boot_loader(&error))?;
    Ok(Json(power::reboot(state.config()).await?))
}
