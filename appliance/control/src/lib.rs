//! Owns the configuration of the data plane: features, lists and interfaces. One task applies every change:
//! validate, compile, load into the kernel, store, publish. Never parses HTTP, never opens a socket itself.

mod error;
mod handle;

pub use error::ControlError;
pub use handle::{
    Actor, AuditRecord, ControlHandle, EntryPage, EntryQuery, EventLosses, EventStream, ImportProblem,
    ImportReport, ListedEntry, NewList, Precondition, Readiness, StreamItem,
};
