//! The whole policy as one document.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{CommitReport, PolicyDocument, parse_with};
use ravelin_control::{ControlError, Precondition};
use ravelin_model::Revision;

use crate::extract::{IfMatch, JsonBody};
use crate::failure::Failure;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Revised, Tagged, revised};
use crate::state::AppState;

/// Show the whole policy
#[utoipa::path(
    get,
    path = "/api/v1/config",
    operation_id = "get_config",
    tag = "policy",
    responses((status = 200, description = "The policy; its ETag is that of all of it.", body = PolicyDocument))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Tagged<PolicyDocument> {
    let view = state.control().policy();
    Tagged(policy::document(&view.policy), view.revision)
}

/// Replace the whole policy
///
/// One commit. Objects keep their ids and counters: by the id they have in the document, else by their name. What is
/// not in the document is deleted. Lists and features stay as they are.
#[utoipa::path(
    put,
    path = "/api/v1/config",
    operation_id = "put_config",
    tag = "policy",
    params(("If-Match" = String, Header, description = "ETag of the policy, or `*`."), CommitQuery),
    request_body(content = PolicyDocument, description = "The whole policy."),
    responses((status = 200, description = "What became of it.", body = CommitReport))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Revised<Json<CommitReport>>, Failure> {
    let view = state.control().policy();
    let current = view.revision;
    if matches!(precondition, Precondition::Revision(named) if named != current) {
        return Err(ControlError::Stale { current }.into());
    }
    let lists = state.control().lists().await?;
    let import = parse_with(&body, |node, errors| policy::import(node, &view, &lists, errors))?;
    let dry_run = write.options.dry_run;
    let committed = policy::commit(&state, write, import.operations).await;
    let places = import.places;
    let place = |operation: usize| places.get(operation).cloned().unwrap_or_default();
    let committed = committed.map_err(|error| Failure::of_operations(error, place, ""))?;
    let report = policy::report(committed, dry_run);
    let revision = Revision(report.revision);
    Ok(revised(Json(report), revision))
}
