//! The ruleset as a table of nftables: what connection tracking, address translation and everything eBPF does not
//! decide are made of, and the whole firewall where eBPF is off.
//!
//! ```text
//! forward ─ established, related ─► connection: counts on the rule the connection was accepted by
//!                                                      (ended on request: reset, answered and not counted;
//!                                                      with a flowtable: by way of offloadable, which fills it)
//!         ─ invalid ──────────────► invalid
//!         ─ verdict in the mark, still for this output zone ───────────────────────► decide
//!         ─ iifname . oifname @pairs ─► pair ─ jump ─► lines or tree ─ goto ──────────► decide
//!                                             └─ default ─ goto ──────────────────────► decide
//! decide: counts (mark & 0xfffff @rule_counts), logs, accepts, drops or rejects
//! ```
//!
//! `input` and `output` are the same with one interface. Chains that come from the policy only put verdict and counter
//! into the mark, as eBPF does, and all end in `decide`: every packet is counted exactly once. Such chains are named by
//! their content, so that equal ones are one, and a change sends only those that are new.

mod build;
mod chains;
mod connections;
mod difference;
mod json;
mod lines;
mod nat;
mod table;
mod term;
mod tree;

pub use build::{NftRuleset, NftSettings};
pub use difference::{NftDifference, NftFound};

#[cfg(test)]
mod interpret;
#[cfg(test)]
mod tests;
