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

mod cards;
mod dry_run;
mod handle;
mod keep_alive;
mod list;
mod plan;
mod rates;
mod rules;
mod shown;
mod table;
mod task;

pub(crate) use handle::{Hardware, InCards};
pub use list::{HardwareFlow, HardwareFlowState};
pub(crate) use task::HardwareInputs;

#[cfg(test)]
mod tests;
