//! The policy as a whole: what there is to say about it, and commits that wait to be confirmed.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Diagnostic, Page, PolicyState, Timestamp};
use ravelin_control::PolicyView;
use ravelin_model::Revision;

use crate::extract::{Caller, Query, named};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy;
use crate::respond::{Revised, Tagged, revised};
use crate::state::AppState;

/// Show whether the policy is enforced
#[utoipa::path(
    get,
    path = "/api/v1/policy",
    operation_id = "get_policy",
    tag = "policy",
    responses((status = 200, description = "The policy as a whole.", body = PolicyState))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Tagged<PolicyState> {
    let view = state.control().policy();
    Tagged(shown(&view), view.revision)
}

/// Show what is odd about the policy
///
/// Rules that match nothing because others come first, zones nothing leads to, and the like. None of it is an error.
#[utoipa::path(
    get,
    path = "/api/v1/diagnostics",
    operation_id = "list_diagnostics",
    tag = "policy",
    params(PageQuery),
    responses((status = 200, description = "Remarks about the policy as it is.", body = Page<Diagnostic>))
)]
pub(crate) async fn diagnostics(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Diagnostic>>, Failure> {
    let diagnostics = state.control().diagnostics();
    let numbered: Vec<(usize, Diagnostic)> = diagnostics.iter().map(policy::diagnostic).enumerate().collect();
    let page: Page<Numbered> = query.page(numbered, |(index, _)| format!("{index:08}"))?;
    Ok(Json(Page {
        items: page.items.into_iter().map(|numbered| numbered.0).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// A remark without the place it had.
struct Numbered(Diagnostic);

impl From<(usize, Diagnostic)> for Numbered {
    fn from((_, diagnostic): (usize, Diagnostic)) -> Self {
        Self(diagnostic)
    }
}

/// Keep a change that waits to be confirmed
///
/// Changes made with `confirm_within_seconds` are taken back unless this comes in time.
#[utoipa::path(
    post,
    path = "/api/v1/revisions/{revision}/confirm",
    operation_id = "confirm_revision",
    tag = "policy",
    params(("revision" = String, Path, description = "Number of the revision.")),
    responses((status = 200, description = "The policy, which stays.", body = PolicyState))
)]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(revision): Path<String>,
) -> Result<Revised<Json<PolicyState>>, Failure> {
    let revision = Revision(named(&revision, "such revision")?);
    let view = state.control().confirm(revision, &actor).await?;
    Ok(revised(Json(shown(&view)), view.revision))
}

fn shown(view: &PolicyView) -> PolicyState {
    PolicyState {
        revision: view.revision.0,
        enforced: view.enforced,
        problems: view.problems.clone(),
        confirm_until: view.unconfirmed.map(|waiting| Timestamp(waiting.until)),
    }
}
