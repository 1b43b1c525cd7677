//! The machine below the engine: what `ravelin-agent`, the helper with the rights of root, is asked
//! over its Unix socket; the other modules are what the agent is made of.
//!
//! Engine and agent come in one image and are always of the same version, so that unknown fields are refused.

pub mod network_services;
