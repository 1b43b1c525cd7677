//! One module for each promise to the user.

mod address_list;
mod baseline;
mod cli;
mod connection;
mod dns_list;
mod flow_monitoring;
mod flows;
mod gateway;
mod hotplug;
mod interface_settings;
mod lifecycle;
mod metrics;
mod network;
mod policy;
mod replacement;
mod restricted;
mod robustness;
mod run_time;
mod support;
