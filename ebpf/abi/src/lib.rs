//! Rust mirror of the structs shared with the eBPF programs. `generated.rs` is made from `ebpf/include/` by
//! `cargo xtask abi`; the C headers are the only source. Depends on nothing of ours and does nothing.
#![no_std]

#[allow(
    missing_docs,
    missing_debug_implementations,
    non_camel_case_types,
    non_upper_case_globals,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks
)]
mod generated;

pub use generated::*;
