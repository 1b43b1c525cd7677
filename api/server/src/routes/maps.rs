//! Maps in the kernel.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{Map, Page};
use ravelin_control::ControlError;

use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::state::AppState;

/// Show the maps in the kernel
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/maps",
    operation_id = "list_maps",
    tag = "data plane",
    params(PageQuery),
    responses((status = 200, description = "Maps by name.", body = Page<Map>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Map>>, Failure> {
    let maps = state.control().maps().await?;
    Ok(Json(query.page(maps, |map| map.name.clone())?))
}

/// Show a map
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/maps/{name}",
    operation_id = "get_map",
    tag = "data plane",
    params(("name" = String, Path, description = "Name of the map.")),
    responses((status = 200, description = "The map.", body = Map))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<Map>, Failure> {
    let maps = state.control().maps().await?;
    let map = maps.into_iter().find(|map| map.name == name);
    Ok(Json(map.ok_or(ControlError::UnknownMap(name))?.into()))
}
