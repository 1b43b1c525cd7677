//! Handlers by resource: parse, ask control, answer.

pub(crate) mod auth;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod feature_config;
pub(crate) mod features;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod interfaces;
pub(crate) mod list_entries;
pub(crate) mod lists;
pub(crate) mod maps;
pub(crate) mod metrics;
pub(crate) mod programs;
pub(crate) mod statistics;

/// The one path that needs no credential.
pub(crate) const HEALTH_PATH: &str = "/healthz";
/// Where the admin token is exchanged for an access token.
pub(crate) const TOKEN_PATH: &str = "/api/v1/auth/token";
/// Whose PUT takes a streamed text.
pub(crate) const IMPORT_PATH: &str = "/api/v1/lists/{id}/entries";
