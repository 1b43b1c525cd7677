//! What can go wrong with the store.

use std::path::PathBuf;

use ravelin_model::{ListId, ListKind, ListName};
use thiserror::Error;

/// An operation on the store failed; nothing of it was written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file cannot be made or opened.
    #[error("open the store {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The file cannot be made.
    #[error("create the store {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is a file, but another program made it.
    #[error("{} is not a Ravelin store", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer Ravelin wrote the file.
    #[error("the store {} has schema {found}, this program knows up to {known}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Newest migration applied to the file.
        found: i64,
        /// Newest migration this program has.
        known: i64,
    },
    /// SQLite finds the file inconsistent.
    #[error("the store {} is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// First finding of `PRAGMA quick_check`, or why even that was not possible.
        detail: String,
    },
    /// The schema could not be brought up to date.
    #[error("migrate the store")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A change could not be begun.
    #[error("begin a change")]
    Begin(#[source] sqlx::Error),
    /// A change could not be made durable. After a failed commit the change is not stored, unless the source
    /// is an I/O error, after which only opening the store anew tells.
    #[error("commit a change")]
    Commit(#[source] sqlx::Error),
    /// The number of the last change could not be read.
    #[error("read the revision")]
    ReadRevision(#[source] sqlx::Error),
    /// What the configuration must come to could not be written.
    #[error("write the digests of the configuration")]
    WriteDigest(#[source] sqlx::Error),
    /// The configuration could not be checked.
    #[error("check the configuration")]
    Verify(#[source] sqlx::Error),
    /// The configuration could not be copied.
    #[error("copy the configuration")]
    Copy(#[source] sqlx::Error),
    /// Features could not be read.
    #[error("read the features")]
    ReadFeatures(#[source] sqlx::Error),
    /// A feature could not be written.
    #[error("write a feature")]
    WriteFeature(#[source] sqlx::Error),
    /// Interfaces could not be read.
    #[error("read the interfaces")]
    ReadInterfaces(#[source] sqlx::Error),
    /// An interface could not be written.
    #[error("write an interface")]
    WriteInterface(#[source] sqlx::Error),
    /// Lists could not be read.
    #[error("read the lists")]
    ReadLists(#[source] sqlx::Error),
    /// A list could not be written.
    #[error("write a list")]
    WriteList(#[source] sqlx::Error),
    /// Entries could not be read.
    #[error("read the entries of a list")]
    ReadEntries(#[source] sqlx::Error),
    /// Entries could not be written.
    #[error("write the entries of a list")]
    WriteEntries(#[source] sqlx::Error),
    /// The audit trail could not be read.
    #[error("read the audit trail")]
    ReadAudit(#[source] sqlx::Error),
    /// The audit trail could not be written.
    #[error("write the audit trail")]
    WriteAudit(#[source] sqlx::Error),
    /// The policy could not be read.
    #[error("read the policy")]
    ReadPolicy(#[source] sqlx::Error),
    /// Objects of the policy could not be written.
    #[error("write the policy")]
    WritePolicy(#[source] sqlx::Error),
    /// The history could not be read.
    #[error("read the revisions")]
    ReadHistory(#[source] sqlx::Error),
    /// Hit counters of the policy could not be read.
    #[error("read the hit counters of the policy")]
    ReadCounters(#[source] sqlx::Error),
    /// Hit counters of the policy could not be written.
    #[error("write the hit counters of the policy")]
    WriteCounters(#[source] sqlx::Error),
    /// The verdict log could not be read.
    #[error("read the verdict log")]
    ReadVerdicts(#[source] sqlx::Error),
    /// The verdict log could not be written.
    #[error("write the verdict log")]
    WriteVerdicts(#[source] sqlx::Error),
    /// Flow records could not be read.
    #[error("read the flow records")]
    ReadFlowRecords(#[source] sqlx::Error),
    /// Flow records could not be written.
    #[error("write the flow records")]
    WriteFlowRecords(#[source] sqlx::Error),
    /// What tuning keeps to could not be read.
    #[error("read what tuning keeps to")]
    ReadTuning(#[source] sqlx::Error),
    /// What tuning keeps to could not be written.
    #[error("write what tuning keeps to")]
    WriteTuning(#[source] sqlx::Error),
    /// Another list has the name.
    #[error("a list called '{0}' exists already")]
    NameTaken(ListName),
    /// There is no such list.
    #[error("there is no list '{0}'")]
    UnknownList(ListId),
    /// An address for a domain list, or the other way round.
    #[error("list '{list}' holds entries of kind {kind:?} only")]
    WrongKind {
        /// The list.
        list: ListId,
        /// What it holds.
        kind: ListKind,
    },
    /// The caller gave fewer hit counters than there are new address entries.
    #[error("there is no hit counter left for a new entry")]
    NoCounterLeft,
    /// A stored value is outside what its type allows: something else wrote to the file.
    #[error("column {column} holds a value that cannot be")]
    Column {
        /// `table.column`.
        column: &'static str,
        /// Why, where a parser told.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}
