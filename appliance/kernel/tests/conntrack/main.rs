//! Conntrack of a network namespace of our own, beside conntrack(8). Needs root.

mod events;
mod liberal;
mod second_source;
mod settings;
mod support;
mod table;
