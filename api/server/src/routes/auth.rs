//! Access tokens.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{AccessToken, ProblemKind};

use crate::extract::Caller;
use crate::failure::Failure;
use crate::state::AppState;

/// Exchange the admin token for an access token
///
/// The only operation that takes the admin token, and takes nothing else.
#[utoipa::path(
    post,
    path = "/api/v1/auth/token",
    operation_id = "create_access_token",
    tag = "auth",
    security(("admin_token" = [])),
    responses((status = 200, description = "An access token for every other operation.", body = AccessToken))
)]
pub(crate) async fn token(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<AccessToken>, Failure> {
    let token = state.secrets().key().access_token(&actor.name);
    token
        .map(Json)
        .ok_or_else(|| Failure::new(ProblemKind::Internal, "no token could be made"))
}
