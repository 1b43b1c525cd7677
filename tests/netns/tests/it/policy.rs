//! The policy, shown with packets: every case runs with the classifier in eBPF and nftables, with nftables alone, and
//! through the evaluator of the engine.

mod addresses;
mod case;
mod defaults;
mod draft;
mod ground;
mod limits;
mod link_local;
mod live;
mod nat;
mod odd;
mod order;
mod prober;
mod schedules;
mod self_test;
mod services;
mod shot;
mod state;
mod zones;
