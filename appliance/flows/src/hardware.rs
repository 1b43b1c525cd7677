//! Connections in network cards.
//!
//! ```text
//! settings, links (watch) ─► ┌───────────────────┐ ◄── "look now", 16: before a connection is deleted
//! flow cache, read ────────► │ thread "hardware" │ ──► rules of flower, both directions or neither
//!   every second, and busy   │                   │ ◄── what cards counted ──► counts, conntrack's time-outs
//! cards, probed ───────────► └───────────────────┘ ──► HwOffloadStatus (watch), list
//! ```
//! A card has only what is in the flow cache with the way it has there. What leaves the cache leaves the card, before
//! conntrack forgets it where the engine ends it, else half a second later. Everything that decides is pure: [`plan`]
//! says what rules a connection would need, [`table`] which are in.

mod list;
mod plan;
mod rules;
mod table;
mod task;

pub use list::{HardwareFlow, HardwareFlowState};
pub(crate) use task::{Hardware, HardwareInputs, InCards};

#[cfg(test)]
mod tests;
