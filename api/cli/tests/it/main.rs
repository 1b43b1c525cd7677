//! The built command line against a fake engine on a Unix socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod config;
mod console;
mod engine;
mod events;
mod failures;
mod flow_records;
mod flows;
mod hardware_flows;
mod https;
mod json;
mod lists;
mod policy;
mod routes;
mod run;
mod samples;
mod system;
mod tables;
mod tokens;
mod tuning;
