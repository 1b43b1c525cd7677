//! The loader: what it attaches, what survives it, and what it cleans up.

mod adoption;
mod attaching;
mod events;
mod lists;
mod numbers;
pub mod rig;
