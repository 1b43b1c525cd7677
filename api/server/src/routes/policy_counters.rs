//! What is counted without a rule.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{Page, PolicyCounter};

use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy;
use crate::state::AppState;

/// Show what is counted without a rule
///
/// Packets of no connection, of interfaces in no zone, of zone pairs nobody wrote, and the like.
#[utoipa::path(
    get,
    path = "/api/v1/policy/counters",
    operation_id = "list_policy_counters",
    tag = "policy",
    params(PageQuery),
    responses((status = 200, description = "The counters.", body = Page<PolicyCounter>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PolicyCounter>>, Failure> {
    let counters = state.control().fixed_counters().await?;
    let counters = counters.into_iter().map(|(name, hits)| PolicyCounter {
        name: name.to_owned(),
        hits: policy::hits(hits),
    });
    let page = query.page(counters.collect(), |counter: &PolicyCounter| counter.name.clone())?;
    Ok(Json(page))
}
