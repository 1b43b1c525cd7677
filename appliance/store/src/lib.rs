//! SQLite: what was set over REST, and its history. The only crate that imports sqlx.
//!
//! Every change is one [`Change`]: one transaction that writes the change and its row in the history, and is on
//! disk when [`Change::commit`] returns Ok. There is one writer at a time; reads go on beside it and see the last
//! committed state. Times are stored as Unix microseconds. Never decides anything: no validation of meaning, no
//! defaults other than the model's.

mod audit;
mod batch_times;
mod change;
mod convert;
mod copy;
mod digest;
mod entries;
mod error;
mod features;
mod flow_records;
mod hardware;
mod interfaces;
mod lists;
mod open;
mod policy;
mod replace;
mod tuning;
mod verdicts;
mod verify;

pub use audit::AuditEntry;
pub use change::{Author, Change};
pub use entries::{PageQuery, StoredEntry};
pub use error::StoreError;
pub use features::StoredFeature;
pub use flow_records::{FlowRecordFilter, FlowRecordRetention, StoredFlowRecord};
pub use hardware::StoredOriginal;
pub use open::Store;
pub use policy::{
    CounterEpoch, PolicyWrite, StoredCounter, StoredCounters, StoredPolicy, StoredRevision, Unconfirmed,
};
pub use replace::Replaced;
pub use verdicts::{StoredVerdict, VerdictFilter};
