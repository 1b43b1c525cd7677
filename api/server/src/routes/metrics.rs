//! Metrics.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::response::IntoResponse;

use crate::metrics::{Format, exposition};
use crate::state::AppState;

/// Show every counter for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "health",
    extensions(("x-stream" = json!(true))),
    responses((
        status = 200,
        description = "OpenMetrics text to whom names it in Accept, as Prometheus does; else the text format 0.0.4.",
        content((String = "application/openmetrics-text"), (String = "text/plain"))
    ))
)]
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let text = exposition(&state, format).await;
    ([(CONTENT_TYPE, format.media_type()), (VARY, "accept")], text)
}
