//! Routes and layers. A route exists only together with its documentation.

use axum::{Router, middleware};
use utoipa::OpenApi as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::failure::{method_not_allowed, no_such_path};
use crate::middleware::{
    audit, credential, idempotency, known_query, limits, observe, on_trial, panics, rate, request_id,
};
use crate::openapi::Document;
use crate::routes::{
    auth, changes, dhcp_leases, dns_servers, docs, events, feature_config, features, flow_feature_config,
    flow_records, flows, hardware_flows, health, import, interface_own_settings, interface_settings,
    interfaces, list_entries, lists, maps, metrics, nat_rule_order, nat_rules, network_routes,
    policy_counters, policy_document, policy_routes, policy_state, programs, published_services, recovery,
    revisions, rule_order, rules, services, simulation, statistics, system, system_logs, system_updates,
    tuning, verdict_log, zone_pairs, zones,
};
use crate::state::AppState;

/// Every route with its documentation; nothing else serves anything.
pub(crate) fn documented() -> OpenApiRouter<AppState> {
    let empty = OpenApiRouter::with_openapi(Document::openapi());
    routes().into_iter().fold(empty, OpenApiRouter::routes)
}

/// Handlers with the schemas and operations they document, by path.
pub(crate) fn routes() -> Vec<UtoipaMethodRouter<AppState>> {
    vec![
        routes!(health::healthz),
        routes!(health::readyz),
        routes!(metrics::show),
        routes!(docs::page),
        routes!(docs::file),
        routes!(docs::specification),
        routes!(auth::token),
        routes!(features::index),
        routes!(features::show),
        routes!(features::enable),
        routes!(features::disable),
        routes!(
            feature_config::get_statistics,
            feature_config::put_statistics,
            feature_config::patch_statistics
        ),
        routes!(
            feature_config::get_flow_monitoring,
            feature_config::put_flow_monitoring,
            feature_config::patch_flow_monitoring
        ),
        routes!(
            feature_config::get_ddos_protection,
            feature_config::put_ddos_protection,
            feature_config::patch_ddos_protection
        ),
        routes!(
            feature_config::get_dns_blocklist,
            feature_config::put_dns_blocklist,
            feature_config::patch_dns_blocklist
        ),
        routes!(
            feature_config::get_policy_classifier,
            feature_config::put_policy_classifier,
            feature_config::patch_policy_classifier
        ),
        routes!(
            flow_feature_config::get_conntrack_sync,
            flow_feature_config::put_conntrack_sync,
            flow_feature_config::patch_conntrack_sync
        ),
        routes!(
            flow_feature_config::get_flow_offload,
            flow_feature_config::put_flow_offload,
            flow_feature_config::patch_flow_offload
        ),
        routes!(
            flow_feature_config::get_flow_records,
            flow_feature_config::put_flow_records,
            flow_feature_config::patch_flow_records
        ),
        routes!(
            flow_feature_config::get_hw_offload,
            flow_feature_config::put_hw_offload,
            flow_feature_config::patch_hw_offload
        ),
        routes!(programs::index),
        routes!(maps::index),
        routes!(maps::show),
        routes!(statistics::show),
        routes!(lists::index, lists::create),
        routes!(lists::show, lists::patch, lists::delete),
        routes!(list_entries::index, list_entries::add, import::replace),
        routes!(list_entries::show, list_entries::delete),
        routes!(lists::references),
        routes!(zones::index, zones::create),
        routes!(zones::show, zones::put, zones::patch, zones::delete),
        routes!(zones::references),
        routes!(zone_pairs::index, zone_pairs::create),
        routes!(
            zone_pairs::show,
            zone_pairs::put,
            zone_pairs::patch,
            zone_pairs::delete
        ),
        routes!(rules::index, rules::create),
        routes!(rule_order::show, rule_order::put),
        routes!(rules::show, rules::put, rules::patch, rules::delete),
        routes!(rule_order::move_one),
        routes!(services::index, services::create),
        routes!(services::show, services::put, services::patch, services::delete),
        routes!(services::references),
        routes!(nat_rules::index, nat_rules::create),
        routes!(nat_rule_order::show, nat_rule_order::put),
        routes!(
            nat_rules::show,
            nat_rules::put,
            nat_rules::patch,
            nat_rules::delete
        ),
        routes!(nat_rule_order::move_one),
        routes!(published_services::index, published_services::create),
        routes!(
            published_services::show,
            published_services::put,
            published_services::patch,
            published_services::delete
        ),
        routes!(interface_settings::index, interface_settings::create),
        routes!(
            interface_settings::show,
            interface_settings::put,
            interface_settings::patch,
            interface_settings::delete
        ),
        routes!(network_routes::index, network_routes::create),
        routes!(
            network_routes::show,
            network_routes::put,
            network_routes::patch,
            network_routes::delete
        ),
        routes!(policy_routes::index, policy_routes::create),
        routes!(
            policy_routes::show,
            policy_routes::put,
            policy_routes::patch,
            policy_routes::delete
        ),
        routes!(dns_servers::index, dns_servers::create),
        routes!(
            dns_servers::show,
            dns_servers::put,
            dns_servers::patch,
            dns_servers::delete
        ),
        routes!(dhcp_leases::index),
        routes!(changes::create),
        routes!(simulation::simulate),
        routes!(verdict_log::index),
        routes!(policy_state::show),
        routes!(policy_document::show, policy_document::put),
        routes!(policy_counters::index),
        routes!(policy_state::diagnostics),
        routes!(revisions::index),
        routes!(revisions::show),
        routes!(revisions::diff),
        routes!(revisions::restore),
        routes!(policy_state::confirm),
        routes!(interfaces::index),
        routes!(interfaces::show, interfaces::patch),
        routes!(interfaces::offload),
        routes!(
            interface_own_settings::show,
            interface_own_settings::put,
            interface_own_settings::patch,
            interface_own_settings::delete
        ),
        routes!(flows::index),
        routes!(flows::kill),
        routes!(flows::show, flows::delete),
        routes!(hardware_flows::index),
        routes!(flow_records::index),
        routes!(flow_records::show),
        routes!(tuning::show, tuning::patch),
        routes!(recovery::acknowledge),
        routes!(system::show),
        routes!(system_updates::index, system_updates::create),
        routes!(system_updates::show),
        routes!(system_updates::boot),
        routes!(system::reboot),
        routes!(system::shut_down),
        routes!(system::factory_reset),
        routes!(system_logs::index),
        routes!(system::support),
        routes!(events::follow),
    ]
}

/// The handlers without what stands before them: for the engine itself.
pub(crate) fn handlers(state: AppState) -> Router {
    let (router, _) = documented().split_for_parts();
    router.with_state(state)
}

/// The router, ready to be served on any number of sockets.
pub fn router(state: AppState) -> Router {
    let (router, _) = documented().split_for_parts();
    // The last layer is the first to see a request.
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_such_path)
        .layer(middleware::from_fn_with_state(state.clone(), idempotency))
        .layer(middleware::from_fn_with_state(state.clone(), on_trial))
        .layer(middleware::from_fn_with_state(state.clone(), known_query))
        .layer(middleware::from_fn_with_state(state.clone(), rate))
        .layer(middleware::from_fn_with_state(state.clone(), credential))
        .layer(middleware::from_fn_with_state(state.clone(), limits))
        .layer(panics())
        .layer(middleware::from_fn_with_state(state.clone(), audit))
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .layer(middleware::from_fn(request_id))
        .with_state(state)
}
