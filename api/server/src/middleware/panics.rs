//! Turns a panic of a handler into a problem. The state behind handlers is owned by the control task, which such a
//! panic does not touch.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use ravelin_api_types::ProblemKind;
use tower_http::catch_panic::CatchPanicLayer;

use crate::failure::Failure;

type Panicked = fn(Box<dyn Any + Send + 'static>) -> Response;

pub(crate) fn panics() -> CatchPanicLayer<Panicked> {
    CatchPanicLayer::custom(panicked as Panicked)
}

/// The panic hook has told the message; the client gets none of it.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    Failure::new(
        ProblemKind::Internal,
        "the request met a fault; the log says more",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    use super::*;
    use crate::middleware::request_id;

    async fn faulty() -> &'static str {
        panic!("secret")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let app: Router = Router::new()
            .route("/", get(faulty))
            .layer(panics())
            .layer(middleware::from_fn(request_id));
        let request = Request::get("/").body(Body::empty()).expect("request");
        let response = app.oneshot(request).await.expect("answer");
        assert_eq!(response.status(), 500);
        let body = to_bytes(response.into_body(), 4096).await.expect("body");
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["type"], "/problems/internal");
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}
