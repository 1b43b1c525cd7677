//! The policy in the programs.

pub mod ground;
