//! Refuses what is too large before anything looks at it.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ravelin_api_types::ProblemKind;

use crate::extract::too_large;
use crate::failure::Failure;
use crate::routes::system_updates::is_bundle;
use crate::routes::{IMPORT_PATH, UPDATES_PATH};
use crate::state::AppState;

pub(crate) async fn limits(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match check(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

fn check(state: &AppState, request: &Request) -> Result<(), Failure> {
    let limits = state.limits();
    let fields: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if fields + target > limits.header_bytes {
        return Err(Failure::new(
            ProblemKind::HeaderTooLarge,
            format!(
                "the request line and header fields are larger than {} bytes",
                limits.header_bytes
            ),
        ));
    }
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let streamed = match *request.method() {
        Method::PUT => path == Some(IMPORT_PATH),
        Method::POST => path == Some(UPDATES_PATH) && is_bundle(request.headers()),
        _ => false,
    };
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced: Option<u64> = announced.and_then(|value| value.parse().ok());
    let most = limits.body_of(request.uri().path());
    if !streamed && announced.is_some_and(|bytes| bytes > most as u64) {
        return Err(too_large(most));
    }
    Ok(())
}
