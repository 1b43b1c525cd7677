//! Counts and times every request, and turns a panic into a problem.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use ravelin_api_types::ProblemKind;

use super::RequestId;
use crate::failure::Failure;
use crate::state::AppState;

pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let id = request.extensions().get::<RequestId>().cloned();

    // The state behind a handler is owned by the control task, which a panic here does not touch.
    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            let id = id.as_ref().map_or("", |id| &id.0);
            tracing::error!(request_id = id, %method, "a request handler panicked");
            Failure::new(
                ProblemKind::Internal,
                "the request met a fault; the log says more",
            )
            .into_response()
        }
    };
    let path = path.as_ref().map_or("unmatched", MatchedPath::as_str);
    state
        .metrics()
        .answered(&method, path, response.status(), started.elapsed());
    response
}
