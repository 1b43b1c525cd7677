//! The API as clients see it, a module a resource.

mod audit;
mod bad_input;
mod check;
mod credentials;
mod docs;
mod entries;
mod events;
mod features;
mod flow_records;
mod flows;
mod hardware_flows;
mod health;
mod idempotency;
mod imports;
mod interfaces;
mod keep_alive;
mod limits;
mod lists;
mod metrics;
mod policy;
mod programs;
mod raw;
mod specification;
mod tokens;
mod tuning;
mod world;
