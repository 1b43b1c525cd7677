//! Programs in the kernel.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{Page, Program};

use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::state::AppState;

/// Show the programs in the kernel
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/programs",
    operation_id = "list_programs",
    tag = "data plane",
    params(PageQuery),
    responses((status = 200, description = "Programs by kernel id.", body = Page<Program>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Program>>, Failure> {
    let programs = state.control().programs().await?;
    Ok(Json(
        query.page(programs, |program| format!("{:010}", program.id))?,
    ))
}
