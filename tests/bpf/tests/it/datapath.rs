//! The loader: what it attaches, what survives it, and what it cleans up.

mod adoption;
mod attaching;
mod lists;
mod numbers;
pub mod rig;
