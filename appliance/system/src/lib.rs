//! The machine below the engine. `ravelin-agent`, the helper with the rights of root, is asked over its Unix socket
//! what [`Status`] and the modules beside it say; the other modules are what the agent is made of.
//!
//! Engine and agent come in one image and are always of the same version, so that unknown fields are refused.

pub mod boot_choice;
pub mod boot_environment;
pub mod bundle;
pub mod client;
pub mod grub_environment;
pub mod journal;
pub mod network_services;
pub mod readings;
mod refusal;
mod slot;
pub mod status;
pub mod trial;
pub mod update;
pub mod version;

pub use boot_environment::StateCondition;
pub use client::{Agent, AgentError};
pub use refusal::{Refusal, RefusalCode};
pub use slot::{NoSuchSlot, Slot};
pub use status::Status;
