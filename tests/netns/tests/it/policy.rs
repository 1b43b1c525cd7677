//! The policy, shown with packets: every case runs with the classifier in eBPF and nftables, with nftables alone, and
//! through the evaluator of the engine.

mod addresses;
mod atomic;
pub mod case;
mod counting;
mod defaults;
pub mod draft;
pub mod engine;
mod failures;
pub mod ground;
mod limits;
mod link_local;
mod live;
mod nat;
mod odd;
mod order;
mod paper;
pub mod prober;
mod restart;
mod schedules;
mod self_test;
mod services;
pub mod shot;
mod speed;
mod state;
mod traffic;
mod verdict_log;
mod zones;
