//! Revisions of the configuration.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{CommitReport, Page, Revision, RevisionDiff, Timestamp};
use ravelin_control::{ControlError, RevisionInfo, RevisionPage};
use ravelin_model as model;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{Query, named};
use crate::failure::Failure;
use crate::paging::{PageQuery, encode_cursor};
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Revised, revised};
use crate::state::AppState;

/// What to compare with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The revision that is before; missing: the one right before.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64, nullable = false)]
    against: Option<u64>,
}

/// Show the revisions of the configuration
#[utoipa::path(
    get,
    path = "/api/v1/revisions",
    operation_id = "list_revisions",
    tag = "policy",
    params(PageQuery),
    responses((status = 200, description = "Revisions, newest first.", body = Page<Revision>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Revision>>, Failure> {
    let before = query.after()?.map(|text| text.parse().map(model::Revision));
    let before = before
        .transpose()
        .map_err(|_| Failure::invalid_query("cursor is not one this collection gave"))?;
    let RevisionPage { items, next } = state.control().policy_revisions(before, query.limit()?).await?;
    Ok(Json(Page {
        items: items.into_iter().map(shown).collect(),
        next_cursor: next.map(|revision| encode_cursor(&revision.0.to_string())),
    }))
}

/// Show a revision
#[utoipa::path(
    get,
    path = "/api/v1/revisions/{revision}",
    operation_id = "get_revision",
    tag = "policy",
    params(("revision" = String, Path, description = "Number of the revision.")),
    responses((status = 200, description = "The revision.", body = Revision))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(revision): Path<String>,
) -> Result<Json<Revision>, Failure> {
    let info = state.control().policy_revision(number(&revision)?).await?;
    Ok(Json(shown(info)))
}

/// Show how the policy of a revision differs from that of another
#[utoipa::path(
    get,
    path = "/api/v1/revisions/{revision}/diff",
    operation_id = "get_revision_diff",
    tag = "policy",
    params(("revision" = String, Path, description = "Number of the revision that is after."), DiffQuery),
    responses((status = 200, description = "What changed of the policy.", body = RevisionDiff))
)]
pub(crate) async fn diff(
    State(state): State<AppState>,
    Path(revision): Path<String>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<RevisionDiff>, Failure> {
    let to = number(&revision)?;
    let before = || to.0.checked_sub(1).ok_or(ControlError::UnknownRevision(to));
    let from = model::Revision(query.against.map_or_else(before, Ok)?);
    let changes = state.control().policy_difference(from, to).await?;
    Ok(Json(RevisionDiff {
        from: from.0,
        to: to.0,
        diff: changes
            .iter()
            .filter_map(|object| policy::change(object, true))
            .collect(),
    }))
}

/// Restore the policy of a revision
///
/// A new commit: ids and counters of what was there come back, and nothing is forgotten.
#[utoipa::path(
    post,
    path = "/api/v1/revisions/{revision}/restore",
    operation_id = "restore_revision",
    tag = "policy",
    params(("revision" = String, Path, description = "Number of the revision."), CommitQuery),
    responses((status = 200, description = "What became of the commit.", body = CommitReport))
)]
pub(crate) async fn restore(
    State(state): State<AppState>,
    Path(revision): Path<String>,
    write: Write,
) -> Result<Revised<Json<CommitReport>>, Failure> {
    let revision = number(&revision)?;
    let Write { actor, options } = write;
    let dry_run = options.dry_run;
    let committed = state.control().restore_policy(revision, options, &actor).await?;
    let report = policy::report(committed, dry_run);
    let revision = model::Revision(report.revision);
    Ok(revised(Json(report), revision))
}

fn number(text: &str) -> Result<model::Revision, Failure> {
    named(text, "such revision").map(model::Revision)
}

fn shown(info: RevisionInfo) -> Revision {
    let RevisionInfo {
        revision,
        at,
        actor,
        summary,
        policy,
    } = info;
    Revision {
        revision: revision.0,
        at: Timestamp(at),
        actor: actor.name,
        origin: actor.origin,
        summary,
        policy,
    }
}
