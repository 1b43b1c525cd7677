//! The store through its public door, mostly on the in-memory database.

mod audit;
mod changes;
mod durability;
mod entries;
mod features;
mod flow_records;
mod hardware;
mod lists;
mod opening;
mod policy;
mod replacing;
mod routes;
mod support;
mod tuning;
mod verifying;
