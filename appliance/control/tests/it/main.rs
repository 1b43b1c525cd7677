//! Control over a store in memory and a data plane that records what it is told.

mod cards;
mod datapath;
mod engine;
mod events;
mod expiry;
mod failures;
mod features;
mod flows;
mod imports;
mod interfaces;
mod lists;
mod network;
mod policy;
mod tuning;
