//! Refuses changes while the slot that runs is on trial: the slot before may come back, whose store has none of them.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ravelin_api_types::ProblemKind;

use crate::failure::Failure;
use crate::routes::{SYSTEM_PATH, TOKEN_PATH};
use crate::state::AppState;
use crate::system::RETRY_SECONDS;

pub(crate) async fn on_trial(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD)
        && path != TOKEN_PATH
        && !path.starts_with(SYSTEM_PATH);
    if changes && *state.machine().on_trial.borrow() {
        return Failure::new(
            ProblemKind::OnTrial,
            "a new version has yet to show that it works; /api/v1/system says how long that may take",
        )
        .retry_after(RETRY_SECONDS)
        .into_response();
    }
    next.run(request).await
}
