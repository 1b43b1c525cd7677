//! Features.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{Feature, Page};
use ravelin_model::FeatureStatus;

use crate::extract::{Caller, NamedFeature, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::respond::{Changed, Tagged};
use crate::state::AppState;

/// Show every feature
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features",
    operation_id = "list_features",
    tag = "features",
    params(PageQuery),
    responses((status = 200, description = "Features, in a fixed order.", body = Page<Feature>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Feature>>, Failure> {
    let features = state.control().features().await?;
    let place = |status: &FeatureStatus| {
        let place = ravelin_model::Feature::ALL
            .iter()
            .position(|f| *f == status.feature);
        format!("{:04}", place.unwrap_or_default())
    };
    Ok(Json(query.page(features, place)?))
}

/// Show a feature
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/{name}",
    operation_id = "get_feature",
    tag = "features",
    params(("name" = String, Path, description = "Name of the feature.")),
    responses((status = 200, description = "The feature.", body = Feature))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    NamedFeature(feature): NamedFeature,
) -> Result<Tagged<Feature>, Failure> {
    let status = state.control().feature(feature).await?;
    let revision = status.revision;
    Ok(Tagged(status.into(), revision))
}

/// Switch a feature on
///
/// Idempotent. 409 names the features that must be enabled first.
#[utoipa::path(
    post,
    path = "/api/v1/ebpf/features/{name}/enable",
    operation_id = "enable_feature",
    tag = "features",
    params(("name" = String, Path, description = "Name of the feature.")),
    responses((status = 200, description = "The feature, switched on.", body = Feature))
)]
pub(crate) async fn enable(
    State(state): State<AppState>,
    caller: Caller,
    NamedFeature(feature): NamedFeature,
) -> Result<Changed<Feature>, Failure> {
    switch(&state, &caller, feature, true).await
}

/// Switch a feature off
///
/// Idempotent. 409 names the features that must be disabled first.
#[utoipa::path(
    post,
    path = "/api/v1/ebpf/features/{name}/disable",
    operation_id = "disable_feature",
    tag = "features",
    params(("name" = String, Path, description = "Name of the feature.")),
    responses((status = 200, description = "The feature, switched off.", body = Feature))
)]
pub(crate) async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    NamedFeature(feature): NamedFeature,
) -> Result<Changed<Feature>, Failure> {
    switch(&state, &caller, feature, false).await
}

async fn switch(
    state: &AppState,
    Caller(actor): &Caller,
    feature: ravelin_model::Feature,
    enabled: bool,
) -> Result<Changed<Feature>, Failure> {
    let status = state.control().set_enabled(feature, enabled, actor).await?;
    let revision = status.revision;
    Ok(Changed::updated(status.into(), revision))
}
