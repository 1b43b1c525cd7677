//! Liveness and readiness.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{Health, ProblemKind, Readiness};

use crate::failure::Failure;
use crate::respond::{Revised, revised};
use crate::state::AppState;

/// Is the process up?
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "get_health",
    tag = "health",
    security(()),
    responses((status = 200, description = "The process is up.", body = Health))
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
    })
}

/// Does the data plane do what the configuration says?
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readiness",
    tag = "health",
    responses((status = 200, description = "Everything enabled is at work.", body = Readiness))
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<Revised<Json<Readiness>>, Failure> {
    let ravelin_control::Readiness {
        ready,
        revision,
        problems,
    } = state.control().readiness();
    if !ready {
        let reasons = if problems.is_empty() {
            "the engine is starting".to_owned()
        } else {
            problems.join("; ")
        };
        return Err(Failure::new(
            ProblemKind::NotReady,
            format!("{reasons} (revision {})", revision.0),
        ));
    }
    let body = Readiness {
        status: "ready".to_owned(),
        revision: revision.0,
    };
    Ok(revised(Json(body), revision))
}
