//! Configurations of features, each with a path and a schema of its own.

use axum::extract::State;
use ravelin_api_types::{
    BadBody, DdosProtectionConfig, DdosProtectionConfigPatch, DnsBlocklistConfig, DnsBlocklistConfigPatch,
    Feature, FeatureConfig, FlowMonitoringConfig, FlowMonitoringConfigPatch, FromJson,
    PolicyClassifierConfig, StatisticsConfig, StatisticsConfigPatch, merge_patch, parse_value, parse_with,
};
use ravelin_control::{ControlError, Precondition};
use ravelin_model as model;
use serde_json::Value;

use crate::extract::{Caller, IfMatch, JsonBody};
use crate::failure::Failure;
use crate::respond::{Changed, Tagged};
use crate::state::AppState;

pub(super) async fn current(
    state: &AppState,
    feature: model::Feature,
) -> Result<Tagged<FeatureConfig>, Failure> {
    let status = state.control().feature(feature).await?;
    Ok(Tagged(status.config.into(), status.revision))
}

pub(super) async fn put(
    state: &AppState,
    Caller(actor): &Caller,
    precondition: Precondition,
    config: FeatureConfig,
) -> Result<Changed<Feature>, ControlError> {
    let status = state
        .control()
        .set_config(config.into(), precondition, actor)
        .await?;
    let revision = status.revision;
    Ok(Changed::updated(status.into(), revision))
}

/// Merges a patch (RFC 7396) into the configuration as it is, and reads the result like a whole one.
pub(super) async fn patch<T: FromJson>(
    state: &AppState,
    caller: &Caller,
    feature: model::Feature,
    precondition: Precondition,
    body: &JsonBody,
    whole: fn(T) -> FeatureConfig,
) -> Result<Changed<Feature>, Failure> {
    let patch: Value = parse_with(&body.0, |node, _| Some(node.value().clone()))?;
    loop {
        let status = state.control().feature(feature).await?;
        let current = status.revision;
        if matches!(precondition, Precondition::Revision(named) if named != current) {
            return Err(ControlError::Stale { current }.into());
        }
        let mut config = serde_json::to_value(FeatureConfig::from(status.config))
            .map_err(|error| BadBody::Malformed(error.to_string()))?;
        merge_patch(&mut config, &patch);
        let config = whole(parse_value(&config, T::from_json)?);
        // Merged into this revision: none may slip in between. Whoever takes any revision takes the next one, too.
        match put(state, caller, Precondition::Revision(current), config).await {
            Err(ControlError::Stale { .. }) if precondition == Precondition::Exists => {}
            done => return Ok(done?),
        }
    }
}

/// Show the configuration of `statistics`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/statistics/config",
    operation_id = "get_statistics_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = StatisticsConfig))
)]
pub(crate) async fn get_statistics(State(state): State<AppState>) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::Statistics).await
}

/// Replace the configuration of `statistics`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/statistics/config",
    operation_id = "put_statistics_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = StatisticsConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_statistics(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::Statistics(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `statistics`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/statistics/config",
    operation_id = "patch_statistics_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = StatisticsConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_statistics(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::Statistics, FeatureConfig::Statistics);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `flow_monitoring`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/flow_monitoring/config",
    operation_id = "get_flow_monitoring_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = FlowMonitoringConfig))
)]
pub(crate) async fn get_flow_monitoring(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::FlowMonitoring).await
}

/// Replace the configuration of `flow_monitoring`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/flow_monitoring/config",
    operation_id = "put_flow_monitoring_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = FlowMonitoringConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_flow_monitoring(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::FlowMonitoring(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `flow_monitoring`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/flow_monitoring/config",
    operation_id = "patch_flow_monitoring_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = FlowMonitoringConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_flow_monitoring(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::FlowMonitoring, FeatureConfig::FlowMonitoring);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `ddos_protection`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/ddos_protection/config",
    operation_id = "get_ddos_protection_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = DdosProtectionConfig))
)]
pub(crate) async fn get_ddos_protection(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::DdosProtection).await
}

/// Replace the configuration of `ddos_protection`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/ddos_protection/config",
    operation_id = "put_ddos_protection_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = DdosProtectionConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_ddos_protection(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::DdosProtection(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `ddos_protection`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/ddos_protection/config",
    operation_id = "patch_ddos_protection_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = DdosProtectionConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_ddos_protection(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::DdosProtection, FeatureConfig::DdosProtection);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `dns_blocklist`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/dns_blocklist/config",
    operation_id = "get_dns_blocklist_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = DnsBlocklistConfig))
)]
pub(crate) async fn get_dns_blocklist(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::DnsBlocklist).await
}

/// Replace the configuration of `dns_blocklist`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/dns_blocklist/config",
    operation_id = "put_dns_blocklist_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = DnsBlocklistConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_dns_blocklist(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::DnsBlocklist(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `dns_blocklist`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/dns_blocklist/config",
    operation_id = "patch_dns_blocklist_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = DnsBlocklistConfigPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_dns_blocklist(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::DnsBlocklist, FeatureConfig::DnsBlocklist);
    patch(&state, &caller, feature, precondition, &body, whole).await
}

/// Show the configuration of `policy_classifier`
#[utoipa::path(
    get,
    path = "/api/v1/ebpf/features/policy_classifier/config",
    operation_id = "get_policy_classifier_config",
    tag = "features",
    responses((status = 200, description = "The configuration; its ETag is the feature's.", body = PolicyClassifierConfig))
)]
pub(crate) async fn get_policy_classifier(
    State(state): State<AppState>,
) -> Result<Tagged<FeatureConfig>, Failure> {
    current(&state, model::Feature::PolicyClassifier).await
}

/// Replace the configuration of `policy_classifier`
#[utoipa::path(
    put,
    path = "/api/v1/ebpf/features/policy_classifier/config",
    operation_id = "put_policy_classifier_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = PolicyClassifierConfig, description = "The whole configuration."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn put_policy_classifier(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let config = FeatureConfig::PolicyClassifier(body.read()?);
    Ok(put(&state, &caller, precondition, config).await?)
}

/// Change parts of the configuration of `policy_classifier`
#[utoipa::path(
    patch,
    path = "/api/v1/ebpf/features/policy_classifier/config",
    operation_id = "patch_policy_classifier_config",
    tag = "features",
    params(("If-Match" = String, Header, description = "ETag of the feature, or `*`.")),
    request_body(content = PolicyClassifierConfig, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "The feature with the new configuration.", body = Feature))
)]
pub(crate) async fn patch_policy_classifier(
    State(state): State<AppState>,
    caller: Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Feature>, Failure> {
    let (feature, whole) = (model::Feature::PolicyClassifier, FeatureConfig::PolicyClassifier);
    patch(&state, &caller, feature, precondition, &body, whole).await
}
