//! Several changes to the policy at once.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{Changes, CommitReport, parse_with};
use ravelin_model::Revision;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{JsonBody, Query};
use crate::failure::Failure;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Revised, revised};
use crate::state::AppState;

/// Whether to look only.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRunQuery {
    /// Say what would become of it, and store nothing; like `Prefer: dry-run`.
    #[param(nullable = false)]
    dry_run: Option<bool>,
}

/// Make several changes at once
///
/// All or none, as one revision; no packet sees a part of them. Later operations see what earlier ones made, by the ids
/// they gave or by name. Errors are told at their place, such as `/operations/3/value/source/lists/0`.
#[utoipa::path(
    post,
    path = "/api/v1/changes",
    operation_id = "create_changes",
    tag = "policy",
    params(DryRunQuery, CommitQuery),
    request_body(content = Changes, description = "The operations."),
    responses((status = 200, description = "What became of them.", body = CommitReport))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Query(query): Query<DryRunQuery>,
    mut write: Write,
    JsonBody(body): JsonBody,
) -> Result<Revised<Json<CommitReport>>, Failure> {
    write.options.dry_run |= query.dry_run.unwrap_or(false);
    let view = state.control().policy();
    let names = policy::names(&state, &view.policy).await?;
    let operations = parse_with(&body, |node, errors| {
        policy::operations(node, &view.policy, names, errors)
    })?;
    let dry_run = write.options.dry_run;
    let committed = policy::commit(&state, write, operations)
        .await
        .map_err(|error| Failure::of_operations(error, |n| format!("/operations/{n}"), "/value"))?;
    let report = policy::report(committed, dry_run);
    let revision = Revision(report.revision);
    Ok(revised(Json(report), revision))
}
