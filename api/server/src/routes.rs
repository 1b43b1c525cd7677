//! Handlers by resource: parse, ask control, answer.

pub(crate) mod auth;
pub(crate) mod changes;
pub(crate) mod dhcp_leases;
pub(crate) mod dns_servers;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod feature_config;
pub(crate) mod features;
pub(crate) mod flow_feature_config;
pub(crate) mod flow_records;
pub(crate) mod flows;
pub(crate) mod hardware_flows;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod interface_own_settings;
pub(crate) mod interface_settings;
pub(crate) mod interfaces;
pub(crate) mod list_entries;
pub(crate) mod lists;
pub(crate) mod maps;
pub(crate) mod metrics;
pub(crate) mod nat_rule_order;
pub(crate) mod nat_rules;
pub(crate) mod network_routes;
pub(crate) mod policy_counters;
pub(crate) mod policy_document;
pub(crate) mod policy_routes;
pub(crate) mod policy_state;
pub(crate) mod programs;
pub(crate) mod published_services;
pub(crate) mod recovery;
pub(crate) mod revisions;
mod rule_filter;
pub(crate) mod rule_order;
pub(crate) mod rules;
pub(crate) mod services;
pub(crate) mod simulation;
pub(crate) mod statistics;
pub(crate) mod system;
pub(crate) mod system_logs;
pub(crate) mod system_updates;
pub(crate) mod tuning;
pub(crate) mod verdict_log;
pub(crate) mod zone_pairs;
pub(crate) mod zones;

/// The one path that needs no credential.
pub(crate) const HEALTH_PATH: &str = "/healthz";
/// Where the admin token is exchanged for an access token.
pub(crate) const TOKEN_PATH: &str = "/api/v1/auth/token";
/// Where several changes come at once.
pub(crate) const CHANGES_PATH: &str = "/api/v1/changes";
/// Where the whole policy is.
pub(crate) const CONFIG_PATH: &str = "/api/v1/config";
/// Below it everything is about the machine.
pub(crate) const SYSTEM_PATH: &str = "/api/v1/system/";
/// Whose POST takes a streamed bundle.
pub(crate) const UPDATES_PATH: &str = "/api/v1/system/updates";
/// Whose PUT takes a streamed text.
pub(crate) const IMPORT_PATH: &str = "/api/v1/lists/{id}/entries";
