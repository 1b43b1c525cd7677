//! The policy, shown with packets: every case runs with the classifier in eBPF and nftables, with nftables alone, and
//! through the evaluator of the engine.

mod addresses;
mod atomic;
mod case;
mod counting;
mod defaults;
mod draft;
mod engine;
mod failures;
mod ground;
mod limits;
mod link_local;
mod live;
mod nat;
mod odd;
mod order;
mod paper;
mod prober;
mod restart;
mod schedules;
mod self_test;
mod services;
mod shot;
mod speed;
mod state;
mod traffic;
mod verdict_log;
mod zones;
