//! The commands, one file per resource.

pub mod console;
pub mod dhcp_leases;
pub mod entries;
pub mod events;
pub mod features;
pub mod flow_records;
pub mod flows;
pub mod hardware_flows;
pub mod interfaces;
pub mod lists;
pub mod live_flows;
pub mod maps;
pub mod policy;
pub mod programs;
pub mod stats;
pub mod status;
pub mod system;
pub mod top;
pub mod tuning;
