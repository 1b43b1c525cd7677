//! The policy in the programs.

mod counting;
mod flipping;
pub mod ground;
mod handing_over;
mod judging;
mod refusing;
mod rules;
mod translating;
