//! Counts, times and logs every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::RequestId;
use crate::state::AppState;

pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());

    let response = next.run(request).await;
    // The path of the specification: the one of the request may name what a client made up.
    let path = path.as_ref().map_or("unmatched", MatchedPath::as_str);
    let (status, elapsed) = (response.status(), started.elapsed());
    let elapsed_us = elapsed.as_micros();
    tracing::debug!(request_id = id, %method, path, status = status.as_u16(), elapsed_us, "answered a request");
    state.metrics().answered(&method, path, status, elapsed);
    response
}
