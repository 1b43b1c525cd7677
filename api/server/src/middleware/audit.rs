//! Leaves one audit entry for every call that may change something, also for refused ones. Only what is refused for
//! its rate leaves none: whoever floods the API without a credential could fill the disk.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ravelin_api_types::ProblemKind;
use ravelin_control::{Actor, AuditRecord};

use super::RequestId;
use crate::extract::Caller;
use crate::failure::Failure;
use crate::serve::Connection;
use crate::state::AppState;
use crate::task::to_the_end;

pub(crate) async fn audit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let answer = to_the_end(audited(state, request, next)).await;
    answer.unwrap_or_else(|| {
        Failure::new(
            ProblemKind::ShuttingDown,
            "the engine stopped before it could answer",
        )
        .into_response()
    })
}

async fn audited(state: AppState, request: Request, next: Next) -> Response {
    let control = state.control();
    let before = control.revision();
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let origin = Connection::of(request.extensions()).origin(request.headers());

    let response = next.run(request).await;
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return response;
    }
    let actor = match response.extensions().get::<Caller>() {
        Some(Caller(actor)) => actor.clone(),
        None => Actor {
            name: "anonymous".to_owned(),
            origin,
        },
    };
    control
        .audit(AuditRecord {
            actor,
            request_id: request_id.unwrap_or_default(),
            method,
            path,
            status: response.status().as_u16(),
            before,
            after: control.revision(),
        })
        .await;
    response
}
