//! Configurations of the features that are about connections.

use axum::extract::State;
use ravelin_api_types::{
    ConntrackSyncConfig, ConntrackSyncConfigPatch, Feature, FeatureConfig, FlowOffloadConfig,
    FlowRecordsConfig, FlowRecordsConfigPatch, HwOffloadConfig, HwOffloadConfigPatch,
};
use ravelin_model as model;

use super::feature_config::{current, patch, put};
use crate::extract::{Caller, IfMatch, JsonBody};
use crate::failure::Failure;
use crate::respond::{Changed, Tagged};
use crate::state::AppState;

/// Show the configuration of `conntrack_sync`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/conntrack_sync/config",
    operation_id = "get_conntrack_sync_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = ConntrackSyncConfig))
)]
pub(crate) async fn get_conntrack_sync(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::ConntrackSync).await
}

/// Replace the configuration of `conntrack_sync`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/conntrack_sync/config",
    operation_id = "put_conntrack_sync_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = ConntrackSyncConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_conntrack_sync(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::ConntrackSync(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `conntrack_sync`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/conntrack_sync/config",
    operation_id = "patch_conntrack_sync_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = ConntrackSyncConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_conntrack_sync(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::ConntrackSync, FeatureConfig::ConntrackSync);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `flow_offload`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/flow_offload/config",
    operation_id = "get_flow_offload_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = FlowOffloadConfig))
)]
pub(crate) async fn get_flow_offload(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::FlowOffload).await
}

/// Replace the configuration of `flow_offload`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/flow_offload/config",
    operation_id = "put_flow_offload_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = FlowOffloadConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_flow_offload(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::FlowOffload(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `flow_offload`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/flow_offload/config",
    operation_id = "patch_flow_offload_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = FlowOffloadConfig, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_flow_offload(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::FlowOffload, FeatureConfig::FlowOffload);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `flow_records`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/flow_records/config",
    operation_id = "get_flow_records_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = FlowRecordsConfig))
)]
pub(crate) async fn get_flow_records(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::FlowRecords).await
}

/// Replace the configuration of `flow_records`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/flow_records/config",
    operation_id = "put_flow_records_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = FlowRecordsConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_flow_records(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::FlowRecords(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `flow_records`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/flow_records/config",
    operation_id = "patch_flow_records_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = FlowRecordsConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_flow_records(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::FlowRecords, FeatureConfig::FlowRecords);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `hw_offload`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/hw_offload/config",
    operation_id = "get_hw_offload_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = HwOffloadConfig))
)]
pub(crate) async fn get_hw_offload(State(state): State<AppState>) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::HwOffload).await
}

/// Replace the configuration of `hw_offload`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/hw_offload/config",
    operation_id = "put_hw_offload_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = HwOffloadConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_hw_offload(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::HwOffload(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `hw_offload`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/hw_offload/config",
    operation_id = "patch_hw_offload_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = HwOffloadConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_hw_offload(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::HwOffload, FeatureConfig::HwOffload);
    patch(&state, &caller, feature, precondition, &body, whole).await
}
